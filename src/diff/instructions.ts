import { branchTarget, withoutField } from '../arch/index.ts';
import { equalBytes } from '../base/index.ts';
import { type CodeLine, codeLines } from './code-lines.ts';
import { type Comparator, sameType } from './compare.ts';
import type { Piece, Reference } from './piece.ts';

/** Where two instructions that stand beside each other differ. */
export interface CodeDifference {
  readonly before: CodeLine | undefined;
  readonly after: CodeLine | undefined;
}

/** The instructions of two pieces side by side that differ, in order; the generator ends where the one has more than the other. */
export function* differences(
  comparator: Comparator,
  before: Piece,
  after: Piece,
): Generator<CodeDifference, void, void> {
  const old = codeLines(comparator.orig, before);
  const now = codeLines(comparator.patched, after);
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [a, b] = [old[i], now[i]];
    if (a === undefined || b === undefined || !sameLine(comparator, a, b)) yield { before: a, after: b };
    if (a === undefined || b === undefined) return;
  }
}

/**
 * The first difference that means something. Where code has become longer or shorter, the branches over it lead elsewhere, and so do tables of branches: that only
 * follows from what comes later. So do lines of source that are printed. Where there is nothing else, the first of them.
 *
 * @param isLine is it only a line of source that has moved?
 */
export function firstDifference(
  comparator: Comparator,
  before: Piece,
  after: Piece,
  isLine: (a: CodeLine, b: CodeLine) => boolean,
): CodeDifference | undefined {
  let first: CodeDifference | undefined;
  let shift = 0;
  for (const difference of differences(comparator, before, after)) {
    first ??= difference;
    const { before: a, after: b } = difference;
    if (a === undefined || b === undefined) return first === difference ? difference : first;
    if (a.offset + shift !== b.offset) return difference;
    const follows = sameBranch(a, b) || onlyTables(comparator, a, b) || isLine(a, b);
    if (!follows && !(shift !== 0 && sameContent(comparator, a, b))) return difference;
    shift += b.bytes.length - a.bytes.length;
  }
  return first;
}

/** Tells whether two instructions are the same direct branch but for where they lead: x86 has a short and a long form of each. */
function sameBranch(a: CodeLine, b: CodeLine): boolean {
  const [was, is] = [branchTarget(a.instruction), branchTarget(b.instruction)];
  if (was === undefined || is === undefined) return false;
  if (a.bytes.length === b.bytes.length) {
    return equalBytes(withoutField(a.bytes, was.field), withoutField(b.bytes, is.field));
  }
  const [old, now] = [a.instruction, b.instruction];
  return old.kind === 'instruction' && now.kind === 'instruction' && old.operation === now.operation;
}

function sameLine(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  return a.offset === b.offset && sameContent(comparator, a, b);
}

/** Do two instructions differ in nothing but a table without a name? A switch's own holds distances within the function. */
function onlyTables(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  const isTable = ({ target }: Reference): boolean =>
    target.kind === 'piece' && target.piece.kind === 'constant' && target.piece.symbols.length === 0;
  if (!equalBytes(a.bytes, b.bytes) || a.references.length !== b.references.length) return false;
  return a.references.every((reference, i) => {
    const other = b.references[i] as Reference;
    return (isTable(reference) && isTable(other)) || comparator.sameTarget(reference.target, other.target);
  });
}

/** Are two instructions the same, wherever they are? */
function sameContent(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  return equalBytes(a.bytes, b.bytes) && sameReferences(comparator, a, b);
}

/** Tells whether the relocations of two instructions lead to the same. */
export function sameReferences(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  if (a.references.length !== b.references.length) return false;
  return a.references.every((reference, i) => {
    const other = b.references[i] as Reference;
    return sameType(reference, other) && comparator.sameTarget(reference.target, other.target);
  });
}
