/** The document of a check of payloads on several hypervisors, `xsplice-check-matrix/1`. Data, as in documents.ts. */
import type { CheckedPayload, XenIdentity } from './documents.ts';
import type { HexBytes } from './hex-text.ts';

/** One hypervisor of a matrix. */
export interface MatrixXen extends XenIdentity {
  /** The image as the user named it. A byte string. */
  readonly file: string;
}

/** One payload of a matrix, as far as its notes tell. */
export interface MatrixPayload {
  /** The file as the user named it. A byte string. */
  readonly file: string;
  /** The name that `xen-livepatch load` would give it. A byte string. */
  readonly name: string;
  readonly buildId: HexBytes | null;
  readonly depends: HexBytes | null;
  readonly xenDepends: HexBytes | null;
  /** Which of the payloads, from 0, it depends on and is checked on top of; null where that is none of them. */
  readonly dependsOn: number | null;
}

/** One payload on one hypervisor. */
export interface MatrixCell extends Omit<CheckedPayload, 'file'> {
  /** Which of the payloads, from 0. */
  readonly payload: number;
  /** Which of the hypervisors, from 0. */
  readonly xen: number;
  /** Does the payload name this very build of the hypervisor? */
  readonly named: boolean;
}

/** Every payload on every hypervisor. */
export interface CheckMatrix {
  readonly format: 'xsplice-check-matrix/1';
  readonly hypervisors: readonly MatrixXen[];
  readonly payloads: readonly MatrixPayload[];
  /** By payloads, then by hypervisors: the cell of payload p and hypervisor x is number p × hypervisors + x. */
  readonly cells: readonly MatrixCell[];
}
