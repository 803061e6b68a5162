import { XspliceError } from '../../base/index.ts';

/** Why a machine stopped answering. */
export type Down =
  /** The hypervisor printed its last words, or prints endlessly. */
  | { readonly kind: 'died'; readonly why: 'last words' | 'flood' }
  /** The machine reset or powered off silently. */
  | { readonly kind: 'reset' }
  /** A call got no answer within its time limit. */
  | { readonly kind: 'silent'; readonly ms: number }
  /** QEMU itself failed. */
  | { readonly kind: 'qemu'; readonly why: string }
  /** We ended it. */
  | { readonly kind: 'ended'; readonly reason: XspliceError | undefined };

/** Thrown inside this folder when a machine is down. Callers of the target see an OpResult or an XspliceError. */
export class MachineDown extends Error {
  override readonly name = 'MachineDown';
  readonly down: Down;

  constructor(down: Down) {
    super(`the machine is down: ${down.kind}`);
    this.down = down;
  }
}

/** Returns the environment failure to report, or `undefined` if the host itself died. */
export function environmentFailure(down: Down): XspliceError | undefined {
  switch (down.kind) {
    case 'qemu':
      return new XspliceError('ETOOL', `QEMU failed: ${down.why}`);
    case 'ended':
      return down.reason ?? new XspliceError('EHOST', 'the host is closed');
    default:
      return undefined;
  }
}
