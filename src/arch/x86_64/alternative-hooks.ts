import { ALT_FLAG_NOT, ALT_INSTR } from '../../xen/index.ts';
import type { AlternativeHooks } from '../alternatives.ts';
import { applyAlternatives } from './alternatives.ts';

/** How x86-64 applies alternatives. Source: xen/arch/x86/alternative.c. */
export const X86_64_ALTERNATIVES: AlternativeHooks = {
  entrySize: ALT_INSTR.size,
  announcement: 'alt table %p -> %p',
  file: 'arch/x86/alternative.c',
  bugFunction: 'arch/x86/alternative.c#_apply_alternatives',
  frames: ['apply_alternatives', '_apply_alternatives'],
  apply: applyAlternatives,
  highestFeature(table) {
    let highest = -1;
    for (let at = ALT_INSTR.at.cpuid; at + 2 <= table.byteLength; at += ALT_INSTR.size) {
      const feature = table.getUint16(at, true) & ~ALT_FLAG_NOT;
      if (feature > highest) highest = feature;
    }
    return highest;
  },
  // The capability array has whole words.
  featureLimit: (rules, highest) => Math.max(rules.featureLimit, ((highest >> 5) + 1) * 32),
};
