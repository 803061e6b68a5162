import { KSYM_NAME_LEN } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** Xen truncates symbol names to 126 characters in back traces and for payloads that link against them. Source: build_symbol_table. */
export const longSymbol: LintRule = {
  id: 'long-symbol',
  *check({ content }) {
    const { symbols } = content.elf;
    const stride = symbols.section?.entsize ?? 0;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.sectionIndex(i) === undefined) continue;
      const name = symbols.name(i);
      if (name.length < KSYM_NAME_LEN) continue;
      const message = `${name.slice(0, 40)}… has ${name.length} characters, but Xen keeps ${KSYM_NAME_LEN - 1}: it treats names that differ only after that as the same symbol`;
      yield { message, where: { section: '.symtab', offset: i * stride } };
    }
  },
};
