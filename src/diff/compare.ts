import { equalBytes } from '../base/index.ts';
import { SHF_EXECINSTR, SHF_STRINGS, STB_LOCAL } from '../elf/index.ts';
import type { Correlation } from './correlation.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, isNumbered, nameOf, type Piece, type Reference, type Target, textAt, unnumbered } from './piece.ts';
import type { TableEntry, Unit } from './unit.ts';

/** Deeper than constants point to each other. */
const DEPTH = 64;

/**
 * Are two parts of the two objects the same? Places count as the same where they are in what belongs together: what a thing is called, where it lies
 * and in which line it stands does not matter.
 */
export class Comparator {
  readonly correlation: Correlation;
  readonly #constants = new Map<Piece, Map<Piece, boolean>>();

  constructor(correlation: Correlation) {
    this.correlation = correlation;
  }

  get orig(): DiffObject {
    return this.correlation.orig.object;
  }

  get patched(): DiffObject {
    return this.correlation.patched.object;
  }

  /** Is a function the same, with its cold parts and its entries in tables? */
  sameUnit(before: Unit, after: Unit): boolean {
    if (!this.samePiece(before.piece, after.piece)) return false;
    if (before.cold.length !== after.cold.length || before.entries.length !== after.entries.length) return false;
    if (!before.cold.every((part, i) => this.samePiece(part, after.cold[i] as Piece))) return false;
    return before.entries.every((entry, i) => this.sameEntry(entry, after.entries[i] as TableEntry));
  }

  /** The same bytes with the same references. */
  samePiece(before: Piece, after: Piece, depth = 0): boolean {
    if (before.end - before.start !== after.end - after.start) return false;
    if (!equalBytes(bytesOf(before), bytesOf(after))) return false;
    return this.#sameReferences(before, after, depth);
  }

  #sameReferences(before: Piece, after: Piece, depth: number): boolean {
    const old = this.orig.references(before);
    const now = this.patched.references(after);
    if (old.length !== now.length) return false;
    return old.every((reference, i) => this.sameReference(reference, now[i] as Reference, depth));
  }

  sameReference(before: Reference, after: Reference, depth = 0): boolean {
    return (
      before.offset === after.offset && sameType(before, after) && this.sameTarget(before.target, after.target, depth)
    );
  }

  /** Entries that differ only in a line of source are the same. */
  sameEntry(before: TableEntry, after: TableEntry): boolean {
    if (before.piece.section.name !== after.piece.section.name) return false;
    const [was, is] = [this.#withoutLine(this.orig, before.piece), this.#withoutLine(this.patched, after.piece)];
    if (!equalBytes(was, is) || !this.#sameReferences(before.piece, after.piece, 0)) return false;
    if (before.code === null || after.code === null) return before.code === after.code;
    return this.samePiece(before.code, after.code);
  }

  #withoutLine(object: DiffObject, piece: Piece): Uint8Array {
    const line = object.format(piece.section)?.line ?? null;
    const bytes = bytesOf(piece);
    return line === null ? bytes : Uint8Array.from(bytes).fill(0, ...line);
  }

  /** Do two entries that are otherwise the same name different lines? */
  movedLine(before: TableEntry, after: TableEntry): boolean {
    const old = this.orig.references(before.piece);
    const now = this.patched.references(after.piece);
    return !equalBytes(bytesOf(before.piece), bytesOf(after.piece)) || old.some(({ bias }, i) => bias !== now[i]?.bias);
  }

  sameTarget(before: Target, after: Target, depth = 0): boolean {
    if (before.kind === 'absolute' || after.kind === 'absolute') {
      return before.kind === 'absolute' && after.kind === 'absolute' && before.value === after.value;
    }
    if (before.kind === 'external' || after.kind === 'external') {
      const [was, is] = [globalName(before), globalName(after)];
      return was !== undefined && was === is && before.at === after.at;
    }
    const [was, is] = [before.piece, after.piece];
    switch (after.piece.kind) {
      case 'code':
        return was.kind === 'code' && before.at === after.at && this.#sameOwner(was, is);
      case 'fixup':
      case 'replacement':
        // What is in there is compared with the entry that leads there.
        return was.kind === is.kind && before.at === after.at;
      case 'data':
      case 'bss':
      case 'percpu':
        return before.at === after.at && this.correlation.variables.get(is) === was;
      case 'strings':
        return was.kind === 'strings' && sameText(was, before.at, is, after.at);
      case 'constant':
      case 'literals':
        return before.at === after.at && this.sameConstant(was, is, depth);
      case 'init':
        return was.kind === 'init' && this.#sameInit(was, before.at, is, after.at, depth);
      default:
        return was.kind === is.kind && before.at === after.at && nameOf(was) === nameOf(is);
    }
  }

  /** What is gone after the boot is known by its name; data whose name has a number, and texts, by their content. */
  #sameInit(before: Piece, was: number, after: Piece, is: number, depth: number): boolean {
    if (isText(before) && isText(after)) return equalBytes(textAt(before, was), textAt(after, is));
    if (was !== is || unnumbered(nameOf(before)) !== unnumbered(nameOf(after))) return false;
    const code = (after.section.flags & SHF_EXECINSTR) !== 0;
    return code || !isNumbered(after) || this.sameConstant(before, after, depth);
  }

  #sameOwner(before: Piece, after: Piece): boolean {
    const { orig, patched, units } = this.correlation;
    const unit = patched.units.of(after);
    const old = unit && units.get(unit);
    if (unit === undefined || old === undefined) return unit === undefined && orig.units.of(before) === undefined;
    if (orig.units.of(before) !== old) return false;
    return before === old.piece ? after === unit.piece : old.cold.indexOf(before) === unit.cold.indexOf(after);
  }

  /** Constants with the same content are the same, whatever they are called. */
  sameConstant(before: Piece, after: Piece, depth = 0): boolean {
    const known = this.#constants.get(before)?.get(after);
    if (known !== undefined) return known;
    if (before.kind !== after.kind || depth > DEPTH) return depth > DEPTH;
    const remember = (same: boolean): boolean => {
      const row = this.#constants.get(before) ?? new Map<Piece, boolean>();
      this.#constants.set(before, row.set(after, same));
      return same;
    };
    // Constants may point to each other in a circle: until the contrary shows, they are the same.
    remember(true);
    if (this.samePiece(before, after, depth + 1)) return true;
    // What was taken for the same on the way may have relied on this one.
    for (const row of this.#constants.values()) for (const [piece, same] of row) if (same) row.delete(piece);
    return remember(false);
  }
}

/** A call of a static function has another type on x86 than one of a global function (PC32, PLT32), and means the same. */
export const sameType = (before: Reference, after: Reference): boolean =>
  before.type === after.type || (before.branch && after.branch);

/** Do two places of texts lead to the same up to the NUL? Places outside of a text are the same where both are as far away from the same text. */
function sameText(before: Piece, was: number, after: Piece, is: number): boolean {
  const [old, now] = [bytesOf(before), bytesOf(after)];
  const inside = was >= 0 && was < old.length && is >= 0 && is < now.length;
  return inside ? equalBytes(old.subarray(was), now.subarray(is)) : was === is && equalBytes(old, now);
}

const isText = ({ section }: Piece): boolean => (section.flags & SHF_STRINGS) !== 0 && section.entsize <= 1;

/** The name that other objects know a place by. */
function globalName(target: Exclude<Target, { kind: 'absolute' }>): string | undefined {
  if (target.kind === 'external') return target.name;
  const symbol = target.piece.symbols[0];
  return symbol === undefined || symbol.bind === STB_LOCAL ? undefined : symbol.name;
}
