import { fromLatin1, viewOf } from '../base/index.ts';
import {
  type ActionName,
  ERRNO,
  type GetOp,
  LIVEPATCH_LIST_MAX,
  LIVEPATCH_STATE_APPLIED,
  LIVEPATCH_STATE_CHECKED,
  LIVEPATCH_STATUS,
  type ListOp,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../xen/index.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';

const STATES = { CHECKED: LIVEPATCH_STATE_CHECKED, APPLIED: LIVEPATCH_STATE_APPLIED } as const;

/** livepatch_get: returns the state and the result of the last action. Source: xen/common/livepatch.c. */
export function livepatchGet(hv: Hypervisor, name: string): { rc: number; out?: Pick<GetOp, 'state' | 'rc'> } {
  const payload = hv.payloads.find((each) => each.name === name);
  if (payload === undefined) return { rc: -ERRNO.ENOENT };
  return { rc: 0, out: { state: STATES[payload.state], rc: payload.rc } };
}

/** Members of LIST that are written back, besides the caller's arrays. */
export type ListOut = Pick<ListOp, 'version' | 'nr' | 'nameTotalSize' | 'metadataTotalSize'>;

/**
 * livepatch_list: writes names, states and metadata from payload `idx` on, in upload order, to the caller's arrays; for `nr` 0, returns the sizes
 * that these need. Source: xen/common/livepatch.c; commits b145b4a39c, 5083e0ff93 (4.14), 4c3ce492ed (4.21).
 */
export function livepatchList(hv: Hypervisor, op: ListOp, guest: GuestMemory): { rc: number; out?: ListOut } {
  if (op.nr > LIVEPATCH_LIST_MAX) return { rc: -ERRNO.E2BIG };
  if (op.pad !== 0) return { rc: -ERRNO.EINVAL };
  const count = hv.payloads.length;
  if (op.nr !== 0) {
    const { listMetadata } = hv.release;
    const arrays = [
      [op.status, op.nr * LIVEPATCH_STATUS.size],
      ...(listMetadata ? [] : ([[op.names, op.nr * XEN_LIVEPATCH_NAME_SIZE]] as const)),
      [op.len, op.nr * 4],
      ...(listMetadata ? ([[op.metadataLen, op.nr * 4]] as const) : []),
    ] as const;
    for (const [handle, size] of arrays) if (!guest.okay(handle, size)) return { rc: -ERRNO.EINVAL };
  }
  if (op.idx >= count && count > 0) return { rc: -ERRNO.EINVAL };
  if (op.nr === 0) {
    const sum = (of: (payload: LoadedPayload) => number) => hv.payloads.reduce((total, each) => total + of(each), 0);
    return {
      rc: 0,
      out: {
        version: hv.payloadVersion,
        nr: count,
        nameTotalSize: sum(nameLength),
        metadataTotalSize: sum(metadataLength),
      },
    };
  }
  return copyEntries(hv, op, guest);
}

const nameLength = (payload: LoadedPayload): number => payload.name.length + 1;
const metadataLength = (payload: LoadedPayload): number => payload.metadata.size;

function copyEntries(hv: Hypervisor, op: ListOp, guest: GuestMemory): { rc: number; out: ListOut } {
  const { listMetadata, listSizesIn } = hv.release;
  let rc = 0;
  let copied = 0;
  let visited = 0;
  let names = 0;
  let metadata = 0;
  let sumNames = 0;
  let sumMetadata = 0;
  for (const payload of hv.payloads) {
    if (copied === op.nr) break;
    visited++;
    if (visited <= op.idx) continue;
    const nameLen = nameLength(payload);
    const metadataLen = metadataLength(payload);
    sumNames += nameLen;
    sumMetadata += metadataLen;
    if (listSizesIn && (names + nameLen > op.nameTotalSize || metadata + metadataLen > op.metadataTotalSize)) {
      rc = -ERRNO.ENOBUFS;
      break;
    }
    // guest_handle_subrange_okay, which checks the start even of an empty range.
    const namesOk = !listMetadata || guest.okay(op.names + BigInt(names), nameLen);
    if (!namesOk || (listMetadata && !guest.okay(op.metadata + BigInt(metadata), metadataLen))) {
      rc = -ERRNO.EINVAL;
      break;
    }
    const status = new Uint8Array(LIVEPATCH_STATUS.size);
    LIVEPATCH_STATUS.write(viewOf(status), 0, { state: STATES[payload.state], rc: payload.rc });
    const at = (handle: bigint, offset: number): bigint => handle + BigInt(offset);
    const nameAt = listMetadata ? names : copied * XEN_LIVEPATCH_NAME_SIZE;
    // guest_handle_subrange_okay, for the two arrays whose entries vary in size.
    if (
      listMetadata &&
      !(guest.okay(at(op.names, names), nameLen) && guest.okay(at(op.metadata, metadata), metadataLen))
    ) {
      rc = -ERRNO.EINVAL;
      break;
    }
    const pieces: (readonly [bigint, Uint8Array])[] = [
      [at(op.names, nameAt), fromLatin1(`${payload.name}\0`)],
      [at(op.len, 4 * copied), u32(nameLen)],
      [at(op.status, status.length * copied), status],
    ];
    if (listMetadata) {
      const bytes = metadataLen === 0 ? new Uint8Array(0) : hv.machine.space.read(payload.metadata.addr, metadataLen);
      pieces.push([at(op.metadata, metadata), bytes], [at(op.metadataLen, 4 * copied), u32(metadataLen)]);
    }
    if (!pieces.every(([handle, bytes]) => guest.write(handle, bytes))) {
      rc = -ERRNO.EFAULT;
      break;
    }
    names += nameLen;
    metadata += metadataLen;
    copied++;
  }
  const out: ListOut = {
    version: hv.payloadVersion,
    nr: hv.payloads.length - visited,
    // Up to 4.20 these sum up all visited entries, including one that could not be copied.
    nameTotalSize: listSizesIn ? names : sumNames,
    metadataTotalSize: listSizesIn ? metadata : sumMetadata,
  };
  return { rc: rc === 0 ? copied : rc, out };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** Actions by their number in the sysctl. */
export const ACTION_BY_NUMBER: Readonly<Record<number, ActionName>> = {
  1: 'unload',
  2: 'revert',
  3: 'apply',
  4: 'replace',
};
