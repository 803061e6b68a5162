import { XspliceError } from '../../base/index.ts';

/** Why a machine gives no more answers. */
export type Down =
  /** The hypervisor printed its last words, or does so without end. */
  | { readonly kind: 'died'; readonly why: 'last words' | 'flood' }
  /** The machine was reset or turned off without a word. */
  | { readonly kind: 'reset' }
  /** No answer within the time that a call may take. */
  | { readonly kind: 'silent'; readonly ms: number }
  /** QEMU itself failed. */
  | { readonly kind: 'qemu'; readonly why: string }
  /** We ended it. */
  | { readonly kind: 'ended'; readonly reason: XspliceError | undefined };

/** What is thrown inside of this folder where a machine is down; callers of the target see an OpResult or an XspliceError. */
export class MachineDown extends Error {
  override readonly name = 'MachineDown';
  readonly down: Down;

  constructor(down: Down) {
    super(`the machine is down: ${down.kind}`);
    this.down = down;
  }
}

/** The environment failure that it is for a caller; a host that died is none. */
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
