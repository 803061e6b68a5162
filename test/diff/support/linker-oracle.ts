import type { RelocationRow } from '../../../src/arch/index.ts';
import { type Address, addOffset, ensure, s64, viewOf } from '../../../src/base/index.ts';
import type { DiffObject } from '../../../src/diff/object.ts';
import { type Piece, pieceText, type Reference } from '../../../src/diff/piece.ts';
import type { Selection } from '../../../src/diff/selection.ts';
import type { XenNames } from '../../../src/diff/xen-names.ts';
import { sameBytes } from './whole-object.ts';

/** What was compared with the linker's work. */
export interface OracleCounts {
  /** Relocations that the linker has to have written as they are in the payload. */
  relocations: number;
  /** Texts and constants that the linker has put where the references to them lead. */
  contents: number;
  /** References of functions to the hypervisor that are found again in its code alone, without relocations. */
  operands: number;
  /** References to what cannot be found in the hypervisor: code that only tables lead to, a relocation whose other half is not there. */
  skipped: number;
}

const PAGE = 0xfffn;

/** The immediate of an arm64 instruction: its bits, and where they are. Source: ARM DDI 0487, C4.1 and C6.2. */
const field = (word: number, shift: number, bits: number): number => (word >>> shift) & (2 ** bits - 1);

/** Part of the place that a relocated field names: all of it, its page, or the bits within the page. */
type Led = { readonly part: 'all' | 'page' | 'low'; readonly value: bigint };

/** What a field that the linker has written leads to, read from the instruction: not by the code that makes payloads. `undefined`: not known here. */
function ledTo({ name, relative: from, width }: RelocationRow, at: Address, bytes: Uint8Array): Led | undefined {
  const view = viewOf(bytes);
  const word = width >= 4 ? view.getUint32(0, true) : 0;
  const relative = (offset: number | bigint): Led => ({ part: 'all', value: BigInt.asUintN(64, at + BigInt(offset)) });
  const [, low] = /^R_AARCH64_(?:ADD|LDST(\d*))_ABS_LO12_NC$/.exec(name) ?? [];
  if (low !== undefined || name === 'R_AARCH64_ADD_ABS_LO12_NC') {
    return { part: 'low', value: BigInt(field(word, 10, 12) * (Number(low ?? 8) / 8)) };
  }
  switch (name) {
    case 'R_AARCH64_ADR_PREL_PG_HI21':
    case 'R_AARCH64_ADR_PREL_LO21': {
      const immediate = s64(BigInt.asIntN(21, BigInt((field(word, 5, 19) << 2) | field(word, 29, 2))));
      if (name === 'R_AARCH64_ADR_PREL_LO21') return relative(immediate);
      return { part: 'page', value: BigInt.asUintN(64, (at & ~PAGE) + (immediate << 12n)) };
    }
    case 'R_AARCH64_CALL26':
    case 'R_AARCH64_JUMP26':
      return relative(BigInt.asIntN(26, BigInt(field(word, 0, 26))) << 2n);
    case 'R_AARCH64_CONDBR19':
      return relative(BigInt.asIntN(19, BigInt(field(word, 5, 19))) << 2n);
  }
  if (from === 'place' && width === 4) return relative(view.getInt32(0, true));
  if (from === 'place' && width === 8) return relative(view.getBigInt64(0, true));
  if (from === 'no' && width === 8) return { part: 'all', value: view.getBigUint64(0, true) };
  return undefined;
}

/**
 * Holds what a payload of the unchanged functions would be to what the linker made of the same object: each relocation has to lead to the place that the
 * linker has written into the hypervisor, and what the payload brings along has to be there, too.
 */
export class LinkerOracle {
  readonly counts: OracleCounts = { relocations: 0, contents: 0, operands: 0, skipped: 0 };
  readonly wrong: string[] = [];
  readonly #names: XenNames;

  constructor(names: XenNames) {
    this.#names = names;
  }

