import type { Architecture } from '../arch/index.ts';
import {
  type ElfFile,
  type ElfSection,
  RelocationTable,
  SHF_ALLOC,
  SHN_COMMON,
  SHT_NOBITS,
  SHT_RELA,
} from '../elf/index.ts';

/** More than any page of the architectures that Xen runs on. */
const MOST_ALIGNMENT = 0x1_0000;

/** ELF: 0, or a power of two. Larger ones would make the payload as large as the file says. */
const soundAlignment = (alignment: number): boolean =>
  alignment <= MOST_ALIGNMENT && (alignment & (alignment - 1)) === 0;

/** Most bytes of a section that has none in the file: a hypervisor's whole memory for payloads. */
const MOST_ZEROES = 1 << 30;

/** Has a section the bytes that its header says? */
const isThere = ({ complete, type, size }: ElfSection): boolean =>
  complete && (type !== SHT_NOBITS || size <= MOST_ZEROES);

/** What no compiler writes, and what nothing here would end well with. `where`: the file, as `the patched a.o`. `undefined`: nothing is wrong. */
export function damageOf(file: ElfFile, where: string, { relocations }: Architecture): string | undefined {
  for (const section of file.sections) {
    const name = `section ${section.name} of ${where}`;
    if (!isThere(section)) return `${name} claims ${section.size} bytes, more than the file can have`;
    if (!soundAlignment(section.addralign)) {
      return `${name} has an implausible alignment of ${section.addralign} bytes`;
    }
  }
  for (const section of file.sections) {
    const changed = section.type === SHT_RELA ? file.sections[section.info] : undefined;
    if (changed === undefined) continue;
    const table = new RelocationTable(file, section);
    for (let i = 0; i < table.count; i++) {
      const offset = table.offset(i);
      if (offset + (relocations.get(table.type(i))?.width ?? 0) > changed.size || offset >= Math.max(1, changed.size)) {
        return `relocation ${i} of section ${changed.name} of ${where} is at 0x${offset.toString(16)}, past its end`;
      }
    }
  }
  return undefined;
}

/** What a compiler leaves to others to finish, and the flag with which it does not. `where`: the file, as the `patched a.o`. `undefined`: the object is whole. */
export function unfinished(
  file: ElfFile,
  where: string,
): { readonly message: string; readonly advice: string } | undefined {
  const { sections, symbols } = file;
  // Of a fat object the code is there as well. The mark is a COMMON symbol itself. Source: gcc/toplev.cc, compile_file.
  if (symbols.find('__gnu_lto_slim') !== undefined) return withoutCode(where);
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.shndx(i) !== SHN_COMMON) continue;
    return {
      message: `${where} has COMMON symbols (${symbols.name(i)}), which have no place before they are linked`,
      advice: 'Compile with -fno-common, as Xen does.',
    };
  }
  const isLto = ({ name }: ElfSection): boolean => name.startsWith('.gnu.lto_');
  const hasContent = ({ flags, size }: ElfSection): boolean => (flags & SHF_ALLOC) !== 0 && size > 0;
  return sections.some(isLto) && !sections.some(hasContent) ? withoutCode(where) : undefined;
}

const withoutCode = (where: string): { readonly message: string; readonly advice: string } => ({
  message: `${where} has no code: it was compiled for link-time optimisation`,
  advice: 'Compile with -fno-lto, or with -ffat-lto-objects.',
});

/** The first bytes of LLVM's bitcode, which clang writes for link-time optimisation. Source: LLVM Bitcode File Format, "Magic Numbers". */
export const isBitcode = (bytes: Uint8Array): boolean => [0x42, 0x43, 0xc0, 0xde].every((byte, i) => bytes[i] === byte);
