import { filledOperand, writes } from '../arch/index.ts';
import type { Finding } from '../base/index.ts';
import { SHF_EXECINSTR, STB_LOCAL } from '../elf/index.ts';
import { about } from './about.ts';
import { codeLines } from './code-lines.ts';
import { VARIABLES } from './correlation.ts';
import { nameOf, type Piece, type Target } from './piece.ts';
import type { Selection } from './selection.ts';
import { codeOf, Units } from './unit.ts';

/** Refuses new variables in the payload that boot code sets and no code in the payload: on a host that is up, nothing would set them. */
export function bootWriters(selections: readonly Selection[]): Finding[] {
  const refusals: Finding[] = [];
  for (const selection of selections) {
    for (const piece of selection.pieces) {
      if (!selection.isNew(piece) || !VARIABLES.some((kind) => kind === piece.kind) || piece.symbols.length === 0)
        continue;
      const writers = selections.flatMap((each) => bootCode(each).filter((code) => changes(each, code, piece, true)));
      const [writer] = writers;
      if (writer === undefined) continue;
      const live = selections.some((each) => [...each.pieces].some((code) => changes(each, code, piece, false)));
      if (live) continue;
      const message = `${nameOf(piece)} is new, and only ${nameOf(writer)} sets it, which does not run on a host that is up`;
      refusals.push(about('set-at-boot', selection.diff.object, nameOf(piece), message));
    }
  }
  return refusals;
}

/** The code of an object that runs during boot, or is called by that alone: new functions that nothing in the payload calls. */
function bootCode({ diff, pieces }: Selection): Piece[] {
  const { patched } = diff.comparator.correlation;
  const init = new Units(patched.object, 'init').all.filter(({ piece }) => (piece.section.flags & SHF_EXECINSTR) !== 0);
  const uncalled = patched.units.all.filter((unit) => diff.status.get(unit) === 'new' && !pieces.has(unit.piece));
  return [...init, ...uncalled].flatMap(codeOf);
}

/** Does code write to a variable? `address`: or take its address, to write by it perhaps. */
function changes({ diff }: Selection, code: Piece, variable: Piece, address: boolean): boolean {
  const { patched } = diff.comparator;
  if ((code.section.flags & SHF_EXECINSTR) === 0) return false;
  if (!patched.references(code).some(({ target }) => leadsTo(target, variable))) return false;
  const { relocations } = patched.context.arch;
  return codeLines(patched, code).some(({ offset, instruction, references }) =>
    references.some(({ offset: at, type, target }) => {
      const row = relocations.get(type);
      if (instruction.kind === 'bad' || row === undefined || !leadsTo(target, variable)) return false;
      const operand = filledOperand(instruction, at - offset, row);
      if (operand?.kind === 'memory' && operand.access !== 'none') return writes(operand.access);
      return address && row.relative !== 'page';
    }),
  );
}

/** A variable in this object, or a global one of another. */
function leadsTo(target: Target, variable: Piece): boolean {
  if (target.kind === 'piece') return target.piece === variable;
  const [symbol] = variable.symbols;
  return target.kind === 'external' && symbol !== undefined && symbol.bind !== STB_LOCAL && target.name === symbol.name;
}
