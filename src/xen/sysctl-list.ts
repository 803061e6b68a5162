import { type Address, latin1, viewOf } from '../base/index.ts';
import { LIVEPATCH_LIST_MAX, XEN_LIVEPATCH_NAME_SIZE } from './limits.ts';
import type { KnownOp } from './sysctl-codec.ts';
import { LIVEPATCH_STATUS } from './sysctl-records.ts';
import type { ListAnswer, ListEntry, ListRequest, ListResult, LivepatchTarget } from './target.ts';

/** The caller's arrays that XEN_SYSCTL_LIVEPATCH_LIST fills. Source: xen/common/livepatch.c, livepatch_list. */
export interface ListArrays {
  /** A `struct livepatch_status` each. */
  readonly status: Uint8Array;
  readonly names: Uint8Array;
  /** Bytes of each name, including the NUL. */
  readonly len: Uint8Array;
  readonly metadata: Uint8Array;
  readonly metadataLen: Uint8Array;
}

/** Returns the first `count` entries. Without metadata (4.13 and older) names have fixed slots; otherwise they lie back to back. */
export function listEntries(arrays: ListArrays, count: number, hasMetadata: boolean): ListEntry[] {
  const [status, len, metadataLen] = [viewOf(arrays.status), viewOf(arrays.len), viewOf(arrays.metadataLen)];
  const entries: ListEntry[] = [];
  let names = 0;
  let metadata = 0;
  for (let i = 0; i < count; i++) {
    const length = len.getUint32(4 * i, true);
    const metadataLength = hasMetadata ? metadataLen.getUint32(4 * i, true) : 0;
    const at = hasMetadata ? names : i * XEN_LIVEPATCH_NAME_SIZE;
    entries.push({
      name: latin1(arrays.names.subarray(at, at + length)).replace(/\0.*/s, ''),
      ...LIVEPATCH_STATUS.read(status, i * LIVEPATCH_STATUS.size),
      metadata: arrays.metadata.slice(metadata, metadata + metadataLength),
    });
    names += length;
    metadata += metadataLength;
  }
  return entries;
}

/** A LIST call: its operation, and how to read the result. */
export interface ListCall {
  readonly op: KnownOp;
  /** `bytes` reads from a handle that `place` returned; `out` is the copied-back operation. */
  result(rc: number, out: KnownOp, bytes: (handle: Address, length: number) => Uint8Array): ListAnswer;
}

/**
 * Makes the call for a request. `place` allocates each array, zeroed. `metadataRoom` is the maximum size of all payloads' metadata,
 * in bytes.
 */
export function listCall(
  request: ListRequest,
  { listMetadata }: { readonly listMetadata: boolean },
  metadataRoom: number,
  place: (length: number) => Address,
): ListCall {
  // Xen refuses a longer list, so it needs no room.
  const room = Math.min(request.nr, LIVEPATCH_LIST_MAX);
  const sizes = {
    status: room * LIVEPATCH_STATUS.size,
    names: room * XEN_LIVEPATCH_NAME_SIZE,
    len: room * 4,
    metadata: metadataRoom,
    metadataLen: room * 4,
  };
  const handles = {
    status: place(sizes.status),
    names: place(sizes.names),
    len: place(sizes.len),
    metadata: place(sizes.metadata),
    metadataLen: place(sizes.metadataLen),
  };
  const { idx, nr, nameTotalSize = sizes.names, metadataTotalSize = sizes.metadata } = request;
  return {
    op: { kind: 'list', version: 0, idx, nr, pad: 0, nameTotalSize, metadataTotalSize, ...handles },
    result(rc, out, bytes) {
      const head = out.kind === 'list' ? out : { version: 0, nr: 0, nameTotalSize: 0, metadataTotalSize: 0 };
      const { version, nr: left, nameTotalSize: names, metadataTotalSize: metadata } = head;
      const read = (array: keyof ListArrays): Uint8Array => bytes(handles[array], sizes[array]);
      const arrays = {
        status: read('status'),
        names: read('names'),
        len: read('len'),
        metadata: read('metadata'),
        metadataLen: read('metadataLen'),
      };
      const count = nr === 0 ? 0 : Math.max(0, rc);
      const entries = listEntries(arrays, count, listMetadata);
      return { kind: 'answered', rc, version, nr: left, nameTotalSize: names, metadataTotalSize: metadata, entries };
    },
  };
}

/** Maximum attempts of {@link listUninterrupted}. */
const LIST_ATTEMPTS = 100;

/**
 * Returns the full list that was requested. Xen may stop after any entry when other work is pending, and the caller must then ask
 * again.
 * Source: xen/common/livepatch.c, livepatch_list (hypercall_preempt_check).
 */
export async function listUninterrupted(
  target: Pick<LivepatchTarget, 'list'>,
  request: ListRequest,
): Promise<ListResult> {
  for (let attempt = 1; ; attempt++) {
    const list = await target.list(request);
    const cut = list.kind === 'answered' && list.rc >= 0 && list.entries.length < request.nr && list.nr > 0;
    if (!cut || attempt === LIST_ATTEMPTS) return list;
  }
}
