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
    const change = variableChange(comparator, before, after, object);
    if (change !== undefined) refusals.push(change);
  }
  const still = new Set(correlation.variables.values());
  for (const before of orig.pieces(...VARIABLES)) {
    if (before.symbols.length === 0 || still.has(before)) continue;
    const text = `${nameOf(before)} was removed from the source; the host keeps it, unused`;
    remarks.push(about('variable-removed', object, nameOf(before), text));
  }
  refusals.push(...globalConstants(comparator, object));
  remarks.push(...newEntries(comparator, object));
  return { refusals, remarks };
}

/** Refuses a variable or a global constant whose size or initial content changed; `undefined` where neither did. */
export function variableChange(
  comparator: Comparator,
  before: Piece,
  after: Piece,
  object: string,
): Finding | undefined {
  const text = pieceText(after);
  if (before.kind === 'constant' || after.kind === 'constant') {
    const same = before.kind === after.kind && comparator.sameConstant(before, after);
    return same ? undefined : constantChange(text, object);
  }
  const [was, is] = [before.end - before.start, after.end - after.start];
  if (was !== is) {
    const rule = after.kind === 'percpu' ? 'percpu-variable' : 'variable-size';
    return about(rule, object, nameOf(after), `${text} has ${is} bytes instead of ${was}`);
  }
  if (sameInitialValue(comparator, before, after)) return undefined;
  const message = `the initial value of ${text} changed${valueChange(comparator, before, after)}`;
  return about('initial-value', object, nameOf(after), message);
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
    yield constantChange(shared.name, object);
  }
}

const constantChange = (name: string, object: string): Finding =>
  about('shared-constant', object, name, `the content of ${name} changed, and other files can read it`);

/** New objects to which nothing refers: the linker gathers them into a table by their section. Source: arch/x86/xen.lds.S, `.data.schedulers`. */
function* newEntries({ orig, patched, correlation }: Comparator, object: string): Generator<Finding, void, void> {
  const before = new Set(orig.pieces('constant').map(nameOf));
  for (const piece of patched.pieces('data', 'constant')) {
    const name = nameOf(piece);
    if (name === '' || piece.symbols[0]?.bind !== STB_LOCAL || correlation.users(piece).size > 0) continue;
    if (piece.kind === 'constant' ? before.has(name) : correlation.variables.has(piece)) continue;
    const text = `${name} is a new entry of section ${piece.section.name}, which the linker gathers: the host will not see it`;
    yield about('linker-table-entry', object, name, text);
  }
}
