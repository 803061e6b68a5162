import { ownSymbols } from '../own-symbols.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/**
 * A new symbol whose name is taken: by the hypervisor, which refuses the payload for the first one, or by another payload of the set, which
 * matters as soon as both are loaded. A cumulative payload that is to replace another one is loaded beside it. Source: build_symbol_table.
 */
export const symbolCollision: LintRule = {
  id: 'symbol-collision',
  saidBy: ['duplicate-symbol'],
  *check(context) {
    const own = ownSymbols(context.content).filter(({ overrides }) => !overrides);
    const stride = context.content.elf.symbols.section?.entsize ?? 0;
    for (const { name, index } of own) {
      if (context.resolve(name) === undefined) continue;
      const message = `${name} is a symbol of the hypervisor too: Xen refuses the payload (EEXIST). Rename it, or make it the new version of that function`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
    for (const other of companions(context)) {
      const theirs = new Set(ownSymbols(other.content).flatMap(({ name, overrides }) => (overrides ? [] : [name])));
      const both = own.filter(({ name }) => theirs.has(name));
      const [first] = both;
      if (first === undefined) continue;
      const more = both.length === 1 ? '' : ` and ${both.length - 1} more`;
      const message = `${first.name}${more} is a new symbol of ${other.file} too: while one of them is loaded, Xen refuses the other (EEXIST), also if it is to replace it. Give each payload names of its own`;
      yield { message, where: { section: '.symtab', offset: first.index * stride, symbol: first.name } };
    }
  },
};
