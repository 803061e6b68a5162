import { type FieldType, type RecordTable, record } from './record.ts';

/** A member of a C structure: a scalar, an array of bytes, or a structure. */
export type CType = FieldType | CStruct;

/** A structure as a C compiler lays it out. A dot names nested members: `list.next`. */
export interface CStruct {
  readonly name: string;
  /** sizeof, in bytes. */
  readonly size: number;
  /** Alignment in bytes. */
  readonly align: number;
  /** Offset of each member in bytes, including nested structures and their members. */
  readonly at: Readonly<Record<string, number | undefined>>;
  /** Reads and writes the scalars. Padding is a field too: `_pad0`, `_pad1`, … */
  readonly table: RecordTable<Readonly<Record<string, FieldType>>>;
}

const SCALARS: Readonly<Record<string, number>> = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8 };

/** Returns size and alignment in bytes. */
function shape(type: CType): { size: number; align: number } {
  if (typeof type !== 'string') return type;
  const scalar = SCALARS[type];
  if (scalar !== undefined) return { size: scalar, align: scalar };
  return { size: Number(type.slice('bytes'.length)), align: 1 };
}

/**
 * Lays out a structure: each member at the next multiple of its alignment, and the size a multiple of the largest. Members are in
 * declaration order; `undefined` marks one that this variant lacks.
 * Source: System V ABI for AMD64, 3.1.2; AAPCS64 5.9 and AAPCS32 5.3 agree for these types.
 */
export function cStruct(name: string, members: Readonly<Record<string, CType | undefined>>): CStruct {
  const fields: Record<string, FieldType> = {};
  const at: Record<string, number> = {};
  let size = 0;
  let align = 1;
  let pads = 0;
  const padTo = (multiple: number): void => {
    const missing = (multiple - (size % multiple)) % multiple;
    if (missing === 0) return;
    fields[`_pad${pads++}`] = `bytes${missing}`;
    size += missing;
  };
  for (const [member, type] of Object.entries(members)) {
    if (type === undefined) continue;
    const inner = shape(type);
    padTo(inner.align);
    at[member] = size;
    if (typeof type === 'string') fields[member] = type;
    else {
      for (const [key, offset] of Object.entries(type.at)) at[`${member}.${key}`] = size + (offset as number);
      for (const [key, field] of Object.entries(type.table.fields)) fields[`${member}.${key}`] = field;
    }
    size += inner.size;
    align = Math.max(align, inner.align);
  }
  padTo(align);
  return { name, size, align, at, table: record(name, fields) };
}
