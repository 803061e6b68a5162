import type { Address } from '../base/index.ts';
import { type ElfFile, STT_FILE, STT_FUNC, STT_NOTYPE, STT_OBJECT } from '../elf/index.ts';
import { KSYM_NAME_LEN, openSymbolTable, type SymbolTableBytes } from '../xen/index.ts';

/** The hypervisor's own symbols under their look-up names; static ones are `FILE#symbol`. */
export interface ImageSymbols {
  /** The table that they come from. */
  readonly source: 'embedded' | 'symtab';
  /** symbols_lookup_by_name: returns 0 for an unknown name. */
  byName(name: string): Address;
  /** Returns every name in address order. */
  names(): Iterable<string>;
  /** symbols_lookup: returns the symbol at or before an address. */
  at(address: Address): SymbolAtAddress | undefined;
}

export interface SymbolAtAddress {
  readonly name: string;
  /** Bytes from the symbol's start to the address. */
  readonly at: number;
  /** Bytes to the next symbol, or the symbol's own size. */
  readonly size: number | undefined;
}

/** Reads the symbol table that the hypervisor contains. */
export function embeddedSymbols(bytes: SymbolTableBytes): ImageSymbols {
  const table = openSymbolTable(bytes);
  return {
    source: 'embedded',
    byName: (name) => table.addressOf(name) ?? 0n,
    *names() {
      for (const { name } of table.symbols()) yield name;
    },
    at: (address) => table.symbolAt(address),
  };
}

/**
 * Builds the same from `.symtab`, for an image without its own table. Local symbols get the name of the preceding FILE symbol, as in Xen's
 * tools/symbols. Built at the first look-up.
 */
export function symtabSymbols(elf: ElfFile): ImageSymbols {
  let built: { byName: Map<string, Address>; sorted: { address: Address; name: string }[] } | undefined;
  const build = () => {
    const byName = new Map<string, Address>();
    const sorted: { address: Address; name: string }[] = [];
    const { symbols } = elf;
    let file = '';
    for (let i = 1; i < symbols.count; i++) {
      const type = symbols.type(i);
      const name = symbols.name(i);
      if (type === STT_FILE) file = name;
      const section = elf.sections[symbols.shndx(i)];
      const kind = type === STT_FUNC || type === STT_OBJECT || type === STT_NOTYPE;
      if (!kind || name === '' || section === undefined || section.index === 0) continue;
      const full = symbols.bind(i) === 0 && file !== '' ? `${file}#${name}` : name;
      // xen/tools/symbols.c skips these, too.
      if (full.length > KSYM_NAME_LEN) continue;
      const address = symbols.value(i);
      if (!byName.has(full)) byName.set(full, address);
      sorted.push({ address, name: full });
    }
    sorted.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    return { byName, sorted };
  };
  return {
    source: 'symtab',
    byName: (name) => {
      built ??= build();
      return built.byName.get(name) ?? 0n;
    },
    names: () => {
      built ??= build();
      return built.sorted.map(({ name }) => name);
    },
    at: (address) => {
      built ??= build();
      const { sorted } = built;
      let low = 0;
      for (let high = sorted.length; low < high; ) {
        const mid = (low + high) >>> 1;
        if ((sorted[mid] as { address: Address }).address <= address) low = mid + 1;
        else high = mid;
      }
      const found = sorted[low - 1];
      if (found === undefined) return undefined;
      const next = sorted[low];
      const size = next === undefined ? undefined : Number(next.address - found.address);
      return { name: found.name, at: Number(address - found.address), size };
    },
  };
}
