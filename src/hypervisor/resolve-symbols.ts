import { type Address, setWord } from '../base/index.ts';
import { SHN_ABS, SHN_COMMON, SHN_LORESERVE, SHN_UNDEF } from '../elf/index.ts';
import type { LoaderElf } from './elf-load.ts';
import { type Hypervisor, within, wrapped } from './hypervisor.ts';
import { ignoreSection } from './move-payload.ts';
import { LIVEPATCH_ELF_C, Refuser } from './refusal.ts';

/**
 * livepatch_elf_resolve_symbols: gives every symbol its address. Ignores binding and type, so a weak undefined symbol fails like any other.
 * Source: xen/common/livepatch_elf.c.
 */
export function resolveSymbols(hv: Hypervisor, elf: LoaderElf): number {
  return within(hv, 'livepatch_elf_resolve_symbols', () => {
    const { symbols, name } = elf;
    const refuser = new Refuser(hv, LIVEPATCH_ELF_C, name);
    const debug = (template: string, ...args: (string | number | bigint)[]) =>
      hv.log.dprintk(LIVEPATCH_ELF_C, 'DEBUG', `livepatch: %s: ${template}`, name, ...args);
    const refuse = (i: number) =>
      refuser.at({ section: '.symtab', offset: i * symbols.stride, symbol: symbols.name(i) });
    for (let i = 1; i < symbols.count; i++) {
      const shndx = symbols.shndx(i);
      if (shndx === SHN_COMMON)
        return refuse(i)('common-symbol', 'EINVAL', 'Unexpected common symbol: %s', symbols.name(i));
      if (shndx === SHN_UNDEF) {
        const symbol = symbols.name(i);
        const value = hv.symbols.byName(symbol) || livepatchSymbolsLookupByName(hv, symbol);
        if (value === 0n) return refuse(i)('unknown-symbol', 'ENOENT', 'Unknown symbol: %s', symbol);
        setValue(elf, i, value);
        if (hv.log.debug) debug('Undefined symbol resolved: %s => %#lx', symbol, value);
        continue;
      }
      if (shndx === SHN_ABS) {
        if (hv.log.debug) debug('Absolute symbol: %s => %#lx', symbols.name(i), symbols.value[i] as bigint);
        continue;
      }
      if (shndx >= elf.sections.length || shndx >= SHN_LORESERVE) {
        const errno = shndx >= SHN_LORESERVE ? 'EOPNOTSUPP' : 'EINVAL';
        return refuse(i)('symbol-section', errno, 'Out of bounds symbol section %#x', shndx);
      }
      const section = elf.sections[shndx];
      if (section === undefined || section.loadAddr === null || ignoreSection(hv.release, section.header)) {
        if (hv.release.ignoredSymbols) {
          symbols.ignored[i] = 1;
          if (hv.log.debug) debug('Symbol %s from section %s ignored', symbols.name(i), section?.name ?? '');
        }
        continue;
      }
      setValue(elf, i, wrapped(hv, (symbols.value[i] as bigint) + section.loadAddr));
      if (hv.log.debug)
        debug('Symbol resolved: %s => %#lx (%s)', symbols.name(i), symbols.value[i] as bigint, section.name);
    }
    return 0;
  });
}

/** Writes a symbol's value. Xen keeps it in the file's own bytes, where a relocation section may overlap the symbol table. */
function setValue({ symbols, layout }: LoaderElf, index: number, value: bigint): void {
  const { view, stride } = symbols;
  const at = index * stride + (layout.sym.at as { readonly st_value: number }).st_value;
  symbols.value[index] = value;
  setWord(view, at, layout.pointerSize, value);
}

/** Looks a name up in loaded payloads, applied or not, in upload order; returns 0 if none defines it. Source: livepatch.c. */
export function livepatchSymbolsLookupByName(hv: Hypervisor, name: string): Address {
  for (const payload of hv.payloads) {
    const symbol = payload.newSymbols.get(name);
    if (symbol !== undefined) return symbol.value;
  }
  return 0n;
}
