import { type Address, fromLatin1, viewOf } from '../base/index.ts';
import {
  decodeLivepatchSysctl,
  encodeLivepatchSysctl,
  type KnownOp,
  type ListAnswer,
  type ListCall,
  listCall,
  livepatchName,
  type PlaceBytes,
  type RawResult,
  type Release,
  SYSCTL_LIVEPATCH_HEAD,
} from '../xen/index.ts';
import type { RawCall } from './case.ts';

/** Bytes of the caller's buffer for metadata, for each payload that LIST may return. */
const METADATA_ROOM = 64;

/** A raw call, and the reader of its result. */
export interface EncodedCall {
  /** Writes `struct xen_sysctl` in the release's layout, and the buffers that it points to. */
  readonly encode: (place: PlaceBytes) => Uint8Array;
  /** Returns what LIST wrote; `undefined` for other operations. Call after {@link encode}. */
  list(result: RawResult): ListAnswer | undefined;
}

/** Prepares a raw call. `payload` is the file that it names; empty where it names none. */
export function encodeRawCall(release: Release, call: RawCall, payload: Uint8Array): EncodedCall {
  const { op, word, interfaceVersion } = call;
  let listing: ListCall | undefined;
  return {
    encode: (place) => {
      if (op === 'list') listing = listOf(call, release, place);
      const made = listing === undefined ? operation(call, payload, place) : withPointers(listing.op, call);
      const options = {
        ...(word !== undefined && { word }),
        ...(interfaceVersion !== undefined && { interfaceVersion }),
      };
      const bytes = encodeLivepatchSysctl(release, made, options);
      if (typeof op !== 'string') SYSCTL_LIVEPATCH_HEAD.write(viewOf(bytes), 0, { livepatch_cmd: op.number });
      return bytes;
    },
    list: ({ rc, sysctl, read }) => listing?.result(rc, decodeLivepatchSysctl(release, sysctl).op as KnownOp, read),
  };
}

function listOf({ idx = 0, nr = 0 }: RawCall, release: Release, place: PlaceBytes): ListCall {
  return listCall({ idx, nr }, release, Math.min(nr, 1024) * METADATA_ROOM, (length) => place(new Uint8Array(length)));
}

/** LIST with the call's own pad and pointers. */
function withPointers(op: KnownOp, { pad = 0, pointers = {} }: RawCall): KnownOp {
  const given = Object.entries(pointers).map(([array, digits]) => [array, BigInt(`0x${digits}`)]);
  return { ...op, pad, ...Object.fromEntries(given) };
}

function operation(call: RawCall, payload: Uint8Array, place: PlaceBytes): KnownOp {
  const { op, size = payload.length, action = 0, timeout = 0, flags = 0, pad = 0, pointers = {} } = call;
  const at = (pointer: string | undefined, bytes: Uint8Array): Address =>
    pointer === undefined ? place(bytes) : BigInt(`0x${pointer}`);
  const text = fromLatin1(`${call.name ?? ''}\0`);
  const name = {
    ...livepatchName(at(pointers.name, text), call.nameSize ?? text.length),
    pad: call.namePad ?? ([0, 0, 0] as const),
  };
  switch (op) {
    case 'upload':
      // A case may claim a larger size only where Xen refuses the call before it reads the payload.
      return { kind: 'upload', name, size: BigInt(size), payload: at(pointers.payload, payload) };
    case 'action':
      return { kind: 'action', name, action, timeout, flags, pad };
    default:
      return { kind: 'get', name, state: 0, rc: 0 };
  }
}
