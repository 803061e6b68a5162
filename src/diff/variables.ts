import { equalBytes } from '../base/index.ts';
import type { Refusal, Remark } from '../documents/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import type { Comparator } from './compare.ts';
import { VARIABLES } from './correlation.ts';
import { bytesOf, nameOf, type Piece, pieceText } from './piece.ts';
import { valueChange } from './value-change.ts';

/** What is said of an object's variables. */
export interface VariableReport {
  readonly refusals: Refusal[];
  readonly remarks: Remark[];
}

const HOOK_ADVICE =
  'The variable keeps its current value on the host. To change it, set the new value in an apply hook (LIVEPATCH_APPLY_HOOK of xen/livepatch_payload.h) and restore the old one in a revert hook';
const PERCPU_ADVICE =
  'Per-CPU areas were laid out at boot. Use a new array with one element per CPU: it goes into the payload';
const SIZE_ADVICE =
  'The host has the variable with its old size. Keep it and add a new variable, which a hook can fill from the old one';

/** Changes of variables that the running host cannot follow, and those that it need not. */
export function compareVariables(comparator: Comparator, object: string): VariableReport {
  const { orig, patched, correlation } = comparator;
  const refusals: Refusal[] = [];
  const remarks: Remark[] = [];
  const refuse = (piece: Piece, reason: string, advice: string): void => {
    refusals.push({ reason, symbol: nameOf(piece) || null, object, advice });
  };
  for (const after of patched.pieces(...VARIABLES)) {
    const before = correlation.variables.get(after);
    const text = pieceText(after);
    if (before === undefined) {
      if (after.kind === 'percpu' && after.symbols.length > 0) {
        refuse(after, `${text} is a new per-CPU variable, and the host has no space for it`, PERCPU_ADVICE);
      }
      continue;
    }
    if (after.symbols.length === 0) continue;
    const change = variableChange(comparator, before, after, object);
    if (change !== undefined) refusals.push(change);
  }
  const still = new Set(correlation.variables.values());
  for (const before of orig.pieces(...VARIABLES)) {
    if (before.symbols.length === 0 || still.has(before)) continue;
    const text = `${nameOf(before)} was removed from the source; the host keeps it, unused`;
    remarks.push({ text, symbol: nameOf(before), object });
  }
  refusals.push(...globalConstants(comparator, object));
  return { refusals, remarks };
}

/** Refuses a variable or a global constant whose size or initial content changed; `undefined` where neither did. */
export function variableChange(
  comparator: Comparator,
  before: Piece,
  after: Piece,
  object: string,
): Refusal | undefined {
  const text = pieceText(after);
  const symbol = nameOf(after) || null;
  if (before.kind === 'constant' || after.kind === 'constant') {
    return before.kind === after.kind && comparator.sameConstant(before, after)
      ? undefined
      : constantChange(text, object);
  }
  const [was, is] = [before.end - before.start, after.end - after.start];
  if (was !== is) {
    const advice = after.kind === 'percpu' ? PERCPU_ADVICE : SIZE_ADVICE;
    return { reason: `${text} has ${is} bytes instead of ${was}`, symbol, object, advice };
  }
  if (sameInitialValue(comparator, before, after)) return undefined;
  const reason = `the initial value of ${text} changed${valueChange(comparator, before, after)}`;
  return { reason, symbol, object, advice: HOOK_ADVICE };
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
function* globalConstants(comparator: Comparator, object: string): Generator<Refusal, void, void> {
  const before = new Map<string, Piece>();
  for (const piece of comparator.orig.pieces('constant')) {
    for (const { name, bind } of piece.symbols) if (bind !== STB_LOCAL) before.set(name, piece);
  }
  for (const piece of comparator.patched.pieces('constant')) {
    const shared = piece.symbols.find(({ name, bind }) => bind !== STB_LOCAL && before.has(name));
    if (shared === undefined) continue;
    if (comparator.sameConstant(before.get(shared.name) as Piece, piece)) continue;
    yield constantChange(shared.name, object);
  }
}

const constantChange = (name: string, object: string): Refusal => ({
  reason: `the content of ${name} changed, and other files can read it`,
  symbol: name,
  object,
  advice:
    'Only functions in the payload would see the new content. Put the new content under another name, and patch the functions that read it',
});
