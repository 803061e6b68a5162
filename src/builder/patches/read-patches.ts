import { basename } from 'node:path';
import { finding } from '../../base/index.ts';
import type { RuleId } from '../../catalogue/index.ts';
import { BYTES_MAX, LINES_MAX, MAILS_MAX, PROBLEMS_MAX } from './limits.ts';
import { isMail, mailsOf, unixLines, wholeLines } from './mailbox.ts';
import { readMailPatches, readPlain } from './read-text.ts';
import { asSeries } from './series.ts';
import { byteString, countLines } from './text.ts';
import type { ReadPatches } from './types.ts';

/**
 * Reads the patches in a file as posted: a unified diff, a mail from `git format-patch` or a list, or a mailbox with a series, which
 * it sorts.
 * `file` is for messages. Problems are data; with any, the patches should not be built.
 */
export function readPatches(bytes: Uint8Array, file: string): ReadPatches {
  const refused = (rule: RuleId, message: string, advice?: string): ReadPatches => ({
    patches: [],
    problems: [
      finding(rule, { message: `${file}: ${message}`, where: { file }, ...(advice !== undefined && { advice }) }),
    ],
  });
  if (bytes.length > BYTES_MAX)
    return refused('patch-too-large', `it has ${bytes.length} bytes; a patch has at most ${BYTES_MAX}`);
  const text = byteString(bytes);
  if (text.includes('\0'))
    return refused('no-patch', 'it is no text: it has bytes of zero in it', 'Unpack it first, if it is packed');
  if (countLines(text) > LINES_MAX) return refused('patch-too-large', `it has more than ${LINES_MAX} lines`);
  const lines = unixLines(wholeLines(text));
  const read = isMail(lines) ? readMails(lines, file) : readPlain(lines, file, basename(file));
  const { patches } = read;
  const problems = read.problems.slice(0, PROBLEMS_MAX);
  if (patches.length > 0 || problems.length > 0) return { patches, problems };
  return refused(
    'no-patch',
    'it has no patch in it',
    'A unified diff is expected, as git diff, git format-patch or diff -u give',
  );
}

function readMails(lines: readonly string[], file: string): ReadPatches {
  const mails = mailsOf(lines);
  if (mails.length > MAILS_MAX) {
    const message = `${file}: it has ${mails.length} mails; at most ${MAILS_MAX} are read`;
    return { patches: [], problems: [finding('patch-too-large', { message, where: { file } })] };
  }
  return asSeries(
    mails.map((mail) => readMailPatches(mail, file)),
    file,
  );
}
