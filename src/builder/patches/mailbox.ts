import { isField } from './mail-header.ts';
import { linesOf, withoutNewline } from './text.ts';

/** Lines of one mail in a mailbox, without its `From ` line, and their position. */
export interface BoxedMail {
  readonly lines: readonly string[];
  /** Lines of the file before the first one. */
  readonly base: number;
}

/** `From SENDER … 09:17:00 … 2001`, the line before each mail in a mailbox. Prose has no such time and year. */
const FROM_LINE = /^From \S.{0,200}\d{1,2}:\d{2}(?::\d{2})?\b.{0,40}\b\d{4}\b/;

function isFromLine(lines: readonly string[], at: number): boolean {
  if (lines[at]?.startsWith('From ') !== true || !FROM_LINE.test(withoutNewline(lines[at] ?? ''))) return false;
  return isField(withoutNewline(lines[at + 1] ?? ''));
}

/** Fields of a mail that neither a source file nor a diff starts with. */
const MAIL_FIELDS = /^(?:from|subject|date|message-id|received|return-path|delivered-to|to):/i;

/** Is this a mail or a mailbox: does it begin with a header with sender, subject or the like? */
export function isMail(lines: readonly string[]): boolean {
  if (isFromLine(lines, 0)) return true;
  for (const line of lines.slice(0, 200)) {
    if (!isField(withoutNewline(line)) && !/^[ \t]/.test(line)) return false;
    if (MAIL_FIELDS.test(line)) return true;
  }
  return false;
}

/** Splits a mailbox into mails; other text is one mail. In a mailbox `>From ` stands for a line with `From `. */
export function mailsOf(lines: readonly string[]): BoxedMail[] {
  if (!isFromLine(lines, 0)) return [{ lines, base: 0 }];
  const starts: number[] = [];
  for (let at = 0; at < lines.length; at++) if (isFromLine(lines, at)) starts.push(at + 1);
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? lines.length + 1) - 1;
    return { lines: lines.slice(start, end).map((line) => line.replace(/^>(>*From )/, '$1')), base: start };
  });
}

/** Splits a text into lines that all end in a newline, without a byte order mark. */
export function wholeLines(text: string): string[] {
  const body = text.replace(/^\xef\xbb\xbf/, '');
  return linesOf(body === '' || body.endsWith('\n') ? body : `${body}\n`);
}

/** Removes `\r` if the diff's or the mail's own lines end in `\r\n`. */
export function unixLines(lines: readonly string[]): readonly string[] {
  const own = lines.find((line) => /^(?:@@ -|\+\+\+ )/.test(line));
  const telling = isMail(lines) ? lines[0] : own;
  if (telling?.endsWith('\r\n') !== true) return lines;
  return lines.map((line) => (line.endsWith('\r\n') ? `${line.slice(0, -2)}\n` : line));
}
