import { displayText } from '../../report/index.ts';

/** Decodes bytes to a byte string: one character per byte. */
export const byteString = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** Returns the bytes of a byte string. */
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Decodes a byte string for people: as UTF-8 if valid, else as Latin-1. */
export function readable(text: string): string {
  if (!hasHighBytes(text)) return text;
  return decoded(text) ?? text;
}

/** Encodes text as a byte string of its UTF-8. */
export const utf8Bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Decodes a byte string of UTF-8; `undefined` if it is not valid. */
export function decoded(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(text));
  } catch {
    return undefined;
  }
}

/** Does a byte string have a byte outside ASCII? */
export function hasHighBytes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return true;
  return false;
}

/** Splits a text into lines, each with its `\n`; the last may lack it. An empty text has none. */
export function linesOf(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

/** Returns a line without its `\n`. */
export const withoutNewline = (line: string): string => (line.endsWith('\n') ? line.slice(0, -1) : line);

/** Counts the lines of a text without making them. */
export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** Formats untrusted bytes for a message: shortened, and without control characters. */
export function shown(line: string): string {
  const text = withoutNewline(line);
  return text.length > 100 ? `${displayText(text.slice(0, 100))}…` : displayText(text);
}
