import {
  type ElfFile,
  relocationName,
  SHF_ALLOC,
  SHN_UNDEF,
  sectionFlagLetters,
  sectionTypeName,
} from '../elf/index.ts';
import { tablesInFile } from './bounded.ts';
import type { Placement, SectionKind } from './page-kinds.ts';

/** A section, and how Xen loads it. */
export interface PayloadSection {
  readonly index: number;
  readonly name: string;
  /** In readelf's form: `PROGBITS`. */
  readonly type: string;
  /** In readelf's form: `WAX`. */
  readonly flags: string;
  /** Bytes. */
  readonly size: number;
  readonly addralign: number;
  readonly kind: SectionKind;
  /** Bytes from the start of its region; `undefined` without one. */
  readonly offset: number | undefined;
}

/** Describes all sections in index order, except the null section. */
export const describeSections = (file: ElfFile, placement: Placement): PayloadSection[] =>
  file.sections.slice(1).map((section, i) => {
    const place = placement.sections[i + 1];
    const kind = place?.kind ?? 'ignored';
    const placed = place !== undefined && kind !== 'ignored' && kind !== 'refused';
    return {
      index: section.index,
      name: section.name,
      type: sectionTypeName(file.machine, section.type),
      flags: sectionFlagLetters(section.flags),
      size: section.size,
      addralign: section.addralign,
      kind,
      offset: placed ? place.offset : undefined,
    };
  });

/** A summary of one relocation section. */
export interface RelocationSummary {
  readonly section: string;
  readonly sectionIndex: number;
  /** The section to relocate; empty if `sh_info` is invalid. */
  readonly target: string;
  readonly targetIndex: number;
  /** Whether Xen applies it; it skips relocations of sections that are not loaded. */
  readonly applied: boolean;
  readonly hasAddends: boolean;
  readonly count: number;
  /** In ascending order of type. Empty if tables overlap and earlier ones already account for the whole file. */
  readonly types: readonly { readonly type: number; readonly name: string; readonly count: number }[];
}

/** Summarises all relocation sections in file order. */
export function summariseRelocations(file: ElfFile): RelocationSummary[] {
  const tables = file.relocationTables();
  const counted = new Set(tablesInFile(file, tables));
  return tables.map((table) => {
    const counts = new Map<number, number>();
    for (let i = 0; counted.has(table) && i < table.count; i++) {
      const type = table.type(i);
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    const target = file.sections[table.section.info];
    return {
      section: table.section.name,
      sectionIndex: table.section.index,
      target: target?.name ?? '',
      targetIndex: table.section.info,
      applied: target !== undefined && (target.flags & SHF_ALLOC) !== 0,
      hasAddends: table.hasAddends,
      count: table.count,
      types: [...counts]
        .sort(([a], [b]) => a - b)
        .map(([type, count]) => ({ type, name: relocationName(file.machine, type), count })),
    };
  });
}

/** A symbol that the hypervisor or another payload must define. */
export interface UndefinedSymbol {
  readonly index: number;
  readonly name: string;
  /** STB_…; Xen ignores it, so weak symbols must be defined, too. */
  readonly bind: number;
}

/** Returns all undefined symbols in file order, except the null symbol. */
export function undefinedSymbols({ symbols }: ElfFile): UndefinedSymbol[] {
  const found: UndefinedSymbol[] = [];
  for (let index = 1; index < symbols.count; index++) {
    if (symbols.shndx(index) === SHN_UNDEF) {
      found.push({ index, name: symbols.name(index), bind: symbols.bind(index) });
    }
  }
  return found;
}
