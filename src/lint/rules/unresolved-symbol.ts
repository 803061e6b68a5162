import { nearestNames } from '../../base/index.ts';
import { STB_WEAK } from '../../elf/index.ts';
import { ownSymbols } from '../own-symbols.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/** Maximum number of symbols with suggestions: each search goes through the hypervisor's whole table. */
const MAX_GUESSES = 10;

/**
 * Symbols that neither the hypervisor nor another payload of the set defines. Xen stops at the first one; this reports all, with the nearest
 * names. Source: common/livepatch_elf.c, livepatch_elf_resolve_symbols.
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
      const nearest = guesses++ < MAX_GUESSES ? nearestNames(name, names) : [];
      // Xen reported this one itself.
      const reported = context.loader.some(({ rule, where }) => rule === 'unknown-symbol' && where.symbol === name);
      if (reported && nearest.length === 0) continue;
      const hint =
        nearest.length === 0 ? 'It belongs to another build, or is not compiled in' : `Nearest: ${nearest.join(', ')}`;
      const weak = bind === STB_WEAK ? ' (weak, which Xen ignores)' : '';
      const message = `neither the hypervisor nor another given payload defines ${name}${weak}. ${hint}`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
  },
};
