import { isField } from './mail-header.ts';
import { linesOf, withoutNewline } from './text.ts';

/** The lines of one mail of a mailbox, without its `From ` line, and their place in the file. */
export interface BoxedMail {
  readonly lines: readonly string[];
  /** Lines of the file before the first of these. */
  readonly base: number;
}

/** `From SENDER … 09:17:00 … 2001`: the line that a mailbox puts before each mail. A sentence has no time and year in it. */
const FROM_LINE = /^From \S.{0,200}\d{1,2}:\d{2}(?::\d{2})?\b.{0,40}\b\d{4}\b/;

function isFromLine(lines: readonly string[], at: number): boolean {
  if (lines[at]?.startsWith('From ') !== true || !FROM_LINE.test(withoutNewline(lines[at] ?? ''))) return false;
  return isField(withoutNewline(lines[at + 1] ?? ''));
}

/** Fields that a mail has, and the head of a source file or of a diff does not. */
const MAIL_FIELDS = /^(?:from|subject|date|message-id|received|return-path|delivered-to|to):/i;

/** Whether a text is a mail or a mailbox: it begins with a header that names a sender, a subject or the like. */
export function isMail(lines: readonly string[]): boolean {
  if (isFromLine(lines, 0)) return true;
  for (const line of lines.slice(0, 200)) {
    if (!isField(withoutNewline(line)) && !/^[ \t]/.test(line)) return false;
    if (MAIL_FIELDS.test(line)) return true;
  }
  return false;
}

/** The mails of a text: those of a mailbox, or one. In a mailbox `>From ` is a line that began with `From `. */
export function mailsOf(lines: readonly string[]): BoxedMail[] {
  if (!isFromLine(lines, 0)) return [{ lines, base: 0 }];
  const starts: number[] = [];
  for (let at = 0; at < lines.length; at++) if (isFromLine(lines, at)) starts.push(at + 1);
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? lines.length + 1) - 1;
    return { lines: lines.slice(start, end).map((line) => line.replace(/^>(>*From )/, '$1')), base: start };
  });
}

/** Lines of a text whose last one ends, too, and without the marks that Windows puts at its start. */
export function wholeLines(text: string): string[] {
  const body = text.replace(/^\xef\xbb\xbf/, '');
  return linesOf(body === '' || body.endsWith('\n') ? body : `${body}\n`);
}

/** A file that was saved with `\r\n` has it on the lines that are the diff's own, or the mail's. */
export function unixLines(lines: readonly string[]): readonly string[] {
  const own = lines.find((line) => /^(?:@@ -|\+\+\+ )/.test(line));
  const telling = isMail(lines) ? lines[0] : own;
  if (telling?.endsWith('\r\n') !== true) return lines;
  return lines.map((line) => (line.endsWith('\r\n') ? `${line.slice(0, -2)}\n` : line));
}
