import { indirectTargets } from '../address-taken.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** A function that is called indirectly on a host that tracks such calls, without the instruction that allows it: #CP, which panics. */
export const endbrMissing: LintRule = {
  id: 'endbr-missing',
  *check(context) {
    const { arch, image, processor, release } = context;
    const pad = arch.code?.landingPad ?? null;
    if (pad === null || !processor.cet.indirectBranchTracking) return;
    if (release.endbr === 'ignored' || !image.configured('CONFIG_XEN_IBT')) return;
    for (const { symbol, section, offset, why, starts } of indirectTargets(context)) {
      if (pad.every((byte, i) => starts[i] === byte)) continue;
      const message = `${symbol} is called indirectly (${why}) and does not start with ENDBR64: the call ends in a control protection fault. Mark it cf_check, or compile with -fcf-protection=branch`;
      yield { message, where: sectionPlace(context, section, offset, symbol) };
    }
  },
};
