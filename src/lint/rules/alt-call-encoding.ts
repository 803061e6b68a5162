import { ELF_ALT_CALL_SITES, ELF_ALTINSTRUCTIONS } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/**
 * Alternative calls in the encoding of another release. Sources: 67d01cdb55 (4.13: entries of .altinstructions), ac02ee9c82, ca29b7a70d and d2fd5f0fcd
 * (4.21: .alt_call_sites).
 */
export const altCallEncoding: LintRule = {
  id: 'alt-call-encoding',
  *check({ content, release }) {
    const { altCalls } = release.alternatives;
    if (altCalls !== 'alt_instr') {
      for (const { offset, altCall } of content.alternatives?.entries ?? []) {
        if (!altCall) continue;
        const message = `an alternative call in the encoding of 4.13 to 4.20: ${release.version} copies its placeholder like any replacement, so the call goes to the wrong address. Build with this release's headers`;
        yield { message, where: { section: ELF_ALTINSTRUCTIONS, offset } };
      }
    }
    if (altCalls !== 'alt_call_sites' && content.altCalls !== undefined && content.altCalls.entries.length > 0) {
      const message = `${content.altCalls.entries.length} alternative calls in the encoding of 4.21: ${release.version} ignores the section, so they stay indirect. Build with this release's headers`;
      yield { message, where: { section: ELF_ALT_CALL_SITES, offset: 0 } };
    }
  },
};
