import { byteString, bytesOf, decoded, hasHighBytes, utf8Bytes } from './text.ts';

/** Decodes a quoted-printable body (RFC 2045, section 6.7). */
export function fromQuotedPrintable(text: string): string {
  const lines = text.split('\n').map((line) => {
    let end = line.length;
    while (end > 0 && ' \t\r'.includes(line[end - 1] ?? '')) end--;
    return line.slice(0, end);
  });
  // A final `=` joins two lines.
  const joined = lines.map((line) => (line.endsWith('=') ? line.slice(0, -1) : `${line}\n`)).join('');
  const whole = text.endsWith('\n') ? joined.slice(0, -1) : joined;
  return whole.replace(/=([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Decodes a base64 body (RFC 2045, section 6.8); skips other characters. */
export const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('latin1');

/** Decodes a body by its `Content-Transfer-Encoding`. */
export function transferDecoded(text: string, encoding: string): string {
  const name = encoding.trim().toLowerCase();
  if (name === 'quoted-printable') return fromQuotedPrintable(text);
  return name === 'base64' ? fromBase64(text) : text;
}

/** Does {@link transferDecoded} keep a body, and so its line numbers? */
export const isPlainEncoding = (encoding: string): boolean =>
  !['quoted-printable', 'base64'].includes(encoding.trim().toLowerCase());

/**
 * Converts a body to UTF-8. If it declares UTF-8, ASCII or nothing, it keeps its bytes, even if they are something else: git mails
 * source files unchanged, whatever the declared charset.
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
 * Converts between the two encodings of sources: a byte string of UTF-8 to Latin-1, or back. `undefined` if impossible: for pure
 * ASCII, and for characters outside Latin-1.
 */
export function inOtherEncoding(text: string): string | undefined {
  if (!hasHighBytes(text)) return undefined;
  const characters = decoded(text);
  if (characters === undefined) return utf8Bytes(byteString(bytesOf(text)));
  for (let i = 0; i < characters.length; i++) if (characters.charCodeAt(i) > 0xff) return undefined;
  return characters;
}
