import { KSYM_NAME_LEN } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** Xen keeps 126 characters of a symbol's name: back traces, and payloads that link against it, see the cut one. Source: build_symbol_table. */
export const longSymbol: LintRule = {
  id: 'long-symbol',
  *check({ content }) {
    const { symbols } = content.elf;
    const stride = symbols.section?.entsize ?? 0;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.sectionIndex(i) === undefined) continue;
      const name = symbols.name(i);
      if (name.length < KSYM_NAME_LEN) continue;
      const message = `${name.slice(0, 40)}… has ${name.length} characters, Xen keeps ${KSYM_NAME_LEN - 1}: others that are the same up to there count as the same symbol`;
      yield { message, where: { section: '.symtab', offset: i * stride } };
    }
  },
};
