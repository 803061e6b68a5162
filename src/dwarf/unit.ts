import type { Abbreviation, AbbreviationTable } from './abbreviations.ts';
import * as dw from './constants.ts';
import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import { Entry } from './entry.ts';
import { skipForm } from './forms.ts';

/** What the header of a unit says (DWARF 5, 7.5.1). Offsets are from the start of `.debug_info`. */
export interface UnitHeader {
  readonly offset: number;
  /** Where the next unit starts. */
  readonly end: number;
  readonly version: 3 | 4 | 5;
  /** DW_UT_…; DW_UT_compile before version 5. */
  readonly type: number;
  readonly addressSize: 4 | 8;
  readonly abbreviationOffset: number;
  /** Where the unit's own entry is. */
  readonly rootOffset: number;
  /** Of a type unit: its signature, and where its type is. */
  readonly signature?: { readonly value: bigint; readonly typeOffset: number };
}

/** One compilation unit. Its entries are read when asked for. */
export class Unit {
  readonly context: Context;
  readonly header: UnitHeader;
  readonly #bases = new Map<number, number | undefined>();
  #abbreviations: AbbreviationTable | undefined;
  #root: Entry | null | undefined;
  #lowPc: bigint | undefined;

  constructor(context: Context, header: UnitHeader) {
    this.context = context;
    this.header = header;
  }

  get offset(): number {
    return this.header.offset;
  }

  get end(): number {
    return this.header.end;
  }

  get version(): 3 | 4 | 5 {
    return this.header.version;
  }

  /** Bytes of an address. */
  get addressSize(): 4 | 8 {
    return this.header.addressSize;
  }

  /** The unit's own entry; `undefined` where it cannot be read. */
  get root(): Entry | undefined {
    this.#root ??= this.entryAt(this.header.rootOffset) ?? null;
    return this.#root ?? undefined;
  }

  /** The source file as the compiler was given it. */
  get name(): string | undefined {
    return this.root?.text(dw.DW_AT_name);
  }

  /** The directory in which the compiler ran. */
  get directory(): string | undefined {
    return this.root?.text(dw.DW_AT_comp_dir);
  }

  /** What addresses in range lists are relative to, where these do not say. */
  get lowPc(): bigint {
    this.#lowPc ??= this.root?.address(dw.DW_AT_low_pc) ?? 0n;
    return this.#lowPc;
  }

  cursor(at: number): Cursor {
    return new Cursor(this.context.info, at, this.end, this.context.infoView);
  }

  get abbreviations(): AbbreviationTable {
    this.#abbreviations ??= this.context.abbreviations(this.header);
    return this.#abbreviations;
  }

  /** The entry at an offset of `.debug_info`; `undefined` for an end of children, for what is outside, and for damage. */
  entryAt(offset: number): Entry | undefined {
    if (offset < this.header.rootOffset || offset >= this.end) return undefined;
    const cursor = this.cursor(offset);
    const code = cursor.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code);
    if (abbreviation !== undefined) return new Entry(this, offset, abbreviation, cursor.at);
    this.context.problems.add(`Abbreviation ${code} is not defined`, '.debug_info', offset);
    return undefined;
  }

  /** Does the list of children end here? */
  isNull(offset: number): boolean {
    return this.context.info[offset] === 0;
  }

  /** Gets past the attributes of an entry; false where they cannot be read. */
  skipAttributes(cursor: Cursor, abbreviation: Abbreviation): boolean {
    for (const step of abbreviation.steps) {
      if (step > 0) cursor.skip(step);
      else if (!skipForm(cursor, -step, this.addressSize)) {
        this.context.problems.add(`Form 0x${(-step).toString(16)} is not known`, '.debug_info', cursor.at);
        return false;
      }
    }
    return !cursor.overrun;
  }

  /** Gets past all entries up to the end of the list that starts at `at`. */
  skipChildren(at: number): number {
    const cursor = this.cursor(at);
    let depth = 1;
    while (depth > 0 && !cursor.done) {
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation = this.abbreviations.get(code);
      if (abbreviation === undefined || !this.skipAttributes(cursor, abbreviation)) return this.end;
      if (abbreviation.hasChildren) depth++;
    }
    return cursor.overrun ? this.end : cursor.at;
  }

  /** The text of DW_FORM_strx. */
  indexedText(index: number): string {
    return this.context.strings.indexed(this.#base(dw.DW_AT_str_offsets_base), index);
  }

  /** The address of DW_FORM_addrx: a row of `.debug_addr` (DWARF 5, 7.27). */
  indexedAddress(index: number): bigint | undefined {
    const base = this.#base(dw.DW_AT_addr_base);
    if (base === undefined) {
      const message = 'An address is given by its number, but the unit has no DW_AT_addr_base';
      this.context.problems.add(message, '.debug_info', this.offset);
      return undefined;
    }
    const at = base + index * this.addressSize;
    const cursor = new Cursor(this.context.sections.get('.debug_addr'), at);
    const address = cursor.address(this.addressSize);
    if (!cursor.overrun) return address;
    this.context.problems.add('An address is past the end of the section', '.debug_addr', at);
    return undefined;
  }

  /** DW_AT_rnglists_base. */
  get rangeListsBase(): number | undefined {
    return this.#base(dw.DW_AT_rnglists_base);
  }

  #base(attribute: number): number | undefined {
    if (!this.#bases.has(attribute)) {
      // The base itself is never given by number, so reading it does not come back here.
      this.#bases.set(attribute, this.root?.number(attribute));
    }
    return this.#bases.get(attribute);
  }
}

/** Reads all unit headers of `.debug_info`. A unit that is not read is a problem, and what follows it is read. */
export function readUnits(context: Context): Unit[] {
  const { info, problems } = context;
  const units: Unit[] = [];
  let at = 0;
  while (at < info.length) {
    const offset = at;
    const cursor = new Cursor(info, at);
    const refuse = (message: string): void => problems.add(message, '.debug_info', offset);
    const length = cursor.u32();
    if (length >= 0xffff_fff0) {
      refuse(length === 0xffff_ffff ? '64-bit DWARF is not read' : 'The unit has a length that is reserved');
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
    if (header !== undefined) units.push(new Unit(context, header));
  }
  return units;
}

function readHeader(
  cursor: Cursor,
  offset: number,
  end: number,
  refuse: (message: string) => void,
): UnitHeader | undefined {
  const version = cursor.u16();
  if (version !== 3 && version !== 4 && version !== 5) return void refuse(`DWARF version ${version} is not read`);
  const type = version === 5 ? cursor.u8() : dw.DW_UT_compile;
  const sizeFirst = version === 5 ? cursor.u8() : 0;
  const abbreviationOffset = cursor.u32();
  const addressSize = version === 5 ? sizeFirst : cursor.u8();
  if (addressSize !== 4 && addressSize !== 8) return void refuse(`Addresses of ${addressSize} bytes are not read`);
  const common = { offset, end, version, type, addressSize, abbreviationOffset } as const;
  switch (type) {
    case dw.DW_UT_compile:
    case dw.DW_UT_partial:
      break;
    case dw.DW_UT_type: {
      const value = cursor.u64();
      const signature = { value, typeOffset: offset + cursor.u32() };
      return { ...common, signature, rootOffset: cursor.at };
    }
    case dw.DW_UT_skeleton:
    case dw.DW_UT_split_compile:
    case dw.DW_UT_split_type:
      return void refuse('The debug data is in another file (split DWARF), which is not read');
    default:
      return void refuse(`Unit type ${type} is not known`);
  }
  return { ...common, rootOffset: cursor.at };
}
