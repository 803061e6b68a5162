import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import { type Entry, type EntryLookup, Unit } from './unit.ts';
import { readHeader } from './unit-header.ts';

/** The units of one file, in file order. */
export class Units implements EntryLookup {
  readonly all: readonly Unit[];
  #signatures: Map<bigint, Entry> | undefined;

  constructor(context: Context) {
    this.all = readUnits(context, this);
  }

  /** Returns the unit that contains an offset of `.debug_info`. */
  unitOf(offset: number): Unit | undefined {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.all[middle] as Unit).offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.all[low - 1];
    return unit !== undefined && offset < unit.end ? unit : undefined;
  }

  entryAt(offset: number): Entry | undefined {
    return this.unitOf(offset)?.entryAt(offset);
  }

  typeBySignature(signature: bigint): Entry | undefined {
    if (this.#signatures === undefined) {
      this.#signatures = new Map();
      for (const unit of this.all) {
        const own = unit.header.signature;
        const type = own && unit.entryAt(own.typeOffset);
        if (own !== undefined && type !== undefined) this.#signatures.set(own.value, type);
      }
    }
    return this.#signatures.get(signature);
  }
}

/** Reads all unit headers of `.debug_info`. Reports an unreadable unit as a problem and continues with the next. */
function readUnits(context: Context, entries: EntryLookup): Unit[] {
  const { info, problems } = context;
  const units: Unit[] = [];
  let at = 0;
  while (at < info.length) {
    const offset = at;
    const cursor = new Cursor(info, at);
    const refuse = (message: string): void => problems.add(message, '.debug_info', offset);
    const length = cursor.u32();
    if (length >= 0xffff_fff0) {
      refuse(length === 0xffff_ffff ? '64-bit DWARF is not supported' : 'The unit has a reserved length');
      if (length !== 0xffff_ffff) break;
      at = cursor.at + 8 + Number(cursor.u64());
      continue;
    }
    const end = cursor.at + length;
    if (cursor.overrun || end > info.length) {
      refuse('The unit is cut off');
      break;
    }
    at = end;
    const header = readHeader(cursor, offset, end, refuse);
    if (header !== undefined) units.push(new Unit(context, header, entries));
  }
  return units;
}
