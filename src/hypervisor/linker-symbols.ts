import type { Address } from '../base/index.ts';
import { type ElfFile, SHN_UNDEF, SHT_SYMTAB } from '../elf/index.ts';

/**
 * Finds a few symbols among the thousands of a `xen-syms` in one pass without creating their strings: compares hashes of the names first.
 */
export interface LinkerSymbol {
  readonly value: Address;
  readonly size: number;
}

export function findLinkerSymbols(elf: ElfFile, names: readonly string[]): Map<string, LinkerSymbol> {
  const found = new Map<string, LinkerSymbol>();
  const symtab = elf.sections.find((section) => section.type === SHT_SYMTAB);
  const strtab = symtab === undefined ? undefined : elf.sections[symtab.link];
  if (symtab === undefined || strtab === undefined) return found;
  const wanted = new Map<number, string[]>();
  // The first two characters rule out most other names.
  const beginnings = new Uint8Array(0x1_0000);
  for (const name of names) {
    const hash = hashText(name);
    wanted.set(hash, [...(wanted.get(hash) ?? []), name]);
    beginnings[(name.charCodeAt(0) << 8) | name.charCodeAt(1)] = 1;
  }
  const longest = Math.max(...names.map((name) => name.length));
  const strings = strtab.data();
  const symbols = symtab.data();
  const view = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
  const { size: stride, at } = elf.layout.sym;
  const stName = at['st_name'] as number;
  const stShndx = at['st_shndx'] as number;
  for (let i = stride; i + stride <= symbols.length; i += stride) {
    const start = view.getUint32(i + stName, true);
    if (beginnings[((strings[start] as number) << 8) | (strings[start + 1] as number)] !== 1) continue;
    const candidates = wanted.get(hashBytes(strings, start, longest + 1));
    if (candidates === undefined || view.getUint16(i + stShndx, true) === SHN_UNDEF) continue;
    for (const name of candidates) {
      if (found.has(name) || !isText(strings, start, name)) continue;
      const symbol = elf.layout.readSym(view, i);
      found.set(name, { value: symbol.st_value, size: Number(symbol.st_size) });
    }
  }
  return found;
}

// FNV-1a, 32 bits: collisions do not matter, since every hit is compared.
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hashText(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** Hashes a string's first `max` bytes at most: all names of a file may be tails of one that fills it. */
function hashBytes(bytes: Uint8Array, from: number, max: number): number {
  let hash = FNV_OFFSET;
  const end = Math.min(bytes.length, from + max);
  for (let i = from; i < end && bytes[i] !== 0; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME);
  return hash;
}

function isText(bytes: Uint8Array, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return bytes[from + text.length] === 0;
}
