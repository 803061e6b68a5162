import { groupBy } from '../base/index.ts';
import { ALT_INSTR, ELF_ALTINSTRUCTIONS, ELF_EX_TABLE } from '../xen/index.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, nameOf, type Piece } from './piece.ts';

/** An entry of a table that belongs to a function: an alternative, a bug frame. */
export interface TableEntry {
  readonly piece: Piece;
  /** The code that it leads to: a part of the replacements or of the fix-ups; `null` where it has none. */
  readonly code: Piece | null;
}

/** A function with all that belongs to it and is nobody else's. */
export interface Unit {
  readonly name: string;
  readonly piece: Piece;
  /** Parts that the compiler has put elsewhere: `f.cold`. They are entered from the function only. */
  readonly cold: readonly Piece[];
  /** In the order of the sections, and of the entries in each. */
  readonly entries: readonly TableEntry[];
}

/** The parts of a unit that hold code: its own, and what its tables lead to. */
export const codeOf = ({ piece, cold, entries }: Unit): Piece[] => {
  const led = new Set<Piece>();
  for (const { code } of entries) if (code !== null) led.add(code);
  return [piece, ...cold, ...led];
};

const COLD = /^(.+)\.cold(?:\.\d+)?$/;

/** Where an entry of alternatives has the length of the replacement: Arm's, ALT_INSTR_ARM, is the same up to there. */
const REPLACEMENT_LENGTH = ALT_INSTR.at.repl_len;

/** What a table's second reference leads to is code of the unit. */
const LEADING: ReadonlySet<string> = new Set([ELF_ALTINSTRUCTIONS, ELF_EX_TABLE]);

/** The functions of an object: those that stay, or those that are gone once the host is up. */
export class Units {
  readonly all: readonly Unit[];
  readonly #byPiece = new Map<Piece, Unit>();

  constructor(object: DiffObject, kind: 'code' | 'init') {
    const parts: { parent: string; piece: Piece }[] = [];
    const heads: Piece[] = [];
    for (const piece of object.pieces(kind)) {
      const name = nameOf(piece);
      if (name === '') continue;
      const parent = COLD.exec(name)?.[1];
      if (parent === undefined) heads.push(piece);
      else parts.push({ parent, piece });
    }
    const cold = groupBy(parts, ({ parent }) => parent);
    const entries = kind === 'code' ? entriesByCode(object) : new Map<Piece, TableEntry[]>();
    this.all = heads.map((piece) => {
      const name = nameOf(piece);
      const own: Piece[] = (cold.get(name) ?? []).map((part) => part.piece);
      cold.delete(name);
      const found = [piece, ...own].flatMap((part) => entries.get(part) ?? []);
      found.sort((a, b) => a.piece.section.index - b.piece.section.index || a.piece.start - b.piece.start);
      const unit: Unit = { name, piece, cold: own, entries: found };
      for (const part of codeOf(unit)) this.#byPiece.set(part, unit);
      return unit;
    });
  }

  /** The unit that a piece of code belongs to. */
  of(piece: Piece): Unit | undefined {
    return this.#byPiece.get(piece);
  }
}

/** An object with its functions. */
export interface Side {
  readonly object: DiffObject;
  readonly units: Units;
}

/** The entries of all tables by the code that they are about: of a fix-up or a replacement, by the code that leads there. */
function entriesByCode(object: DiffObject): Map<Piece, TableEntry[]> {
  const leader = new Map<Piece, Piece>();
  const all: { entry: TableEntry; about: Piece }[] = [];
  for (const section of object.sections('table')) {
    for (const piece of object.piecesIn(section.index)) {
      const references = object.references(piece);
      const about = references.find(({ offset }) => offset === 0)?.target;
      if (about?.kind !== 'piece') continue;
      const entry = { piece, code: codeLedTo(object, piece) };
      if (entry.code !== null) leader.set(entry.code, about.piece);
      all.push({ entry, about: about.piece });
    }
  }
  // A fix-up may fault in turn, and be in the table itself. Two steps are more than Xen has.
  const step = (piece: Piece): Piece => leader.get(piece) ?? piece;
  const groups = groupBy(all, ({ about }) => step(step(about)));
  return new Map([...groups].map(([piece, group]) => [piece, group.map(({ entry }) => entry)]));
}

function codeLedTo(object: DiffObject, piece: Piece): Piece | null {
  if (!LEADING.has(piece.section.name)) return null;
  if (piece.section.name === ELF_ALTINSTRUCTIONS && bytesOf(piece)[REPLACEMENT_LENGTH] === 0) return null;
  for (const { offset, target } of object.references(piece)) {
    if (offset === 0 || target.kind !== 'piece') continue;
    if (target.piece.kind === 'fixup' || target.piece.kind === 'replacement') return target.piece;
  }
  return null;
}
