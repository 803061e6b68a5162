import { displayText } from '../../report/index.ts';

/** Bytes as a byte string: each character is one byte. */
export const byteString = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** The bytes of a byte string. */
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** A byte string that holds UTF-8, as text for people; Latin-1 where it does not. */
export function readable(text: string): string {
  if (!hasHighBytes(text)) return text;
  return decoded(text) ?? text;
}

/** Text as a byte string of its UTF-8. */
export const utf8Bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** The text whose UTF-8 a byte string is; `undefined` where it is not UTF-8. */
export function decoded(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(text));
  } catch {
    return undefined;
  }
}

/** Whether a byte string has a byte that is not ASCII. */
export function hasHighBytes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return true;
  return false;
}

/** The lines of a text, each with its `\n`; the last one may be without. No line for an empty text. */
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

/** A line without its `\n`. */
export const withoutNewline = (line: string): string => (line.endsWith('\n') ? line.slice(0, -1) : line);

/** How many lines a text has, without making them. */
export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** A line of untrusted bytes in a message: short, and without what a terminal would act on. */
export function shown(line: string): string {
  const text = withoutNewline(line);
  return text.length > 100 ? `${displayText(text.slice(0, 100))}…` : displayText(text);
}
