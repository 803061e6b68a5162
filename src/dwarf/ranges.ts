import { type Address, distance, u64 } from '../base/index.ts';
import { Budget } from './budget.ts';
import * as dw from './constants.ts';
import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import type { Entry, Unit } from './unit.ts';

/** A non-empty range of code: start and size in bytes. */
export interface CodeRange {
  readonly low: Address;
  readonly size: number;
}

/** Tells whether one of the ranges contains the address. */
export const covers = (ranges: readonly CodeRange[], address: Address): boolean =>
  ranges.some(({ low, size }) => address >= low && address < low + BigInt(size));

/** Reads the code ranges of entries (DWARF 5, 2.17). Decodes shared lists once. */
export class Ranges {
  readonly #context: Context;
  readonly #lists = new Map<string, readonly CodeRange[]>();
  #budget: Budget | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Returns the ranges of a unit, subprogram, block or inlined call in file order; none without code. */
  of(entry: Entry): readonly CodeRange[] {
    const list = entry.attribute(dw.DW_AT_ranges);
    if (list?.kind === 'number') return this.#list(entry.unit, Number(list.value));
    if (list?.kind === 'list') return this.#indexed(entry.unit, list.value);
    const low = entry.address(dw.DW_AT_low_pc);
    const high = entry.attribute(dw.DW_AT_high_pc);
    if (low === undefined || high === undefined) return [];
    // As an address it is the end, as a constant the size.
    if (high.kind === 'address') return range(low, high.value);
    return high.kind === 'number' ? range(low, u64(low + BigInt(high.value))) : [];
  }

  /** Reads DW_FORM_rnglistx: a table at the base has the list's offset, relative to the base (7.28). */
  #indexed(unit: Unit, index: number): readonly CodeRange[] {
    const base = unit.rangeListsBase;
    if (base === undefined) {
      const message = 'A range list is given by index, but the unit has no DW_AT_rnglists_base';
      this.#context.problems.add(message, '.debug_info', unit.offset);
      return [];
    }
    const cursor = new Cursor(this.#context.sections.get('.debug_rnglists'), base + 4 * index);
    const offset = base + cursor.u32();
    if (!cursor.overrun) return this.#list(unit, offset);
    this.#context.problems.add('A range list is past the end of the section', '.debug_rnglists', base + 4 * index);
    return [];
  }

  #list(unit: Unit, offset: number): readonly CodeRange[] {
    const name = unit.version === 5 ? '.debug_rnglists' : '.debug_ranges';
    const key = `${name} ${offset} ${unit.offset}`;
    let list = this.#lists.get(key);
    if (list === undefined) {
      const { sections, problems } = this.#context;
      const bytes = sections.get(name);
      this.#budget ??= new Budget(2 * (sections.get('.debug_rnglists').length + sections.get('.debug_ranges').length));
      const cursor = new Cursor(bytes, offset);
      const read = unit.version === 5 ? readRangeList : readOldRangeList;
      list = read(unit, cursor, this.#budget);
      if (cursor.overrun) problems.add('A range list is past the end of the section', name, offset);
      if (this.#budget.spent) problems.add('Too many range lists overlap; skipped the rest', name);
      this.#lists.set(key, list);
    }
    return list;
  }
}

function range(low: Address, high: Address): CodeRange[] {
  const size = distance(low, high);
  return size === undefined || size <= 0 ? [] : [{ low, size }];
}

/** Reads `.debug_ranges` (DWARF 4, 2.17.3): pairs of addresses; a pair that starts with the largest address sets the base. */
function readOldRangeList(unit: Unit, cursor: Cursor, budget: Budget): CodeRange[] {
  const largest = unit.addressSize === 8 ? 2n ** 64n - 1n : 2n ** 32n - 1n;
  const ranges: CodeRange[] = [];
  let base = unit.lowPc;
  while (!cursor.done && budget.take(1)) {
    const low = cursor.address(unit.addressSize);
    const high = cursor.address(unit.addressSize);
    if (cursor.overrun || (low === 0n && high === 0n)) break;
    if (low === largest) base = high;
    else ranges.push(...range(u64(base + low), u64(base + high)));
  }
  return ranges;
}

/** Reads `.debug_rnglists` (DWARF 5, 7.25). */
function readRangeList(unit: Unit, cursor: Cursor, budget: Budget): CodeRange[] {
  const ranges: CodeRange[] = [];
  const address = (): bigint => cursor.address(unit.addressSize);
  const indexed = (): bigint => unit.indexedAddress(cursor.uleb()) ?? 0n;
  const length = (low: bigint): CodeRange[] => range(low, low + BigInt(cursor.uleb()));
  let base = unit.lowPc;
  while (!cursor.done && budget.take(1)) {
    const kind = cursor.u8();
    switch (kind) {
      case dw.DW_RLE_end_of_list:
        return ranges;
      case dw.DW_RLE_base_addressx:
        base = indexed();
        break;
      case dw.DW_RLE_base_address:
        base = address();
        break;
      case dw.DW_RLE_startx_endx:
        ranges.push(...range(indexed(), indexed()));
        break;
      case dw.DW_RLE_startx_length:
        ranges.push(...length(indexed()));
        break;
      case dw.DW_RLE_start_end:
        ranges.push(...range(address(), address()));
        break;
      case dw.DW_RLE_start_length:
        ranges.push(...length(address()));
        break;
      case dw.DW_RLE_offset_pair: {
        const low = BigInt(cursor.uleb());
        ranges.push(...range(u64(base + low), u64(base + BigInt(cursor.uleb()))));
        break;
      }
      default:
        unit.context.problems.add(`Unknown range list entry ${kind}`, '.debug_rnglists', cursor.at - 1);
        return ranges;
    }
  }
  return ranges;
}
