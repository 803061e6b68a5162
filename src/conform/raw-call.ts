import { type Address, fromLatin1, viewOf } from '../base/index.ts';
import { doSysctl, enter, ScratchGuestMemory, SimulatedTarget } from '../hypervisor/index.ts';
import {
  encodeLivepatchSysctl,
  type KnownOp,
  LIVEPATCH_LIST_MAX,
  type ObservableTarget,
  type OpResult,
  type Release,
  SYSCTL_LIVEPATCH_HEAD,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../xen/index.ts';
import type { RawCall } from './case.ts';

/** Memory for one call: gives the bytes an address in the caller's memory. */
export type PlaceBytes = (bytes: Uint8Array) => Address;

/** A target that takes a whole `struct xen_sysctl`: what no toolstack would send. `make` returns its 136 bytes. */
export interface RawTarget extends ObservableTarget {
  rawSysctl(make: (place: PlaceBytes) => Uint8Array): Promise<OpResult>;
}

/** Does the target take raw calls? The simulator does. */
export const takesRawCalls = (target: ObservableTarget): boolean =>
  target instanceof SimulatedTarget || typeof (target as Partial<RawTarget>).rawSysctl === 'function';

/** Makes the call. A target without raw calls throws a TypeError: ask {@link takesRawCalls}. */
export async function rawCall(target: ObservableTarget, make: (place: PlaceBytes) => Uint8Array): Promise<OpResult> {
  if (!(target instanceof SimulatedTarget)) return (target as RawTarget).rawSysctl(make);
  const { hypervisor } = target;
  const guest = new ScratchGuestMemory();
  const handle = guest.place(make((bytes) => guest.place(bytes)));
  const rc = enter(hypervisor, () => doSysctl(hypervisor, guest, handle));
  target.idle();
  return rc === undefined ? { kind: 'no-answer' } : { kind: 'answered', rc };
}

/** The call as bytes, in the release's layout. */
export function encodeRawCall(release: Release, call: RawCall, payload: Uint8Array): (place: PlaceBytes) => Uint8Array {
  return (place) => {
    const { op, word, interfaceVersion } = call;
    const options = {
      ...(word !== undefined && { word }),
      ...(interfaceVersion !== undefined && { interfaceVersion }),
    };
    const bytes = encodeLivepatchSysctl(release, operation(call, payload, place), options);
    if (typeof op !== 'string') SYSCTL_LIVEPATCH_HEAD.write(viewOf(bytes), 0, { livepatch_cmd: op.number });
    return bytes;
  };
}

function operation(call: RawCall, payload: Uint8Array, place: PlaceBytes): KnownOp {
  const text = fromLatin1(`${call.name ?? ''}\0`);
  const name = { name: place(text), size: call.nameSize ?? text.length, pad: call.namePad ?? ([0, 0, 0] as const) };
  const { op, size = payload.length, action = 0, flags = 0, pad = 0, idx = 0, nr = 0 } = call;
  switch (op) {
    case 'upload':
      // Of a call that claims more than there is, Xen must not get to read it.
      return { kind: 'upload', name, size: BigInt(size), payload: place(payload) };
    case 'list': {
      const room = Math.min(nr, LIVEPATCH_LIST_MAX);
      const array = (width: number): Address => place(new Uint8Array(Math.max(1, room * width)));
      const sizes = { nameTotalSize: room * XEN_LIVEPATCH_NAME_SIZE, metadataTotalSize: room * 64 };
      const arrays = {
        status: array(8),
        names: array(XEN_LIVEPATCH_NAME_SIZE),
        len: array(4),
        metadata: array(64),
        metadataLen: array(4),
      };
      return { kind: 'list', version: 0, idx, nr, pad, ...sizes, ...arrays };
    }
    case 'action':
      return { kind: 'action', name, action, timeout: 0, flags, pad };
    default:
      return { kind: 'get', name, state: 0, rc: 0 };
  }
}
