import { indirectTargets } from '../address-taken.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** A function without ENDBR64 that is called indirectly on a host with branch tracking: the call raises #CP, which panics. */
export const endbrMissing: LintRule = {
  id: 'endbr-missing',
  *check(context) {
    const { arch, image, processor, release } = context;
    const pad = arch.code?.landingPad ?? null;
    if (pad === null || !processor.cet.indirectBranchTracking) return;
    if (release.endbr === 'ignored' || !image.configured('CONFIG_XEN_IBT')) return;
    for (const { symbol, section, offset, why, start } of indirectTargets(context)) {
      if (pad.every((byte, i) => start[i] === byte)) continue;
      const message = `${symbol} is called indirectly (${why}) but does not start with ENDBR64: the call raises a control-flow protection fault. Mark it cf_check, or compile with -fcf-protection=branch`;
      yield { message, where: sectionPlace(context, section, offset, symbol) };
    }
  },
};
