import { hexAddress } from '../../base/index.ts';
import type { LintRule } from '../rule.ts';

/**
 * A static symbol whose `file#name` the hypervisor has more than once: files of the same name in different folders, or one file compiled
 * several times. Xen uses the first, which may be another function. Sources: xen/tools/symbols.c; d37d63d4b5 (4.7), ece1d5cda1, 81ecb38b83 (4.13).
 */
export const ambiguousSymbol: LintRule = {
  id: 'ambiguous-symbol',
  *check(context) {
    const { content, image } = context;
    const stride = content.elf.symbols.section?.entsize ?? 0;
    const used = content.undefinedSymbols.map(({ name, index }) => ({
      name,
      where: { section: '.symtab', offset: index * stride, symbol: name },
    }));
    const looked = (content.functions?.entries ?? []).flatMap(({ name, oldAddr, offset }) =>
      name !== undefined && oldAddr.kind === 'null'
        ? [{ name, where: { section: '.livepatch.funcs', offset, symbol: name } }]
        : [],
    );
    for (const { name, where } of [...used, ...looked]) {
      const split = name.lastIndexOf('#');
      // Only static symbols have a file name, and only they can be ambiguous.
      if (split < 0) continue;
      const [file, bare] = [name.slice(0, split), name.slice(split + 1)];
      const { symbols } = image.elf;
      const addresses = new Set<bigint>();
      for (const i of symbols.findAll(bare)) if (symbols.fileOf(i) === file) addresses.add(symbols.value(i));
      if (addresses.size < 2) continue;
      const taken = context.resolve(name);
      const all = [...addresses].map(hexAddress).join(', ');
      const message = `the hypervisor has ${addresses.size} symbols named ${name}, at ${all}: Xen uses ${taken === undefined ? 'one of them' : hexAddress(taken)}, which may be the wrong one. Set old_addr to a number, or make the name unique`;
      yield { message, where };
    }
  },
};
