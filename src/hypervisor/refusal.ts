import type { Refusal } from '../arch/index.ts';
import type { Place } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { ERRNO, type Errno, type FormatArg } from '../xen/index.ts';
import { type Hypervisor, report } from './hypervisor.ts';

/** Source files whose names dprintk lines carry. */
export const LIVEPATCH_C = 'common/livepatch.c';
export const LIVEPATCH_ELF_C = 'common/livepatch_elf.c';

export interface Complaint {
  readonly rule: RuleId;
  readonly errno: Errno;
  readonly where?: Place;
  /** Explains the refusal if the console line does not, or there is none. */
  readonly message?: string;
}

/**
 * Refuses a payload on behalf of one of Xen's source files. A refusal adds a finding, prints what the release prints, and returns the
 * negated errno, so that a check reads `return refuser.refuse(…)` where Xen has `return -EINVAL`.
 */
export class Refuser {
  readonly #hv: Hypervisor;
  readonly #file: string;
  readonly #prefix: string;

  /** Lines start with `livepatch: NAME: `, or with `livepatch: ` if there is no name. */
  constructor(hv: Hypervisor, file: string, name?: string) {
    this.#hv = hv;
    this.#file = file;
    this.#prefix = name === undefined ? 'livepatch: ' : `livepatch: ${name}: `;
  }

  /** Prints an error line. */
  error(template: string, ...args: FormatArg[]): void {
    this.#hv.log.error(this.#file, this.#prefix, template, ...args);
  }

  /** Prints an error line and refuses. The line is the finding's message unless the complaint has its own. */
  refuse(complaint: Complaint, template: string, ...args: FormatArg[]): number {
    this.error(template, ...args);
    return refuseSilently(this.#hv, { message: this.#hv.log.format(template, ...args), ...complaint });
  }

  /** Refuses for a reason that an architecture's hook gives. */
  refuseFor({ rule, errno, log, message }: Refusal, where: Place): number {
    if (log === undefined) return refuseSilently(this.#hv, { rule, errno, where, message: message ?? rule });
    return this.refuse({ rule, errno, where, ...(message && { message }) }, ...log);
  }
}

/** Refuses without a console line, as Xen does where it only returns an errno. */
export function refuseSilently(hv: Hypervisor, complaint: Complaint & { readonly message: string }): number {
  report(hv, complaint.rule, complaint.message, complaint.where);
  return -ERRNO[complaint.errno];
}
