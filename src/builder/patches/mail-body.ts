import { byteString, bytesOf, decoded, hasHighBytes, utf8Bytes } from './text.ts';

/** Bytes of a quoted-printable body, RFC 2045, section 6.7. */
export function fromQuotedPrintable(text: string): string {
  const lines = text.split('\n').map((line) => {
    let end = line.length;
    while (end > 0 && ' \t\r'.includes(line[end - 1] ?? '')) end--;
    return line.slice(0, end);
  });
  // A `=` at the end joins its line with the next one.
  const joined = lines.map((line) => (line.endsWith('=') ? line.slice(0, -1) : `${line}\n`)).join('');
  const whole = text.endsWith('\n') ? joined.slice(0, -1) : joined;
  return whole.replace(/=([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Bytes of a base64 body, RFC 2045, section 6.8: what is not of its alphabet is passed over. */
export const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('latin1');

/** A body as bytes, by its `Content-Transfer-Encoding`. */
export function transferDecoded(text: string, encoding: string): string {
  const name = encoding.trim().toLowerCase();
  if (name === 'quoted-printable') return fromQuotedPrintable(text);
  return name === 'base64' ? fromBase64(text) : text;
}

/** Whether {@link transferDecoded} leaves a body, and so its line numbers, as they are. */
export const isPlainEncoding = (encoding: string): boolean =>
  !['quoted-printable', 'base64'].includes(encoding.trim().toLowerCase());

/**
 * A body as UTF-8. One that says UTF-8, ASCII or nothing keeps its bytes, even where they are something else: git puts the
 * bytes of source files into a mail as they are, whatever it says of them.
 */
export function asUtf8(body: string, charset: string): string {
  const name = charset.trim().toLowerCase();
  if (!hasHighBytes(body) && !/^(?:utf-?16|iso-2022|hz-)/.test(name)) return body;
  if (['', 'utf-8', 'utf8', 'us-ascii', 'ascii', 'unknown-8bit', 'x-unknown'].includes(name)) return body;
  try {
    return utf8Bytes(new TextDecoder(name).decode(bytesOf(body)));
  } catch {
    return body;
  }
}

/**
 * The same text in the other of the two encodings that sources have: Latin-1 for a byte string of UTF-8, UTF-8 for one of
 * Latin-1. `undefined` where there is none: for pure ASCII, and for UTF-8 of what Latin-1 does not have.
 */
export function inOtherEncoding(text: string): string | undefined {
  if (!hasHighBytes(text)) return undefined;
  const characters = decoded(text);
  if (characters === undefined) return utf8Bytes(byteString(bytesOf(text)));
  for (let i = 0; i < characters.length; i++) if (characters.charCodeAt(i) > 0xff) return undefined;
  return characters;
}
