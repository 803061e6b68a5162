import { assert } from './assert.ts';

/**
 * Declarative record tables: one per on-disk structure, with the specification's field names. A table gives reading, writing, size
 * and offsets.
 * All fields are little-endian.
 *
 * A 64-bit field is a `bigint` (it may contain an address), a narrower one a `number`.
 */
export type FieldType = 'u8' | 'u16' | 'u32' | 'i8' | 'i16' | 'i32' | 'u64' | 'i64' | `bytes${number}`;

export type FieldValue<T extends FieldType> = T extends 'u64' | 'i64'
  ? bigint
  : T extends `bytes${number}`
    ? Uint8Array
    : number;

export type Fields = Readonly<Record<string, FieldType>>;

export type RecordValue<F extends Fields> = { -readonly [K in keyof F]: FieldValue<F[K]> };

/** One structure's layout, and the functions that read and write it. */
export interface RecordTable<F extends Fields> {
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Offset of each field in bytes. */
  readonly at: { readonly [K in keyof F]: number };
  readonly fields: F;
  /** Reads the structure at `offset`; the caller has checked that `size` bytes are present. */
  read(view: DataView, offset: number): RecordValue<F>;
  /** Writes the given fields of the structure at `offset`; the other bytes stay. */
  write(view: DataView, offset: number, value: Partial<RecordValue<F>>): void;
}

interface Codec {
  readonly size: number;
  read(view: DataView, at: number): number | bigint | Uint8Array;
  write(view: DataView, at: number, value: never): void;
}

const CODECS: Record<string, Codec> = {
  u8: { size: 1, read: (v, at) => v.getUint8(at), write: (v, at, x: number) => v.setUint8(at, x) },
  i8: { size: 1, read: (v, at) => v.getInt8(at), write: (v, at, x: number) => v.setInt8(at, x) },
  u16: { size: 2, read: (v, at) => v.getUint16(at, true), write: (v, at, x: number) => v.setUint16(at, x, true) },
  i16: { size: 2, read: (v, at) => v.getInt16(at, true), write: (v, at, x: number) => v.setInt16(at, x, true) },
  u32: { size: 4, read: (v, at) => v.getUint32(at, true), write: (v, at, x: number) => v.setUint32(at, x, true) },
  i32: { size: 4, read: (v, at) => v.getInt32(at, true), write: (v, at, x: number) => v.setInt32(at, x, true) },
  u64: { size: 8, read: (v, at) => v.getBigUint64(at, true), write: (v, at, x: bigint) => v.setBigUint64(at, x, true) },
  i64: { size: 8, read: (v, at) => v.getBigInt64(at, true), write: (v, at, x: bigint) => v.setBigInt64(at, x, true) },
};

function bytesCodec(size: number): Codec {
  return {
    size,
    read: (v, at) => new Uint8Array(v.buffer, v.byteOffset + at, size).slice(),
    write: (v, at, x: Uint8Array) => {
      assert(x.length === size, `field takes ${size} bytes, got ${x.length}`);
      new Uint8Array(v.buffer, v.byteOffset + at, size).set(x);
    },
  };
}

function codecOf(type: FieldType): Codec {
  const known = CODECS[type];
  if (known !== undefined) return known;
  return bytesCodec(Number(type.slice('bytes'.length)));
}

/** Defines a structure. Fields follow each other without padding: name the padding (`_pad: 'bytes7'`), as the specification does. */
export function record<const F extends Fields>(name: string, fields: F): RecordTable<F> {
  const rows: { key: keyof F & string; offset: number; codec: Codec }[] = [];
  const at: Record<string, number> = {};
  let size = 0;
  for (const [key, type] of Object.entries(fields)) {
    const codec = codecOf(type);
    at[key] = size;
    rows.push({ key, offset: size, codec });
    size += codec.size;
  }
  return {
    name,
    size,
    at: at as RecordTable<F>['at'],
    fields,
    read(view, offset) {
      const value: Record<string, unknown> = {};
      for (const row of rows) value[row.key] = row.codec.read(view, offset + row.offset);
      return value as RecordValue<F>;
    },
    write(view, offset, value) {
      for (const row of rows) {
        const field = value[row.key];
        if (field !== undefined) row.codec.write(view, offset + row.offset, field as never);
      }
    },
  };
}
