import { equalBytes, latin1 } from '../../base/index.ts';
import {
  type ElfFile,
  type ElfSection,
  isProblem,
  type RelocationTable,
  readElf,
  SHT_NOBITS,
  SHT_NULL,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STT_FILE,
  STT_SECTION,
} from '../../elf/index.ts';

/** Maximum differences to report. */
const MOST = 4;

/** Sections that a linker's result does not depend on: debug data and compiler names. */
const LEFT_OUT = /^(?:\.debug_.*|\.zdebug_.*|\.comment|\.stab.*)$/;

/** Section types that every writer of a file makes anew. */
const TABLES = new Set([SHT_NULL, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX, SHT_REL, SHT_RELA]);

/**
 * Returns the first few differences of two relocatable objects that matter to the hypervisor: sections, relocations and symbols,
 * without debug data. Empty if there are none.
 */
export function objectDifferences(a: Uint8Array, b: Uint8Array): readonly string[] {
  const first = readElf(a);
  const second = readElf(b);
  if (isProblem(first) || isProblem(second)) return ['one of them is not an ELF file'];
  if (first.machine !== second.machine) return ['they are for different machines'];
  const differences: string[] = [];
  const left = compared(first);
  const right = compared(second);
  for (const [name, section] of left) {
    const other = right.get(name);
    if (other === undefined) differences.push(`${name} is in only one of them`);
    else differences.push(...sectionDifferences(name, [first, section], [second, other]));
    if (differences.length >= MOST) return differences.slice(0, MOST);
  }
  for (const name of right.keys()) if (!left.has(name)) differences.push(`${name} is in only one of them`);
  if (differences.length === 0) differences.push(...symbolDifferences(first, second));
  return differences.slice(0, MOST);
}

/** Returns the sections to compare by name; equal names get numbers. */
function compared(file: ElfFile): Map<string, ElfSection> {
  const sections = new Map<string, ElfSection>();
  for (const section of file.sections) {
    if (TABLES.has(section.type) || LEFT_OUT.test(section.name)) continue;
    let key = section.name;
    for (let n = 2; sections.has(key); n++) key = `${section.name} (${n})`;
    sections.set(key, section);
  }
  return sections;
}

type SectionOf = readonly [file: ElfFile, section: ElfSection];

function sectionDifferences(name: string, [fileA, a]: SectionOf, [fileB, b]: SectionOf): readonly string[] {
  if (a.type !== b.type || a.flags !== b.flags) return [`the header of ${name}`];
  if (a.size !== b.size) return [`the size of ${name}: ${a.size} and ${b.size} bytes`];
  if (a.type !== SHT_NOBITS && !equalBytes(a.data(), b.data())) return [`the bytes of ${name}`];
  const left = relocationsOf(fileA, a);
  const right = relocationsOf(fileB, b);
  const at = left.findIndex((line, i) => line !== right[i]);
  if (at < 0 && left.length === right.length) return [];
  return [`the relocations of ${name}: ${left[at] ?? 'none'} and ${right[at] ?? right[left.length] ?? 'none'}`];
}

function relocationsOf(file: ElfFile, { index }: ElfSection): readonly string[] {
  return file.relocationsOf(index).flatMap((table) => relocationLines(file, table));
}

function relocationLines({ symbols }: ElfFile, table: RelocationTable): string[] {
  const lines: string[] = [];
  for (let i = 0; i < table.count; i++) {
    const symbol = table.symbol(i);
    const name = symbol < symbols.count ? symbols.displayName(symbol) : '?';
    lines.push(`type ${table.type(i)} at ${table.offset(i)} to ${name} + ${table.addend(i)}`);
  }
  return lines;
}

function symbolDifferences(a: ElfFile, b: ElfFile): readonly string[] {
  const left = symbolLines(a);
  const right = symbolLines(b);
  const at = left.findIndex((line, i) => line !== right[i]);
  if (at < 0 && left.length === right.length) return [];
  return [`symbols: ${left[at] ?? 'none'} and ${right[at < 0 ? left.length : at] ?? 'none'}`];
}

/** Lists named symbols in order. Section symbols depend on relocations, including those of debug data. */
function symbolLines({ symbols, sections }: ElfFile): readonly string[] {
  const lines: string[] = [];
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.type(i) === STT_SECTION) continue;
    const index = symbols.sectionIndex(i);
    const section = index === undefined ? `${symbols.shndx(i)}` : (sections[index]?.name ?? '?');
    if (LEFT_OUT.test(section)) continue;
    const where = `${section} + ${symbols.value(i)}, ${symbols.size(i)} bytes`;
    lines.push(
      `${symbols.name(i)} (type ${symbols.type(i)}, binding ${symbols.bind(i)}, ${symbols.other(i)}) in ${where}`,
    );
  }
  return lines;
}

/** Returns the compilers in an object's `.comment`. */
export function compilersOf(bytes: Uint8Array): readonly string[] {
  const file = readElf(bytes);
  if (isProblem(file)) return [];
  const text = latin1(file.section('.comment')?.data() ?? new Uint8Array(0));
  return [...new Set(text.split('\0').filter((part) => part !== ''))].sort();
}

/** Returns the first FILE symbol, which names the source. */
export function fileSymbolOf(bytes: Uint8Array): string | undefined {
  const file = readElf(bytes);
  if (isProblem(file)) return undefined;
  const { symbols } = file;
  for (let i = 1; i < symbols.count; i++) if (symbols.type(i) === STT_FILE) return symbols.name(i);
  return undefined;
}
