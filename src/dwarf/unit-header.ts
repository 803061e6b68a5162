import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';

/** The header of a unit (DWARF 5, 7.5.1). Offsets are from the start of `.debug_info`. */
export interface UnitHeader {
  readonly offset: number;
  /** Start of the next unit. */
  readonly end: number;
  readonly version: 3 | 4 | 5;
  /** DW_UT_…; DW_UT_compile before version 5. */
  readonly type: number;
  readonly addressSize: 4 | 8;
  readonly abbreviationOffset: number;
  /** Offset of the unit's own entry. */
  readonly rootOffset: number;
  /** For a type unit: its signature, and the offset of its type. */
  readonly signature?: { readonly value: bigint; readonly typeOffset: number };
}

/** Reads the header of the unit at `offset`, after its length. Calls `refuse` if it is not supported. */
export function readHeader(
  cursor: Cursor,
  offset: number,
  end: number,
  refuse: (message: string) => void,
): UnitHeader | undefined {
  const version = cursor.u16();
  if (version !== 3 && version !== 4 && version !== 5) return void refuse(`DWARF version ${version} is not supported`);
  const type = version === 5 ? cursor.u8() : dw.DW_UT_compile;
  const sizeFirst = version === 5 ? cursor.u8() : 0;
  const abbreviationOffset = cursor.u32();
  const addressSize = version === 5 ? sizeFirst : cursor.u8();
  if (addressSize !== 4 && addressSize !== 8) return void refuse(`Addresses of ${addressSize} bytes are not supported`);
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
      return void refuse('The debug data is in another file (split DWARF), which is not supported');
    default:
      return void refuse(`Unknown unit type ${type}`);
  }
  return { ...common, rootOffset: cursor.at };
}