  check(selection: Selection): void {
    const { patched } = selection.diff.comparator;
    // Where the linker has put pieces.
    const placed = new Map<Piece, Address>();
    const functions: Piece[] = [];
    for (const { unit } of selection.replacements) {
      for (const piece of [unit.piece, ...unit.cold]) {
        const name = this.#names.nameOf(piece, patched.file);
        const address = name === undefined ? undefined : this.#names.address(name);
        if (address === undefined) continue;
        placed.set(piece, address);
        functions.push(piece);
      }
    }
    const queue = [...functions];
    for (let piece = queue.pop(); piece !== undefined; piece = queue.pop()) {
      queue.push(...this.#references(selection, piece, ensure(placed.get(piece), 'it was placed'), placed));
    }
  }

  /** Compares the relocations of a piece that is at an address; gives pieces that were found on the way, and are what they should be. */
  #references(selection: Selection, piece: Piece, address: Address, placed: Map<Piece, Address>): Piece[] {
    const { patched } = selection.diff.comparator;
    const halves = new Map<string, { to: Piece; at: number; page?: bigint; low?: bigint }>();
    const found: Piece[] = [];
    const operands = this.#operands(piece, address);
    const at = (to: Piece, start: Address): void => {
      if (this.#content(selection, patched, to, start) && !placed.has(to)) {
        placed.set(to, start);
        if (patched.references(to).length > 0) found.push(to);
      }
    };
    for (const reference of patched.references(piece)) {
      const { offset, type, target, bias } = reference;
      const row = this.#names.image.arch.relocations.get(type);
      const place = addOffset(address, offset);
      const bytes = row && this.#names.image.bytes(place, row.width);
      const led = row && bytes?.length === row.width ? ledTo(row, place, bytes) : undefined;
      const to = selection.destination(target);
      if (led === undefined || to.kind === 'absolute' || to.kind === 'replacements') {
        this.counts.skipped++;
        continue;
      }
      const known = to.kind === 'outside' ? this.#names.address(to.name) : placed.get(to.piece);
      // What is in the object more than once the linker has put in one place: there it is compared by content.
      if (known !== undefined && (to.kind === 'outside' || to.piece.kind === 'code')) {
        this.#compare(selection, piece, reference, led, addOffset(known, to.at + bias));
        if (operands === undefined || led.part === 'page') continue;
        // The end of the instruction is where x86 counts from: without the bias this is the place itself.
        if (operands.has(addOffset(known, to.at))) this.counts.operands++;
        else
          this.wrong.push(
            `${selection.diff.object}: ${pieceText(piece)}+0x${offset.toString(16)} is not among the operands`,
          );
      } else if (to.kind === 'inside' && to.piece.kind !== 'code' && to.piece.kind !== 'fixup') {
        if (led.part === 'all') at(to.piece, addOffset(led.value, -to.at - bias));
        else {
          const key = `${to.piece.section.index}:${to.piece.start}:${to.at}`;
          const half = halves.get(key) ?? { to: to.piece, at: to.at };
          half[led.part] = led.value;
          halves.set(key, half);
        }
      } else this.counts.skipped++;
    }
    for (const { to, at: within, page, low } of halves.values()) {
      if (page === undefined || low === undefined) this.counts.skipped++;
      else at(to, addOffset(page | low, -within));
    }
    return found;
  }

  /** What the linked code of a function leads to, as its bytes tell; `undefined` for data. */
  #operands(piece: Piece, address: Address): ReadonlySet<Address> | undefined {
    const { arch } = this.#names.image;
    if (piece.kind !== 'code' || arch.code === undefined) return undefined;
    const code = this.#names.image.bytes(address, piece.end - piece.start);
    const places = new Set<Address>();
    for (const operand of arch.code.operands(code, address)) places.add(addOffset(address, operand));
    return places;
  }

  #compare(selection: Selection, piece: Piece, { offset }: Reference, { part, value }: Led, to: Address): void {
    const expected = part === 'all' ? to : part === 'page' ? to & ~PAGE : to & PAGE;
    if (value === expected) this.counts.relocations++;
    else {
      const text = `leads to ${value.toString(16)}, the payload's to ${expected.toString(16)}`;
      this.wrong.push(`${selection.diff.object}: ${pieceText(piece)}+0x${offset.toString(16)} ${text}`);
    }
  }

  /** Is a text or a constant where the linker's reference leads? Fields that the linker has filled in are compared by themselves. */
  #content({ diff }: Selection, object: DiffObject, piece: Piece, start: Address): boolean {
    const same = sameBytes(this.#names, object, piece, start);
    if (same) this.counts.contents++;
    else this.wrong.push(`${diff.object}: ${pieceText(piece)} is not what the linker has at ${start.toString(16)}`);
    return same;
  }
}
