import { nearestNames } from '../../base/index.ts';
import { STB_WEAK } from '../../elf/index.ts';
import { ownSymbols } from '../own-symbols.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/** Most names for which others like them are looked for: each look goes through the hypervisor's whole table. */
const MOST_GUESSES = 10;

/**
 * Names that neither the hypervisor nor another payload of the set defines. Xen stops at the first one; these are all, with the names that are most
 * like them. Source: common/livepatch_elf.c, livepatch_elf_resolve_symbols.
 */
export const unresolvedSymbol: LintRule = {
  id: 'unresolved-symbol',
  *check(context) {
    const missing = context.content.undefinedSymbols.filter(
      ({ name }) => name !== '' && context.resolve(name) === undefined,
    );
    if (missing.length === 0) return;
    const given = new Set(companions(context).flatMap(({ content }) => ownSymbols(content).map(({ name }) => name)));
    const stride = context.content.elf.symbols.section?.entsize ?? 0;
    const names = [...context.symbols.names(), ...given];
    let guesses = 0;
    for (const { name, index, bind } of missing) {
      if (given.has(name)) continue;
      const nearest = guesses++ < MOST_GUESSES ? nearestNames(name, names) : [];
      // Xen has said this one itself.
      const said = context.loader.some(({ rule, where }) => rule === 'unknown-symbol' && where.symbol === name);
      if (said && nearest.length === 0) continue;
      const hint =
        nearest.length === 0 ? 'It is of another build, or not compiled in' : `Nearest: ${nearest.join(', ')}`;
      const weak = bind === STB_WEAK ? ' (weak, which does not matter to Xen)' : '';
      const message = `${name} is defined by neither the hypervisor nor a payload that was given${weak}. ${hint}`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
  },
};
