import { type Finding, finding } from '../../base/index.ts';
import type { RuleId } from '../../catalogue/index.ts';
import { APPLIED_ALREADY, applyHunks, type HunkFinding, type HunksResult } from './apply-hunks.ts';
import type { SearchBudget } from './find-hunk.ts';
import { inOtherEncoding } from './mail-body.ts';
import type { Locate } from './tree-paths.ts';
import type { FilePatch, Hunk, SourcePatch } from './types.ts';

/** The tree to patch, and the results so far. */
export interface Working {
  readonly patch: SourcePatch;
  readonly locate: Locate;
  /** Returns the file after the earlier patches; `null` if it does not exist. */
  readonly read: (path: string) => string | null;
  readonly write: (path: string, text: string | null) => void;
  readonly budget: SearchBudget;
  readonly problems: Finding[];
  readonly remarks: Finding[];
}

type Detail = Pick<Finding, 'advice'>;

/** Applies the part of a patch for one file. */
export function applyFile(file: FilePatch, working: Working): void {
  const path = file.to ?? file.from ?? '';
  const [from, to] = [file.from, file.to].map((name) => (name === null ? null : working.locate(name)));
  if (from === undefined || to === undefined) {
    outside(path, working);
    return;
  }
  const source = sourceOf(file, from ?? null, to ?? null, working);
  if (source === undefined) return;
  const applied = hunksApplied(source.text, file.hunks, source.path, working);
  if (applied === undefined) return;
  if (file.kind === 'delete') {
    if (applied !== '')
      problem(
        working,
        'patch-not-empty',
        source.path,
        'the patch removes the file, and it has lines that the patch does not have',
      );
    else working.write(source.path, null);
    return;
  }
  if (file.kind === 'rename') working.write(source.path, null);
  working.write(file.kind === 'change' ? source.path : (to ?? source.path), applied);
  if (file.mode === '100755' || (file.mode !== undefined && file.kind === 'change'))
    modeRemark(file, source.path, working);
}

/** Skips a file outside `xen/`, such as tools and documentation: the hypervisor is not built from it. */
function outside(path: string, { patch, remarks }: Working): void {
  const message = `${patch.file}: ${path} is outside of the hypervisor’s folder: its change is left out`;
  remarks.push(finding('patch-outside', { message, where: { file: path } }));
}

function modeRemark(file: FilePatch, path: string, { patch, remarks }: Working): void {
  const message = `${patch.file}: the mode ${file.mode} of ${path} is not carried over`;
  remarks.push(finding('patch-mode', { message, where: { file: path } }));
}

interface Source {
  readonly path: string;
  readonly text: string;
}

/** Returns the file that the hunks patch; `undefined` after reporting a problem. */
function sourceOf(file: FilePatch, from: string | null, to: string | null, working: Working): Source | undefined {
  const { read } = working;
  if (file.kind === 'new' && to !== null) {
    const there = read(to);
    // diff -N treats an empty file as missing.
    if (there === null || there === '') return { path: to, text: '' };
    const made = file.hunks.flatMap(({ lines }) => lines.map(({ text }) => text)).join('');
    const same = there === made ? { advice: APPLIED_ALREADY } : {};
    problem(working, 'patch-file-exists', to, 'the patch makes this file, and it is there', same);
    return undefined;
  }
  if (file.kind === 'change' && to !== null) {
    const now = read(to);
    if (now !== null) return { path: to, text: now };
  }
  const text = from === null ? null : read(from);
  if (from === null || text === null) {
    const done = file.kind === 'delete' || (file.kind === 'rename' && to !== null && read(to) !== null);
    const detail: Detail = done ? { advice: APPLIED_ALREADY } : {};
    problem(working, 'patch-no-file', from ?? to ?? '', 'there is no such file', detail);
    return undefined;
  }
  if ((file.kind === 'rename' || file.kind === 'copy') && to !== null && from !== to && read(to) !== null) {
    problem(working, 'patch-file-exists', to, `the patch makes this file of ${from}, and it is there`);
    return undefined;
  }
  return { path: from, text };
}

/** Returns the text with all hunks applied; `undefined` after reporting problems. */
function hunksApplied(text: string, hunks: readonly Hunk[], path: string, working: Working): string | undefined {
  const { patch, budget, problems, remarks } = working;
  const asPosted = applyHunks(text, hunks, budget);
  const result = asPosted.faults.length === 0 ? asPosted : (otherEncoding(text, hunks, path, working) ?? asPosted);
  for (const fault of result.faults) problems.push(hunkProblem(fault, path, patch));
  if (result.faults.length > 0) return undefined;
  for (const { hunk, offset } of result.offsets) {
    const where = `${Math.abs(offset)} ${Math.abs(offset) === 1 ? 'line' : 'lines'} ${offset > 0 ? 'further down' : 'further up'}`;
    const message = `${patch.file}: ${path}, ${hunk.header}: applied ${where} than it says`;
    remarks.push(finding('patch-offset', { message, where: { file: path } }));
  }
  return result.after;
}

/** Retries in another encoding: mailers convert texts. */
function otherEncoding(text: string, hunks: readonly Hunk[], path: string, working: Working): HunksResult | undefined {
  let converted = false;
  const others = hunks.map((hunk) => ({
    ...hunk,
    lines: hunk.lines.map((line) => {
      const other = inOtherEncoding(line.text);
      if (other !== undefined) converted = true;
      return other === undefined ? line : { ...line, text: other };
    }),
  }));
  if (!converted) return undefined;
  const result = applyHunks(text, others, working.budget);
  if (result.faults.length > 0) return undefined;
  const { patch, remarks } = working;
  const message = `${patch.file}: ${path}: the patch has another encoding (UTF-8, Latin-1) than the file, and was converted`;
  remarks.push(finding('patch-encoding', { message, where: { file: path } }));
  return result;
}

function hunkProblem({ hunk, rule, message, advice }: HunkFinding, path: string, patch: SourcePatch): Finding {
  return finding(rule, {
    message: `${patch.file}: ${path}, ${hunk.header}: ${message}`,
    where: { file: path },
    ...(advice !== undefined && { advice }),
  });
}

function problem({ patch, problems }: Working, rule: RuleId, path: string, message: string, detail: Detail = {}): void {
  problems.push(finding(rule, { message: `${patch.file}: ${path}: ${message}`, where: { file: path }, ...detail }));
}
