import type { Refusal } from '../arch/index.ts';
import type { Place } from '../base/index.ts';
import { ERRNO, type Errno, type FormatArg } from '../xen/index.ts';
import { type Hypervisor, report } from './hypervisor.ts';

/**
 * Refusals: each leaves a finding with a stable rule id, prints what the release prints, and gives the negated errno, so that a check
 * reads `return refuse(…)`, as `return -EINVAL` does in Xen.
 */

/** Source files whose names dprintk lines carry. */
export const LIVEPATCH_C = 'common/livepatch.c';
export const LIVEPATCH_ELF_C = 'common/livepatch_elf.c';

export interface Complaint {
  readonly rule: string;
  readonly errno: Errno;
  readonly where?: Place;
  /** What to make of it, where the console line does not say enough, or there is none. */
  readonly message?: string;
}

/** With the line `livepatch: NAME: …`. */
export function refuse(
  hv: Hypervisor,
  file: string,
  name: string,
  complaint: Complaint,
  template: string,
  ...args: FormatArg[]
): number {
  return refuseWith(hv, file, `livepatch: ${name}: `, complaint, template, ...args);
}

/** With a line of its own shape: `prefix` stands for `livepatch: NAME: `. */
export function refuseWith(
  hv: Hypervisor,
  file: string,
  prefix: string,
  complaint: Complaint,
  template: string,
  ...args: FormatArg[]
): number {
  hv.log.error(file, prefix, template, ...args);
  report(hv, 'error', complaint.rule, complaint.message ?? hv.log.format(template, ...args), complaint.where);
  return -ERRNO[complaint.errno];
}

/** Without a word: Xen returns the errno and prints nothing. */
export function refuseSilently(hv: Hypervisor, complaint: Complaint & { readonly message: string }): number {
  report(hv, 'error', complaint.rule, complaint.message, complaint.where);
  return -ERRNO[complaint.errno];
}

/** What an architecture's hook has to say. */
export function refuseFor(hv: Hypervisor, file: string, name: string, refusal: Refusal, where: Place = {}): number {
  const { rule, errno, log, message } = refusal;
  if (log !== undefined) return refuse(hv, file, name, { rule, errno, where, ...(message && { message }) }, ...log);
  return refuseSilently(hv, { rule, errno, where, message: message ?? rule });
}
