import {
  bugFramesSection,
  ELF_ALT_CALL_SITES,
  ELF_ALTINSTR_REPLACEMENT,
  ELF_ALTINSTRUCTIONS,
  ELF_BUILD_ID_NOTE,
  ELF_EX_TABLE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_XEN_DEPENDS,
  HOOK_SECTIONS,
} from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

const SPECIAL = new Set([
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_XEN_DEPENDS,
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_MODINFO,
  ELF_ALTINSTRUCTIONS,
  ELF_ALTINSTR_REPLACEMENT,
  ELF_ALT_CALL_SITES,
  ELF_EX_TABLE,
  ...HOOK_SECTIONS.map(({ section }) => section),
  ...[0, 1, 2, 3].map(bugFramesSection),
]);

/** A special section that exists twice: Xen uses the first and ignores the others. Source: livepatch_elf_sec_by_name; 3a28da8f4d. */
export const duplicateSection: LintRule = {
  id: 'duplicate-section',
  *check({ content }) {
    const seen = new Map<string, number>();
    for (const { name, index, size } of content.elf.sections.slice(1)) {
      if (!SPECIAL.has(name)) continue;
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else if (size > 0) {
        const message = `sections ${first} and ${index} are both named ${name}: Xen uses the first and ignores the ${size} bytes of the other. Link them into one`;
        yield { message, where: { section: name } };
      }
    }
  },
};
