import { addressParser } from 'postal-mime';
import { PART_DEPTH_MAX, PARTS_MAX } from './limits.ts';
import { asUtf8, isPlainEncoding, transferDecoded } from './mail-body.ts';
import { headerText, headerValue, readHeader } from './mail-header.ts';
import { type BoxedMail, unixLines, wholeLines } from './mailbox.ts';
import { readSubject, type Subject } from './subject.ts';
import { linesOf } from './text.ts';

/** A decoded text of a mail: its body or a part. */
export interface MailText {
  readonly lines: readonly string[];
  /** Lines of the file before it; `undefined` if the body was encoded, so that line numbers differ. */
  readonly base: number | undefined;
  /** `format=flowed` (RFC 3676): leading and trailing blanks may not be the sender's. */
  readonly flowed: boolean;
  /** Name of the attachment. */
  readonly name?: string;
}

/** A mail, reduced to what patches need. */
export interface Mail {
  readonly subject: Subject;
  readonly author?: string;
  readonly texts: readonly MailText[];
  /** Were parts beyond the limits skipped? */
  readonly cut: boolean;
}

/** A part that is still encoded. */
interface Part {
  readonly lines: readonly string[];
  readonly base: number | undefined;
}

/** Reads a mail with its header at the start of `lines`. */
export function readMail(mail: BoxedMail): Mail {
  const header = readHeader(mail.lines, 0);
  const texts: MailText[] = [];
  const budget = { parts: PARTS_MAX, cut: false };
  readPart({ lines: mail.lines, base: mail.base }, 0, budget, texts);
  const from = header.fields.get('from');
  const author = from === undefined ? undefined : authorOf(from);
  return {
    subject: readSubject(headerText(header.fields.get('subject') ?? '')),
    ...(author === undefined ? {} : { author }),
    texts,
    cut: budget.cut,
  };
}

/** Parses `Name <address>` of a `From` field. */
export function authorOf(value: string): string | undefined {
  const first = addressParser(value.slice(0, 2000))[0];
  if (first?.address === undefined || first.address === '') return headerText(value) || undefined;
  const name = headerText(first.name ?? '');
  return name === '' ? first.address : `${name} <${first.address}>`;
}

function readPart(part: Part, depth: number, budget: { parts: number; cut: boolean }, texts: MailText[]): void {
  if (depth > PART_DEPTH_MAX || budget.parts-- <= 0) {
    budget.cut = true;
    return;
  }
  const { fields, bodyAt } = readHeader(part.lines, 0);
  const type = headerValue(fields.get('content-type') ?? 'text/plain');
  const body = part.lines.slice(bodyAt);
  const base = part.base === undefined ? undefined : part.base + bodyAt;
  const boundary = type.parameters.get('boundary');
  if (type.value.startsWith('multipart/') && boundary !== undefined) {
    for (const inner of partsOf(body, boundary, base)) readPart(inner, depth + 1, budget, texts);
    return;
  }
  const name = attachmentName(fields, type.parameters.get('name'));
  if (!mayBePatch(type.value, name)) return;
  const encoding = fields.get('content-transfer-encoding') ?? '';
  const flowed = type.parameters.get('format')?.toLowerCase() === 'flowed';
  const charset = type.value.startsWith('text/') ? (type.parameters.get('charset') ?? '') : '';
  const plain = isPlainEncoding(encoding);
  const text = asUtf8(plain ? body.join('') : transferDecoded(body.join(''), encoding), charset);
  // UTF-16 changes what a line is, so the file's line numbers do not apply.
  const sameLines = plain && !/^utf-?16/i.test(charset);
  const lines = unixLines(sameLines ? linesOf(text) : wholeLines(text));
  texts.push({ lines, base: sameLines ? base : undefined, flowed, ...(name === undefined ? {} : { name }) });
}

/** Splits a multipart body at its boundaries (RFC 2046, section 5.1.1). Ignores text before and after. */
function partsOf(body: readonly string[], boundary: string, base: number | undefined): Part[] {
  const starts: number[] = [];
  let end = body.length;
  for (let at = 0; at < body.length; at++) {
    const line = body[at] ?? '';
    if (!line.startsWith(`--${boundary}`)) continue;
    const rest = line.slice(boundary.length + 2).trimEnd();
    if (rest === '') starts.push(at + 1);
    else if (rest === '--') {
      end = at;
      break;
    }
  }
  return starts.map((start, i) => ({
    lines: body.slice(start, i + 1 < starts.length ? (starts[i + 1] ?? end) - 1 : end),
    base: base === undefined ? undefined : base + start,
  }));
}

function attachmentName(fields: ReadonlyMap<string, string>, typeName: string | undefined): string | undefined {
  const disposition = headerValue(fields.get('content-disposition') ?? '');
  const name = disposition.parameters.get('filename') ?? typeName;
  return name === undefined || name === '' ? undefined : headerText(name);
}

/** Accepts plain text and the types that mailers give patches. HTML repeats the text without its blanks, so it is skipped. */
function mayBePatch(type: string, name: string | undefined): boolean {
  if (/^text\/(?!html\b|calendar\b|richtext\b)/.test(type) || type === '' || type === 'message/rfc822') return true;
  if (/^application\/(?:x-)?(?:patch|diff)$/.test(type)) return true;
  return name !== undefined && /\.(?:patch|diff)$/i.test(name);
}
