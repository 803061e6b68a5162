/**
 * The cases' raw livepatch sysctls as bytes, for whatever takes them: the simulator's front door, or a hypercall of a real dom0.
 */
import { type Address, fromLatin1, latin1, viewOf } from '../../src/base/index.ts';
import {
  encodeLivepatchSysctl,
  errnoName,
  LIVEPATCH_STATE_NAMES,
  type Release,
  XEN_SYSCTL_SIZE,
} from '../../src/xen/index.ts';
import type { ListArgs, RawOp, Step } from './cases.ts';

/** The caller's memory. */
export interface CallMemory {
  /** Places bytes that the call reads. */
  place(bytes: Uint8Array): Address;
  /** Places bytes, or as many zeroes, that the call may write to. */
  placeOutput(bytes: Uint8Array | number): Address;
  /** What is there now. */
  output(handle: Address): Uint8Array;
}

/** A prepared call: `sysctl` is the handle of the `struct xen_sysctl`. */
export interface PreparedCall {
  readonly sysctl: Address;
  readonly arrays: ListHandles | undefined;
}

/** A result as the recordings have it: 0 or a count, or the name of an errno. */
export const code = (rc: number): number | string => (rc >= 0 ? rc : (errnoName(rc) ?? rc));

/** Every step is a raw call in the end. */
export function rawOf(step: Step): RawOp {
  if ('raw' in step) return step.raw;
  if ('upload' in step) return { sub: 0, name: step.as ?? step.upload, payload: step.upload };
  if ('get' in step) return { sub: 1, name: step.get };
  if ('list' in step) return { sub: 2, list: step.list };
  const actions = { unload: 1, revert: 2, apply: 3, replace: 4 } as const;
  for (const [action, number] of Object.entries(actions)) {
    const name = (step as Record<string, string>)[action];
    if (name === undefined) continue;
    const { flags, timeout } = step as { flags?: number; timeout?: number };
    return { sub: 3, name, action: number, flags: flags ?? 0, ...(timeout !== undefined && { timeout }) };
  }
  throw new Error(`unknown step ${JSON.stringify(step)}`);
}

/** Puts a call's bytes into the caller's memory. */
export function prepareCall(
  release: Release,
  op: RawOp,
  files: ReadonlyMap<string, Uint8Array>,
  memory: CallMemory,
): PreparedCall {
  const nameBytes = fromLatin1(`${op.name ?? ''}\0`);
  const name = {
    name: op.namePointer === undefined ? memory.place(nameBytes) : BigInt(`0x${op.namePointer}`),
    size: op.nameSize ?? nameBytes.length,
    pad: op.namePad ?? ([0, 0, 0] as const),
  };
  const options = {
    word: op.opPad ?? 0,
    ...(op.interfaceVersion !== undefined && { interfaceVersion: op.interfaceVersion }),
  };
  const sizes = { nameTotalSize: 0, metadataTotalSize: 0 };
  let arrays: ListHandles | undefined;
  let bytes: Uint8Array;
  if (op.sub === 0) {
    const file = files.get(op.payload ?? '') ?? new Uint8Array(0);
    const payload = op.payloadPointer === undefined ? memory.place(file) : BigInt(`0x${op.payloadPointer}`);
    const size = BigInt(op.uploadSize ?? file.length);
    bytes = encodeLivepatchSysctl(release, { kind: 'upload', name, size, payload }, options);
  } else if (op.sub === 1) {
    bytes = encodeLivepatchSysctl(release, { kind: 'get', name, state: 0, rc: 0 }, options);
  } else if (op.sub === 2 && op.list !== undefined) {
    arrays = listHandles(memory, op.list);
    const { idx, nr, pad = 0 } = op.list;
    bytes = encodeLivepatchSysctl(release, { kind: 'list', version: 0, idx, nr, pad, ...sizes, ...arrays }, options);
  } else {
    const { action = 0, timeout = 30_000_000, flags = 0, actionPad: pad = 0 } = op;
    bytes = encodeLivepatchSysctl(release, { kind: 'action', name, action, timeout, flags, pad }, options);
    viewOf(bytes).setUint32(8, op.sub, true);
  }
  return { sysctl: memory.placeOutput(bytes), arrays };
}

/** What LIST has written: the structure's OUT members and the entries in the arrays. */
export function listResult(memory: CallMemory, { sysctl, arrays }: PreparedCall, rc: number, nr: number): object {
  const out = viewOf(memory.output(sysctl).subarray(0, XEN_SYSCTL_SIZE));
  const entries: object[] = [];
  let names = 0;
  let metadata = 0;
  for (let i = 0; arrays !== undefined && i < rc && nr > 0; i++) {
    const word = (handle: Address, index: number): number => viewOf(memory.output(handle)).getUint32(4 * index, true);
    const text = (handle: Address, at: number, length: number): string =>
      latin1(memory.output(handle).subarray(at, at + length));
    const nameLength = word(arrays.len, i);
    const metadataLength = word(arrays.metadataLen, i);
    const state = word(arrays.status, 2 * i);
    entries.push({
      name: text(arrays.names, names, nameLength),
      state: LIVEPATCH_STATE_NAMES.get(state) ?? state,
      rc: code(word(arrays.status, 2 * i + 1) | 0),
      metadata: metadataLength === 0 ? '' : text(arrays.metadata, metadata, metadataLength),
    });
    names += nameLength;
    metadata += metadataLength;
  }
  const at = (offset: number): number => out.getUint32(offset, true);
  return { version: at(16), idx: at(20), nr: at(24), nameTotalSize: at(32), metadataTotalSize: at(36), entries };
}

interface ListHandles {
  status: bigint;
  names: bigint;
  len: bigint;
  metadata: bigint;
  metadataLen: bigint;
}

function listHandles(memory: CallMemory, { nr, pointers = {} }: ListArgs): ListHandles {
  const n = Math.min(nr, 1024);
  const place = (given: string | undefined, size: number): bigint =>
    given === undefined ? memory.placeOutput(size) : BigInt(`0x${given}`);
  return {
    status: place(pointers.status, 8 * n),
    names: place(pointers.name, 64 + 256 * n),
    len: place(pointers.len, 4 * n),
    metadata: place(pointers.metadata, 4096),
    metadataLen: place(pointers.metadataLen, 4 * n),
  };
}
