import type { KnownOp } from './sysctl-codec.ts';
import type { PayloadFound, Refused } from './target.ts';

/** Reads the result of XEN_SYSCTL_LIVEPATCH_GET. `op` is the copied-back operation. */
export const getResult = (rc: number, op: KnownOp): PayloadFound | Refused =>
  rc === 0 && op.kind === 'get' ? { kind: 'found', rc, state: op.state, statusRc: op.rc } : { kind: 'refused', rc };
