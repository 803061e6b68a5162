import { distance, hexAddress } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import { trapSitesIn } from '../core-traps.ts';
import { patchedRanges, rangeAt } from '../patched-bytes.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * The overwritten bytes contain an address in the hypervisor's trap tables: the table entry stays, but the instruction is gone. The worst
 * case is a fix-up inside the trampoline.
 */
export const trapSitePatched: LintRule = {
  id: 'trap-site-patched',
  *check(context) {
    const patched = patchedRanges(context);
    if (patched.length === 0) return;
    const { start: base } = context.coreText;
    const ranges = patched.flatMap(({ start, end }) => {
      const first = distance(base, start);
      return first === undefined
        ? []
        : [{ start: first, end: first + Math.min(Number(end - start), LIVEPATCH_OPAQUE_SIZE) }];
    });
    for (const { kind, address } of trapSitesIn(context, ranges)) {
      const range = rangeAt(patched, address);
      // At the first byte, the jump replaces the trap, and a fix-up there takes the jump.
      if (range === undefined || address === range.start) continue;
      const { func } = range;
      const message = `the overwritten bytes of ${func.name} contain ${kind === 'exception table entry' ? 'an' : 'a'} ${kind} at ${hexAddress(address)}: the hypervisor's table still refers to it, but the instruction is gone while the payload is applied`;
      yield { message, where: entryPlace(func) };
    }
  },
};
