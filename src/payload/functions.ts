import type { ElfFile } from '../elf/index.ts';
import {
  decodeExpectation,
  LIVEPATCH_EXPECTATION_SIZE,
  type LivepatchExpectation,
  type LivepatchFuncLayout,
  livepatchFunc,
} from '../xen/index.ts';
import { type EntryTable, readEntries } from './entry-table.ts';
import { type PayloadPointer, type PointerReader, textAt } from './pointer.ts';

/** One `struct livepatch_func` as the file contains it. */
export interface PayloadFunction {
  readonly index: number;
  /** Bytes from the start of `.livepatch.funcs`. */
  readonly offset: number;
  /** The string at `name`; `undefined` for NULL and for a pointer out of the payload. */
  readonly name: string | undefined;
  readonly namePointer: PayloadPointer;
  /** `null` for a NOP patch. */
  readonly newAddr: PayloadPointer;
  /** `null` if Xen must look up the name. */
  readonly oldAddr: PayloadPointer;
  readonly newSize: number;
  readonly oldSize: number;
  readonly version: number;
  /** `undefined` in version 1. */
  readonly expectation: LivepatchExpectation | undefined;
  /** All bytes from `version` to the expectation or the end: Xen's own in some releases, padding in others, and zero in a valid payload. */
  readonly rest: Uint8Array;
}

export interface PayloadFunctions extends EntryTable<PayloadFunction> {
  /** Version 1 has 64 or 52 bytes per entry, version 2 104 or 92. */
  readonly layout: 1 | 2;
}

/**
 * Detects the layout of the entries from the first one, since `version` is at the same offset in both. An unknown version counts as the current
 * layout.
 */
function detectLayout(pointers: PointerReader, pointerSize: 4 | 8): LivepatchFuncLayout {
  const v1 = livepatchFunc('v1', pointerSize);
  return pointers.data[v1.at.version] === 1 ? v1 : livepatchFunc('v2', pointerSize);
}

/** Reads `.livepatch.funcs`. */
export function readFunctions(file: ElfFile, pointers: PointerReader): PayloadFunctions {
  const layout = detectLayout(pointers, file.layout.pointerSize);
  const { at, size } = layout;
  const table = readEntries(pointers, size, (offset, index): PayloadFunction => {
    const raw = layout.read(pointers.view, offset);
    const namePointer = pointers.pointer(offset + at.name);
    const restAt = offset + at.version + 1;
    const expectAt = at.expect === undefined ? undefined : offset + at.expect;
    return {
      index,
      offset,
      name: textAt(file, namePointer),
      namePointer,
      newAddr: pointers.pointer(offset + at.newAddr),
      oldAddr: pointers.pointer(offset + at.oldAddr),
      newSize: raw.newSize,
      oldSize: raw.oldSize,
      version: raw.version,
      expectation:
        expectAt === undefined
          ? undefined
          : decodeExpectation(pointers.data.subarray(expectAt, expectAt + LIVEPATCH_EXPECTATION_SIZE)),
      rest: pointers.data.subarray(restAt, expectAt ?? offset + size),
    };
  });
  return { ...table, layout: layout.version };
}
