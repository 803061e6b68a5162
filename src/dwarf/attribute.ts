import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';
import { blockLength, directForm, fixedSize, skipForm } from './forms.ts';
import type { Strings } from './strings.ts';

/** The value of an attribute by the class of its form (DWARF 5, 7.5.5). */
export type AttributeValue =
  /** A constant or an offset in another section; a bigint for eight bytes. */
  | { readonly kind: 'number'; readonly value: number | bigint }
  | { readonly kind: 'address'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: string }
  /** Offset of an entry from the start of `.debug_info`. */
  | { readonly kind: 'reference'; readonly value: number }
  /** DW_AT_signature of a type unit. */
  | { readonly kind: 'signature'; readonly value: bigint }
  | { readonly kind: 'block'; readonly value: Uint8Array }
  | { readonly kind: 'flag'; readonly value: boolean }
  /** Row of the unit's location or range lists. */
  | { readonly kind: 'list'; readonly value: number };

/** The parts of a unit that reading a value needs. */
export interface ValueUnit {
  /** Bytes from the start of `.debug_info`, to which references are relative. */
  readonly offset: number;
  readonly addressSize: 4 | 8;
  readonly context: { readonly strings: Strings };
  /** Returns the text of DW_FORM_strx. */
  indexedText(index: number): string;
  /** Returns the address of DW_FORM_addrx; `undefined` if there is none. */
  indexedAddress(index: number): bigint | undefined;
}

const number = (value: number | bigint): AttributeValue => ({ kind: 'number', value });

const REFERENCES: ReadonlySet<number> = new Set([
  dw.DW_FORM_ref1,
  dw.DW_FORM_ref2,
  dw.DW_FORM_ref4,
  dw.DW_FORM_ref8,
  dw.DW_FORM_ref_udata,
]);

const INDEXED_TEXTS: ReadonlySet<number> = new Set([
  dw.DW_FORM_strx,
  dw.DW_FORM_strx1,
  dw.DW_FORM_strx2,
  dw.DW_FORM_strx3,
  dw.DW_FORM_strx4,
]);

const INDEXED_ADDRESSES: ReadonlySet<number> = new Set([
  dw.DW_FORM_addrx,
  dw.DW_FORM_addrx1,
  dw.DW_FORM_addrx2,
  dw.DW_FORM_addrx3,
  dw.DW_FORM_addrx4,
]);

/** Reads an unsigned number of a fixed size, or as LEB128. */
function unsigned(cursor: Cursor, size: number | undefined): number {
  if (size === undefined) return cursor.uleb();
  if (size === 1) return cursor.u8();
  if (size === 2) return cursor.u16();
  if (size === 3) return cursor.u24();
  return size === 4 ? cursor.u32() : Number(cursor.u64());
}

/**
 * Reads one value; `constant` is that of DW_FORM_implicit_const. Returns `undefined` for values in another file (dwz, split DWARF)
 * and for unknown forms.
 */
export function readValue(unit: ValueUnit, cursor: Cursor, form: number, constant: number): AttributeValue | undefined {
  const size = fixedSize(form, unit.addressSize);
  if (REFERENCES.has(form)) return { kind: 'reference', value: unit.offset + unsigned(cursor, size) };
  if (INDEXED_TEXTS.has(form)) return { kind: 'text', value: unit.indexedText(unsigned(cursor, size)) };
  if (INDEXED_ADDRESSES.has(form)) {
    const address = unit.indexedAddress(unsigned(cursor, size));
    return address === undefined ? undefined : { kind: 'address', value: address };
  }
  switch (form) {
    case dw.DW_FORM_data1:
    case dw.DW_FORM_data2:
    case dw.DW_FORM_data4:
    case dw.DW_FORM_udata:
    case dw.DW_FORM_sec_offset:
      return number(unsigned(cursor, size));
    case dw.DW_FORM_data8:
      return number(cursor.u64());
    case dw.DW_FORM_sdata:
      return number(cursor.sleb());
    case dw.DW_FORM_implicit_const:
      return number(constant);
    case dw.DW_FORM_addr:
      return { kind: 'address', value: cursor.address(unit.addressSize) };
    case dw.DW_FORM_string:
      return { kind: 'text', value: cursor.text() };
    case dw.DW_FORM_strp:
      return { kind: 'text', value: unit.context.strings.text('.debug_str', cursor.u32()) };
    case dw.DW_FORM_line_strp:
      return { kind: 'text', value: unit.context.strings.text('.debug_line_str', cursor.u32()) };
    case dw.DW_FORM_ref_addr:
      return { kind: 'reference', value: cursor.u32() };
    case dw.DW_FORM_ref_sig8:
      return { kind: 'signature', value: cursor.u64() };
    case dw.DW_FORM_flag:
      return { kind: 'flag', value: cursor.u8() !== 0 };
    case dw.DW_FORM_flag_present:
      return { kind: 'flag', value: true };
    case dw.DW_FORM_rnglistx:
    case dw.DW_FORM_loclistx:
      return { kind: 'list', value: cursor.uleb() };
    case dw.DW_FORM_exprloc:
    case dw.DW_FORM_block:
    case dw.DW_FORM_block1:
    case dw.DW_FORM_block2:
    case dw.DW_FORM_block4:
      return { kind: 'block', value: cursor.block(blockLength(cursor, form)) };
    case dw.DW_FORM_data16:
      return { kind: 'block', value: cursor.block(16) };
    case dw.DW_FORM_indirect: {
      const real = directForm(cursor);
      return real === undefined ? undefined : readValue(unit, cursor, real, 0);
    }
    default:
      skipForm(cursor, form, unit.addressSize);
      return undefined;
  }
}
