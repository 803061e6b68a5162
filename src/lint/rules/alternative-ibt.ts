import { ELF_ALTINSTRUCTIONS } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** In 4.17.0 to .3, 4.18.0 and .1, applying any alternative on a host with CET-IBT walks a list in freed memory. Fixed by 4be1fef1e6. */
export const alternativeIbt: LintRule = {
  id: 'alternative-ibt',
  *check({ content, release, processor, image }) {
    const { alternatives } = content;
    if (alternatives === undefined || alternatives.entries.length === 0) return;
    if (!release.alternatives.walksFreedClobberList || !image.configured('CONFIG_XEN_IBT')) return;
    const list = image.linker('__initdata_cf_clobber_start');
    if (list === undefined || list === image.linker('__initdata_cf_clobber_end')) return;
    const here = processor.cet.indirectBranchTracking ? 'as on this processor' : 'which this processor lacks';
    const message = `with CET-IBT on, ${here}, ${release.version} reads freed memory when it loads a payload with alternatives, and panics. Boot such hosts with cet=no-ibt, or update them`;
    yield { message, where: { section: ELF_ALTINSTRUCTIONS } };
  },
};
