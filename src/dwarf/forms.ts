import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';

/** Sizes in bytes of the fixed-size forms in 32-bit DWARF (DWARF 5, 7.5.6). */
const SIZES: readonly (readonly [size: number, forms: readonly number[]])[] = [
  [0, [dw.DW_FORM_flag_present, dw.DW_FORM_implicit_const]],
  [1, [dw.DW_FORM_data1, dw.DW_FORM_flag, dw.DW_FORM_ref1, dw.DW_FORM_strx1, dw.DW_FORM_addrx1]],
  [2, [dw.DW_FORM_data2, dw.DW_FORM_ref2, dw.DW_FORM_strx2, dw.DW_FORM_addrx2]],
  [3, [dw.DW_FORM_strx3, dw.DW_FORM_addrx3]],
  [4, [dw.DW_FORM_data4, dw.DW_FORM_ref4, dw.DW_FORM_strx4, dw.DW_FORM_addrx4, dw.DW_FORM_ref_sup4]],
  [4, [dw.DW_FORM_strp, dw.DW_FORM_line_strp, dw.DW_FORM_strp_sup, dw.DW_FORM_sec_offset, dw.DW_FORM_ref_addr]],
  [4, [dw.DW_FORM_GNU_ref_alt, dw.DW_FORM_GNU_strp_alt]],
  [8, [dw.DW_FORM_data8, dw.DW_FORM_ref8, dw.DW_FORM_ref_sig8, dw.DW_FORM_ref_sup8]],
  [16, [dw.DW_FORM_data16]],
];

const FIXED = new Map(SIZES.flatMap(([size, forms]) => forms.map((form) => [form, size] as const)));

/** Returns the size of a form in bytes; `undefined` if it depends on the value. */
export const fixedSize = (form: number, addressSize: number): number | undefined =>
  form === dw.DW_FORM_addr ? addressSize : FIXED.get(form);

/** Skips one value. Returns false for an unknown form, after which nothing can be read. */
export function skipForm(cursor: Cursor, form: number, addressSize: number): boolean {
  const size = fixedSize(form, addressSize);
  if (size !== undefined) {
    cursor.skip(size);
    return true;
  }
  switch (form) {
    case dw.DW_FORM_string:
      cursor.skipText();
      return true;
    case dw.DW_FORM_udata:
    case dw.DW_FORM_sdata:
    case dw.DW_FORM_ref_udata:
    case dw.DW_FORM_strx:
    case dw.DW_FORM_addrx:
    case dw.DW_FORM_loclistx:
    case dw.DW_FORM_rnglistx:
      cursor.uleb();
      return true;
    case dw.DW_FORM_exprloc:
    case dw.DW_FORM_block:
    case dw.DW_FORM_block1:
    case dw.DW_FORM_block2:
    case dw.DW_FORM_block4:
      cursor.skip(blockLength(cursor, form));
      return true;
    case dw.DW_FORM_indirect: {
      const real = directForm(cursor);
      return real !== undefined && skipForm(cursor, real, addressSize);
    }
    default:
      return false;
  }
}

/** Reads the actual form of DW_FORM_indirect; `undefined` if it is not allowed there. */
export function directForm(cursor: Cursor): number | undefined {
  const form = cursor.uleb();
  return form === dw.DW_FORM_indirect || form === dw.DW_FORM_implicit_const ? undefined : form;
}

/** Reads the length of a block in bytes, and leaves the cursor at its first byte. */
export function blockLength(cursor: Cursor, form: number): number {
  if (form === dw.DW_FORM_block1) return cursor.u8();
  if (form === dw.DW_FORM_block2) return cursor.u16();
  return form === dw.DW_FORM_block4 ? cursor.u32() : cursor.uleb();
}
