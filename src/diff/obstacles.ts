import { branchTarget } from '../arch/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { relocationName } from '../elf/index.ts';
import { type CodeLine, codeLines, lineText } from './code-lines.ts';
import type { DiffObject } from './object.ts';
import { type Piece, pieceText } from './piece.ts';
import type { Units } from './unit.ts';

/** What keeps a piece from working elsewhere than where the assembler put it. */
export function* obstaclesOf(
  object: DiffObject,
  units: Units,
  piece: Piece,
): Generator<readonly [rule: RuleId, message: string], void, void> {
  const holder = units.of(piece)?.name ?? pieceText(piece);
  const { relocations, machine } = object.context.arch;
  for (const { type } of object.references(piece)) {
    if (relocations.has(type)) continue;
    yield [
      'unsupported-relocation',
      `${holder} needs a relocation of type ${relocationName(machine, type)}, which Xen's loader does not apply`,
    ];
  }
  // Functions that share a section are not taken at all.
  if ((piece.kind !== 'code' && piece.kind !== 'fixup') || piece.shared) return;
  const branch = branchOut(object, units, piece);
  if (branch === undefined) return;
  const place = `${lineText(branch)} at +0x${branch.offset.toString(16)}`;
  yield ['branch-to-neighbour', `${holder} branches out of ${pieceText(piece)} without a relocation (${place})`];
}

/** The first branch that leads out of what is taken as one, without a relocation, to what was beside it in the section: in a payload something else is there. */
function branchOut(object: DiffObject, units: Units, piece: Piece): CodeLine | undefined {
  const pieces = object.piecesIn(piece.section.index);
  const own = pieces.indexOf(piece);
  const unit = units.of(piece);
  // Fix-ups of one function that lie beside each other stay so.
  let [first, last] = [own, own];
  while (unit !== undefined && first > 0 && units.of(pieces[first - 1] as Piece) === unit) first--;
  while (unit !== undefined && last + 1 < pieces.length && units.of(pieces[last + 1] as Piece) === unit) last++;
  const low = (pieces[first] as Piece).start - piece.start;
  const high = (pieces[last] as Piece).end - piece.start;
  return codeLines(object, piece).find(({ instruction, references }) => {
    const branch = references.length > 0 ? undefined : branchTarget(instruction);
    return branch !== undefined && (branch.place < low || branch.place >= high);
  });
}
