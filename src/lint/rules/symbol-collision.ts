import { ownSymbols } from '../own-symbols.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/**
 * A new symbol whose name exists already: in the hypervisor, which refuses the payload, or in another payload of the set, which matters if
 * both are loaded. That includes a cumulative payload and the one that it replaces. Source: build_symbol_table.
 */
export const symbolCollision: LintRule = {
  id: 'symbol-collision',
  coveredBy: ['duplicate-symbol'],
  *check(context) {
    const own = ownSymbols(context.content).filter(({ overrides }) => !overrides);
    const stride = context.content.elf.symbols.section?.entsize ?? 0;
    for (const { name, index } of own) {
      if (context.resolve(name) === undefined) continue;
      const message = `the hypervisor also has a symbol ${name}: Xen refuses the payload (EEXIST). Rename it, or make it the new version of that function`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
    for (const other of companions(context)) {
      const theirs = new Set(ownSymbols(other.content).flatMap(({ name, overrides }) => (overrides ? [] : [name])));
      const both = own.filter(({ name }) => theirs.has(name));
      const [first] = both;
      if (first === undefined) continue;
      const more = both.length === 1 ? '' : ` and ${both.length - 1} more`;
      const message = `${first.name}${more} is also a new symbol of ${other.file}: while one of them is loaded, Xen refuses the other (EEXIST), even to replace it. Use different names in each payload`;
      yield { message, where: { section: '.symtab', offset: first.index * stride, symbol: first.name } };
    }
  },
};
