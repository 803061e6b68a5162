import { distance, hexAddress } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import { trapSitesIn } from '../core-traps.ts';
import { patchedRanges, rangeAt } from '../patched-bytes.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * What is overwritten holds a place that the hypervisor's tables of traps name: the tables stay, the instruction is gone. Worst is the place
 * at which code goes on after a fault, if that is inside of the trampoline.
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
      // At the very first byte the jump stands in its place: nobody comes to the trap any more, and who goes on there takes the jump.
      if (range === undefined || address === range.start) continue;
      const { func } = range;
      const message = `the bytes of ${func.name} that are overwritten hold ${kind === 'exception table entry' ? 'an' : 'a'} ${kind} at ${hexAddress(address)}: the hypervisor's table still names it, but the instruction is gone while the payload is applied`;
      yield { message, where: entryPlace(func) };
    }
  },
};
