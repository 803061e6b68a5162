import { equalBytes, type Finding } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import { about } from './about.ts';
import type { Comparator } from './compare.ts';
import { VARIABLES } from './correlation.ts';
import { bytesOf, nameOf, type Piece, pieceText } from './piece.ts';
import { valueChange } from './value-change.ts';

/** What is said of an object's variables. */
export interface VariableReport {
  readonly refusals: Finding[];
  readonly remarks: Finding[];
}

/** Changes of variables that the running host cannot follow, and those that it need not. */
export function compareVariables(comparator: Comparator, object: string): VariableReport {
  const { orig, patched, correlation } = comparator;
  const refusals: Finding[] = [];
  const remarks: Finding[] = [];
  const refuse = (rule: RuleId, piece: Piece, message: string): void => {
    refusals.push(about(rule, object, nameOf(piece), message));
  };
  for (const after of patched.pieces(...VARIABLES)) {
    const before = correlation.variables.get(after);
    const text = pieceText(after);
    if (before === undefined) {
      if (after.kind === 'percpu' && after.symbols.length > 0) {
        refuse('percpu-variable', after, `${text} is a new per-CPU variable, and the host has no space for it`);
      }
      continue;
    }
    if (after.symbols.length === 0) continue;
    const [was, is] = [before.end - before.start, after.end - after.start];
    if (was !== is) {
      const rule = after.kind === 'percpu' ? 'percpu-variable' : 'variable-size';
      refuse(rule, after, `${text} has ${is} bytes instead of ${was}`);
    } else if (!sameInitialValue(comparator, before, after)) {
      const message = `the initial value of ${text} changed${valueChange(comparator, before, after)}`;
      refuse('initial-value', after, message);
    }
  }
  const still = new Set(correlation.variables.values());
  for (const before of orig.pieces(...VARIABLES)) {
    if (before.symbols.length === 0 || still.has(before)) continue;
    const text = `${nameOf(before)} was removed from the source; the host keeps it, unused`;
    remarks.push(about('variable-removed', object, nameOf(before), text));
  }
  refusals.push(...globalConstants(comparator, object));
  return { refusals, remarks };
}

/** NOBITS is zero; a variable that moves from the one to the other with zeroes in it has not changed. */
function sameInitialValue(comparator: Comparator, before: Piece, after: Piece): boolean {
  const [was, is] = [bytesOf(before), bytesOf(after)];
  if (was.length === is.length) {
    if (!equalBytes(was, is)) return false;
    return comparator.samePiece(before, after);
  }
  return [...was, ...is].every((byte) => byte === 0);
}

/** Constants that other objects may read, under a name that is the same before and after. */
function* globalConstants(comparator: Comparator, object: string): Generator<Finding, void, void> {
  const before = new Map<string, Piece>();
  for (const piece of comparator.orig.pieces('constant')) {
    for (const { name, bind } of piece.symbols) if (bind !== STB_LOCAL) before.set(name, piece);
  }
  for (const piece of comparator.patched.pieces('constant')) {
    const shared = piece.symbols.find(({ name, bind }) => bind !== STB_LOCAL && before.has(name));
    if (shared === undefined) continue;
    if (comparator.sameConstant(before.get(shared.name) as Piece, piece)) continue;
    const message = `the content of ${shared.name} changed, and other files can read it`;
    yield about('shared-constant', object, shared.name, message);
  }
}
