import { type RecordTable, record } from '../base/index.ts';
import type { FuncLayout } from './release.ts';

/**
 * `struct livepatch_func`, the entry of `.livepatch.funcs`, in every layout and both pointer sizes.
 * Source: xen/include/public/sysctl.h (only visible with `__XEN__`).
 */

const pointers = (type: 'u32' | 'u64') => ({ name: type, new_addr: type, old_addr: type }) as const;
const SIZES = { new_size: 'u32', old_size: 'u32', version: 'u8' } as const;

const HEAD64 = { ...pointers('u64'), ...SIZES } as const;
const HEAD32 = { ...pointers('u32'), ...SIZES } as const;

/** 4.7 … 4.13: Xen keeps the saved instructions in `opaque`. */
const V1 = { opaque: 'bytes31' } as const;
/** 4.14.0–4.14.4, 4.15.0–4.15.2, 4.16.0: 8e24c88788 and 76b3d4098a. */
const V2_APPLIED = { opaque: 'bytes31', applied: 'u8', _pad: 'bytes7', expect: 'bytes32' } as const;
/** 6974c75180: 4.14.5, 4.15.3, 4.16.1, 4.17.0 up to 4.17.2, 4.18.0. */
const V2_PATCH_OFFSET = {
  opaque: 'bytes31',
  applied: 'u8',
  patch_offset: 'u8',
  _pad: 'bytes6',
  expect: 'bytes32',
} as const;
/** 82182ad7b4: 4.17.3, 4.18.1, 4.19.0. */
const V2 = { _pad: 'bytes39', expect: 'bytes32' } as const;

/** Members after the sizes, per layout. No layout needs padding at its end. */
const TAILS = { v1: V1, 'v2-applied': V2_APPLIED, 'v2-patch-offset': V2_PATCH_OFFSET, v2: V2 } as const;

/** One entry, with addresses of either size as bigint. */
export interface LivepatchFunc {
  /** Address of the name; 0 if it has none. */
  readonly name: bigint;
  /** 0 for a NOP patch. */
  readonly newAddr: bigint;
  /** 0 if Xen must look the name up. */
  readonly oldAddr: bigint;
  readonly newSize: number;
  readonly oldSize: number;
  readonly version: number;
}

/** One layout: offsets in bytes from the start of the entry, and accessors for normalised values. */
export interface LivepatchFuncLayout {
  readonly layout: FuncLayout;
  readonly pointerSize: 4 | 8;
  /** sizeof(struct livepatch_func). */
  readonly size: number;
  /** Required `version`. */
  readonly version: 1 | 2;
  readonly at: {
    readonly name: number;
    readonly newAddr: number;
    readonly oldAddr: number;
    readonly newSize: number;
    readonly oldSize: number;
    readonly version: number;
    /** Offset of the expectation (32 bytes); `undefined` in version 1. */
    readonly expect: number | undefined;
    /** Offset of the saved instructions; `undefined` if Xen keeps them elsewhere. */
    readonly opaque: number | undefined;
    /** Offset of the byte that says whether the function is patched; `undefined` if Xen keeps it elsewhere. */
    readonly applied: number | undefined;
    /** Offset of the byte with the patch's distance from `old_addr`; `undefined` if Xen keeps it elsewhere. */
    readonly patchOffset: number | undefined;
  };
  /** The record table with the header's names. */
  readonly table: RecordTable<Record<string, 'u8'>>;
  read(view: DataView, offset: number): LivepatchFunc;
  /** Writes the given members; truncates addresses to the pointer size. */
  write(view: DataView, offset: number, value: Partial<LivepatchFunc>): void;
}

const FIELDS: readonly (readonly [key: keyof LivepatchFunc, field: string, pointer: boolean])[] = [
  ['name', 'name', true],
  ['newAddr', 'new_addr', true],
  ['oldAddr', 'old_addr', true],
  ['newSize', 'new_size', false],
  ['oldSize', 'old_size', false],
  ['version', 'version', false],
];

function layoutOf(layout: FuncLayout, pointerSize: 4 | 8): LivepatchFuncLayout {
  const tail = TAILS[layout];
  const table =
    pointerSize === 4
      ? record('livepatch_func', { ...HEAD32, ...tail })
      : record('livepatch_func', { ...HEAD64, ...tail });
  const at = table.at;
  /** Returns the offset of a field that only some layouts have. */
  const optional = (field: string) => (at as Readonly<Record<string, number | undefined>>)[field];
  const loose = table as unknown as RecordTable<Record<string, 'u8'>>;
  return {
    layout,
    pointerSize,
    size: table.size,
    version: layout === 'v1' ? 1 : 2,
    at: {
      name: at.name,
      newAddr: at.new_addr,
      oldAddr: at.old_addr,
      newSize: at.new_size,
      oldSize: at.old_size,
      version: at.version,
      expect: optional('expect'),
      opaque: optional('opaque'),
      applied: optional('applied'),
      patchOffset: optional('patch_offset'),
    },
    table: loose,
    read(view, offset) {
      const raw = table.read(view, offset) as Record<string, number | bigint | Uint8Array>;
      return {
        name: BigInt(raw['name'] as number | bigint),
        newAddr: BigInt(raw['new_addr'] as number | bigint),
        oldAddr: BigInt(raw['old_addr'] as number | bigint),
        newSize: raw['new_size'] as number,
        oldSize: raw['old_size'] as number,
        version: raw['version'] as number,
      };
    },
    write(view, offset, value) {
      const raw: Record<string, number | bigint> = {};
      for (const [key, field, pointer] of FIELDS) {
        const member = value[key];
        if (member === undefined) continue;
        raw[field] = pointer && pointerSize === 4 ? Number(BigInt.asUintN(32, member as bigint)) : member;
      }
      loose.write(view, offset, raw as never);
    },
  };
}

/** Layouts made so far: a process needs only one of the eight. */
const LAYOUTS = new Map<string, LivepatchFuncLayout>();

/** Returns the layout of a release (`Release.funcLayout`) for this pointer size in bytes. */
export function livepatchFunc(layout: FuncLayout, pointerSize: 4 | 8): LivepatchFuncLayout {
  const key = `${layout}/${pointerSize}`;
  let found = LAYOUTS.get(key);
  if (found === undefined) {
    found = layoutOf(layout, pointerSize);
    LAYOUTS.set(key, found);
  }
  return found;
}
