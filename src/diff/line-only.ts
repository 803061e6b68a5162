import { constantMoved, withoutField } from '../arch/index.ts';
import { equalBytes } from '../base/index.ts';
import { sourceInSection } from '../dwarf/index.ts';
import type { CodeLine } from './code-lines.ts';
import type { Comparator } from './compare.ts';
import type { DebugData } from './debug-data.ts';
import { differences, sameReferences } from './instructions.ts';
import { isLineArgument } from './line-argument.ts';
import type { Piece } from './piece.ts';
import type { Unit } from './unit.ts';

/** A statement over several lines has its number from one of them. */
const STATEMENT = 20;

/**
 * Do two versions of a function differ in nothing but lines of source that it prints? Every instruction is the same, but for constants that are put
 * somewhere, and each of these is an argument of a call that takes a line there. It moves as the code around it has moved; without debug data, all move by the
 * same distance.
 */
export function isLineOnly(comparator: Comparator, before: Unit, after: Unit, debug: DebugData): boolean {
  if (before.cold.length !== after.cold.length || before.entries.length !== after.entries.length) return false;
  if (!before.entries.every((entry, i) => comparator.sameEntry(entry, after.entries[i] as Unit['entries'][number]))) {
    return false;
  }
  const shifts = new Set<number>();
  return [before.piece, ...before.cold].every((piece, i) => {
    const other = [after.piece, ...after.cold][i] as Piece;
    return comparator.samePiece(piece, other) || onlyLinesMoved(comparator, piece, other, debug, shifts);
  });
}

function onlyLinesMoved(
  comparator: Comparator,
  before: Piece,
  after: Piece,
  debug: DebugData,
  shifts: Set<number>,
): boolean {
  for (const { before: a, after: b } of differences(comparator, before, after)) {
    if (a === undefined || b === undefined || a.offset !== b.offset || a.bytes.length !== b.bytes.length) return false;
    const constants = otherConstants(comparator, a, b);
    if (constants === null) return false;
    if (!isLineArgument(comparator, after, b)) return false;
    const [was, is] = constants;
    const lines = linesOf(before, a.offset, after, b.offset, debug);
    if (lines !== null) {
      if (!areLines(constants, lines)) return false;
    } else {
      shifts.add(is - was);
      if (shifts.size > 1 || was <= 0 || is <= 0) return false;
    }
  }
  return true;
}

/** Do two instructions differ in nothing but what looks like a line of source by the debug data of both objects? For explanations only. */
export function isMovedLine(
  comparator: Comparator,
  [before, a]: readonly [Piece, CodeLine],
  [after, b]: readonly [Piece, CodeLine],
  debug: DebugData,
): boolean {
  const constants = otherConstants(comparator, a, b);
  const lines = constants && linesOf(before, a.offset, after, b.offset, debug);
  return constants !== null && lines !== null && areLines(constants, lines);
}

/** The constants that two instructions put somewhere, which are otherwise the same; `null` where there is another difference, or none. */
function otherConstants(comparator: Comparator, a: CodeLine, b: CodeLine): readonly [number, number] | null {
  const was = constantMoved(a.instruction);
  const is = constantMoved(b.instruction);
  if (was === undefined || is === undefined || was.value === is.value) return null;
  if (!equalBytes(withoutField(a.bytes, was.field), withoutField(b.bytes, is.field))) return null;
  return sameReferences(comparator, a, b) ? [Number(was.value), Number(is.value)] : null;
}

/** Have two constants moved as the lines have that the code is from, and are they near to these? */
const areLines = ([was, is]: readonly [number, number], lines: { before: number; after: number }): boolean =>
  is - was === lines.after - lines.before && Math.abs(was - lines.before) <= STATEMENT;

function linesOf(
  before: Piece,
  at: number,
  after: Piece,
  to: number,
  { orig, patched }: DebugData,
): { readonly before: number; readonly after: number } | null {
  if (orig === undefined || patched === undefined) return null;
  const was = sourceInSection(orig, before.section.index, before.start + at);
  const is = sourceInSection(patched, after.section.index, after.start + to);
  if (was === undefined || is === undefined || was.file !== is.file) return null;
  return { before: was.line, after: is.line };
}
