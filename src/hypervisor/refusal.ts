import type { Refusal } from '../arch/index.ts';
import type { Place } from '../base/index.ts';
import { CATALOGUE, type RuleId } from '../catalogue/index.ts';
import { ERRNO, type Errno, type FormatArg } from '../xen/index.ts';
import { type Hypervisor, report } from './hypervisor.ts';

/** Source files whose names dprintk lines carry. */
export const LIVEPATCH_C = 'common/livepatch.c';
export const LIVEPATCH_ELF_C = 'common/livepatch_elf.c';

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

  /** Prints an error line and refuses. The line is the finding's message unless the refusal has its own. */
  refuse(refusal: Refusal, template: string, ...args: FormatArg[]): number {
    this.error(template, ...args);
    return refuseSilently(this.#hv, { message: this.#hv.log.format(template, ...args), ...refusal });
  }

  /** Returns a function that refuses because of something at `where`. */
  at(where: Place) {
    return (rule: RuleId, errno: Errno, template: string, ...args: FormatArg[]): number =>
      this.refuse({ rule, errno, where }, template, ...args);
  }

  /** Refuses for a reason that an architecture's hook gives. */
  refuseFor(refusal: Refusal, where: Place): number {
    if (refusal.log !== undefined) return this.refuse({ ...refusal, where }, ...refusal.log);
    return refuseSilently(this.#hv, { message: CATALOGUE[refusal.rule].title, ...refusal, where });
  }
}

/** Runs stages in order; returns the negated errno of the first that refuses, or 0. */
export function firstRefusal<T extends readonly unknown[]>(
  stages: readonly ((...args: T) => number)[],
  ...args: T
): number {
  for (const stage of stages) {
    const rc = stage(...args);
    if (rc !== 0) return rc;
  }
  return 0;
}

/** Refuses without a console line, as Xen does where it only returns an errno. */
export function refuseSilently(
  hv: Hypervisor,
  { rule, errno, where, message }: Refusal & { readonly message: string },
): number {
  report(hv, rule, message, where);
  return -ERRNO[errno];
}
