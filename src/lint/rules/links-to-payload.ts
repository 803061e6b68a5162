import { ownSymbols } from '../own-symbols.ts';
import { chainBelow, companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/**
 * A symbol that only an independent payload of the set defines. Xen links against any loaded payload, and nothing prevents the unload of that
 * one. Source: common/livepatch.c, livepatch_symbols_lookup_by_name.
 */
export const linksToPayload: LintRule = {
  id: 'links-to-payload',
  *check(context) {
    const chain = chainBelow(context);
    const others = companions(context)
      .filter((other) => !chain.includes(other))
      .map((other) => ({
        other,
        names: new Set(ownSymbols(other.content).flatMap(({ name, overrides }) => (overrides ? [] : [name]))),
      }));
    if (others.length === 0) return;
    const stride = context.content.elf.symbols.section?.entsize ?? 0;
    for (const { name, index } of context.content.undefinedSymbols) {
      if (context.resolve(name) !== undefined) continue;
      const found = others.find(({ names }) => names.has(name));
      if (found === undefined) continue;
      const message = `${name} is defined by ${found.other.file}, on which the payload does not depend: after that is unloaded, the reference points to freed memory. Add it to .livepatch.depends`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
  },
};
