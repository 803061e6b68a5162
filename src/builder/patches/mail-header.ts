import { decodeWords } from 'postal-mime';
import { HEADER_MAX } from './limits.ts';
import { readable, withoutNewline } from './text.ts';

/** The header of a mail or part, and the index of its body's first line. */
export interface MailHeader {
  /** By lower-case name; the first one wins. Values are unfolded byte strings. */
  readonly fields: ReadonlyMap<string, string>;
  readonly bodyAt: number;
}

const FIELD = /^([!-9;-~]{1,100}):[ \t]*(.*)$/s;

/** Is this line a field of a mail's header? */
export const isField = (line: string): boolean => FIELD.test(line);

/** Reads the fields from `lines[start]` to the first line that is empty or not a field. */
export function readHeader(lines: readonly string[], start: number): MailHeader {
  const unfolded: [string, string[]][] = [];
  let at = start;
  for (let size = 0; at < lines.length && size <= HEADER_MAX; at++) {
    const line = withoutNewline(lines[at] ?? '');
    size += line.length;
    const match = FIELD.exec(line);
    if (match !== null) unfolded.push([(match[1] ?? '').toLowerCase(), [match[2] ?? '']]);
    else if (/^[ \t]/.test(line) && unfolded.length > 0) unfolded.at(-1)?.[1].push(line);
    else break;
  }
  const fields = new Map<string, string>();
  // Join once: appending to a growing string would be slow for a hostile header.
  for (const [name, pieces] of unfolded) if (!fields.has(name)) fields.set(name, pieces.join(' ').slice(0, HEADER_MAX));
  return { fields, bodyAt: withoutNewline(lines[at] ?? '') === '' ? at + 1 : at };
}

/** Formats a value for people: decodes encoded words (RFC 2047) and collapses white space. */
export const headerText = (value: string): string =>
  decodeWords(readable(value.slice(0, 2000)).replace(/[ \t]+/g, ' ')).trim();

/** A `Content-Type` or `Content-Disposition`: value and parameters, with lower-case names. */
export interface HeaderValue {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parses `text/plain; charset="utf-8"; format=flowed`. */
export function headerValue(text: string): HeaderValue {
  const bounded = text.slice(0, 4000);
  const parameters = new Map<string, string>();
  for (const match of bounded.matchAll(/;[ \t]*([\w*-]{1,40})=(?:"([^"]*)"|([^\s;"]*))/g)) {
    parameters.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '');
  }
  return { value: (bounded.split(';', 1)[0] ?? '').trim().toLowerCase(), parameters };
}
