import { readelf } from '../support/gcc.ts';

/** The output of readelf as rows, the oracle of this room's tests. */

export interface SectionRow {
  readonly name: string;
  readonly type: string;
  readonly addr: bigint;
  readonly offset: number;
  readonly size: number;
  readonly entsize: number;
  readonly flags: string;
  readonly link: number;
  readonly info: number;
  readonly align: number;
}

const SECTION =
  /^ +\[ *\d+\] (.*?) +([A-Z_0-9]+|SYMTAB SECTION INDICES) +([0-9a-f]{8,16}) ([0-9a-f]{6,}) ([0-9a-f]{6,}) ([0-9a-f]{2,}) +([A-Za-z]*) +(\d+) +(\d+) +(\d+)$/;

export function readelfSections(bytes: Uint8Array): SectionRow[] {
  const rows: SectionRow[] = [];
  for (const line of readelf(bytes, ['-SW']).split('\n')) {
    const m = SECTION.exec(line);
    if (m === null) continue;
    const [, name, type, addr, offset, size, entsize, flags, link, info, align] = m as unknown as string[];
    rows.push({
      name: (name as string).trim(),
      type: type as string,
      addr: BigInt(`0x${addr}`),
      offset: Number.parseInt(offset as string, 16),
      size: Number.parseInt(size as string, 16),
      entsize: Number.parseInt(entsize as string, 16),
      flags: flags as string,
      link: Number(link),
      info: Number(info),
      align: Number(align),
    });
  }
  return rows;
}

export interface SymbolRow {
  readonly value: bigint;
  readonly size: number;
  readonly type: string;
  readonly bind: string;
  readonly visibility: string;
  readonly section: string;
  readonly name: string;
}

const SYMBOL = /^ *\d+: ([0-9a-f]+) +(\d+|0x[0-9a-f]+) (\S+) +(\S+) +(\S+) +(\S+)(?: (.*))?$/;

/** The rows of `.symtab`; sections with dynamic symbols are not for these tests. */
export function readelfSymbols(bytes: Uint8Array): SymbolRow[] {
  const rows: SymbolRow[] = [];
  for (const line of readelf(bytes, ['-sW']).split('\n')) {
    const m = SYMBOL.exec(line);
    if (m === null) continue;
    const [, value, size, type, bind, visibility, section, name] = m as unknown as string[];
    rows.push({
      value: BigInt(`0x${value}`),
      size: Number(size),
      type: type as string,
      bind: bind as string,
      visibility: visibility as string,
      section: section as string,
      name: name ?? '',
    });
  }
  return rows;
}

export interface RelocationRow {
  readonly offset: number;
  readonly type: string;
  readonly symbol: number;
  /** `undefined` in a REL section. */
  readonly addend: bigint | undefined;
}

const RELOCATION = /^([0-9a-f]{8,16}) +([0-9a-f]{8,16}) (R_\S+|unrecognized: \S+)(.*)$/;

/** Relocations by the name of their section. */
export function readelfRelocations(bytes: Uint8Array): Map<string, RelocationRow[]> {
  const sections = new Map<string, RelocationRow[]>();
  let rows: RelocationRow[] = [];
  let hasAddends = false;
  for (const line of readelf(bytes, ['-rW']).split('\n')) {
    const title = /^Relocation section '(.*)' at/.exec(line);
    if (title !== null) {
      rows = [];
      sections.set(title[1] as string, rows);
    }
    if (line.includes('Addend')) hasAddends = true;
    if (line.includes('Sym. Name') && !line.includes('Addend')) hasAddends = false;
    const m = RELOCATION.exec(line);
    if (m === null) continue;
    const [, offset, info, type, rest] = m as unknown as [string, string, string, string, string];
    const is64 = info.length > 8;
    const addend = /(?:(?:^| )([+-]) |^ +)([0-9a-f]+)$/.exec(rest);
    rows.push({
      offset: Number.parseInt(offset, 16),
      type,
      symbol: Number(is64 ? BigInt(`0x${info}`) >> 32n : BigInt(`0x${info}`) >> 8n),
      addend:
        hasAddends && addend !== null
          ? BigInt(`${addend[1] === '-' ? '-' : ''}${Number.parseInt(addend[2] as string, 16)}`)
          : undefined,
    });
  }
  return sections;
}
