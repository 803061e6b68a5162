import { type Finding, finding } from '../../base/index.ts';
import { PROBLEMS_MAX } from './limits.ts';
import { authorOf, type MailText, readMail } from './mail.ts';
import { headerText, readHeader } from './mail-header.ts';
import { type BoxedMail, isMail, mailsOf } from './mailbox.ts';
import { readDiff } from './read-diff.ts';
import type { Fault } from './read-hunk.ts';
import { readSubject, type Subject } from './subject.ts';
import type { SourcePatch } from './types.ts';

/** Result for one mail, or for a file that is not a mail. */
export interface ReadText {
  readonly subject: Subject;
  readonly patches: readonly SourcePatch[];
  readonly problems: readonly Finding[];
}

const FLOWED_HINT =
  'Take the patch from git, or the mail as the list archive has it; mailers send it unharmed as an attachment';

/** Reads the patch of a text that is not a mail. `name` is its title if it has no subject. */
export function readPlain(lines: readonly string[], file: string, name: string): ReadText {
  const { files, faults } = readDiff(lines);
  const problems = faults.slice(0, PROBLEMS_MAX).map((fault) => problemOf(fault, file, 0, undefined));
  const subject = readSubject(name);
  return { subject, patches: files.length === 0 ? [] : [{ title: name, file, files }], problems };
}

/** Reads the patches of one mail. */
export function readMailPatches(mail: BoxedMail, file: string): ReadText {
  const { subject, author, texts, cut } = readMail(mail);
  const problems: Finding[] = [];
  const patches: SourcePatch[] = [];
  if (cut)
    problems.push(
      finding('patch-too-large', {
        message: `${file}: the mail “${subject.title}” has too many parts`,
        where: { file },
      }),
    );
  const attached = texts.filter((text) => text.name !== undefined && holdsDiff(text));
  if (attached.length > 1 && !attached.every((text) => /^\d{2,}-/.test(text.name ?? ''))) {
    const names = attached
      .map((text) => text.name)
      .join(', ')
      .slice(0, 300);
    const message = `${file}: the mail “${subject.title}” has several patches attached, and does not say in which order, or whether all are meant: ${names}`;
    problems.push(
      finding('several-attachments', { message, where: { file }, advice: 'Save those that are meant as files' }),
    );
    return { subject, patches, problems };
  }
  for (const text of texts) {
    const read = readOneText(text, file, subject);
    problems.push(...read.problems);
    for (const patch of read.patches) {
      const place = subject.place === undefined ? {} : { place: subject.place };
      patches.push({ ...(author === undefined ? {} : { author }), ...place, ...patch });
    }
  }
  return { subject, patches: inOneMail(patches, attached.length > 1), problems: problems.slice(0, PROBLEMS_MAX) };
}

const holdsDiff = (text: MailText): boolean =>
  text.lines.some((line) => line.startsWith('@@ -') || line.startsWith('diff --git '));

/** Merges the parts of a mail into one patch; numbered attachments stay separate. */
function inOneMail(patches: readonly SourcePatch[], separate: boolean): readonly SourcePatch[] {
  const [first] = patches;
  if (first === undefined || separate) return patches;
  return [{ ...first, files: patches.flatMap((patch) => patch.files) }];
}

function readOneText(text: MailText, file: string, subject: Subject): { patches: SourcePatch[]; problems: Finding[] } {
  // An attached git format-patch file has a header of its own.
  const nested = text.name !== undefined && isMail(text.lines) ? mailsOf(text.lines)[0] : undefined;
  const lines = nested?.lines ?? text.lines;
  const base = text.base === undefined ? undefined : text.base + (nested?.base ?? 0);
  const { files, faults, firstLine } = readDiff(lines, base);
  if (files.length === 0 && faults.length === 0) return { patches: [], problems: [] };
  if (text.flowed && !keptItsBlanks(files, faults)) {
    const message = `${file}: the mail “${subject.title}” was sent as format=flowed, which changes the blanks of a patch`;
    return {
      patches: [],
      problems: [finding('format-flowed', { message, where: { file }, advice: FLOWED_HINT })],
    };
  }
  const problems = faults.slice(0, PROBLEMS_MAX).map((fault) => problemOf(fault, file, base, subject.title));
  if (files.length === 0) return { patches: [], problems };
  const head = lines.slice(0, firstLine);
  const own = ownHeader(head, nested !== undefined);
  const baseCommit = lines
    .map((line) => /^base-commit: ([0-9a-f]{40,64})\s*$/.exec(line)?.[1])
    .find((id) => id !== undefined);
  const patch: SourcePatch = {
    title: own.title ?? subject.title,
    file,
    ...(own.author === undefined ? {} : { author: own.author }),
    ...(baseCommit === undefined ? {} : { baseCommit }),
    files,
  };
  return { patches: [patch], problems };
}

/** Reads the `From:` and `Subject:` that git adds to a body if the mail's own are not the commit's. */
function ownHeader(head: readonly string[], nested: boolean): { title?: string; author?: string } {
  const start = nested ? 0 : head.findIndex((line) => line.trim() !== '');
  if (start < 0 || !/^(?:From|Subject|Date|Author):/.test(head[start] ?? '')) return {};
  const { fields } = readHeader(head, start);
  const subject = fields.get('subject');
  const from = fields.get('from');
  const author = from === undefined ? undefined : authorOf(from);
  return {
    ...(subject === undefined ? {} : { title: readSubject(headerText(subject)).title }),
    ...(author === undefined ? {} : { author }),
  };
}

/**
 * Did a mail with format=flowed keep its patch intact? RFC 3676, section 4.4: a sender adds a blank before each line that begins
 * with one. So a context line with a single leading blank shows that the sender did not.
 */
function keptItsBlanks(
  files: readonly { hunks: readonly { lines: readonly { kind: string; text: string }[] }[] }[],
  faults: readonly Fault[],
): boolean {
  if (faults.length > 0) return false;
  return files.some(({ hunks }) =>
    hunks.some(({ lines }) => lines.some(({ kind, text }) => kind === ' ' && !/^[ \n]/.test(text))),
  );
}

function problemOf(fault: Fault, file: string, base: number | undefined, title: string | undefined): Finding {
  const line = fault.at + 1 + (base ?? 0);
  const where = base === undefined ? `${file}, line ${line} of the body of “${title ?? ''}”` : `${file}:${line}`;
  const hunk = fault.hunk === undefined ? '' : ` (in ${fault.path ?? ''}, ${fault.hunk.slice(0, 100)})`;
  const { rule, message, advice, path } = fault;
  return finding(rule, {
    message: `${where}: ${message}${hunk}`,
    where: { file: path ?? `${file}:${line}` },
    ...(advice !== undefined && { advice }),
  });
}
