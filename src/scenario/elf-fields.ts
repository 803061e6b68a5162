import { cString, viewOf } from '../base/index.ts';
import { ELF64, SHT_RELA, SHT_SYMTAB, type StructLayout } from '../elf/index.ts';

/** One field of the file: where it stands, and how many bytes it has. */
export interface FieldPlace {
  readonly at: number;
  readonly width: number;
}

export interface SectionPlace {
  readonly index: number;
  readonly name: string;
  /** Where its header stands. */
  readonly header: number;
  readonly type: number;
  readonly flags: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

export interface SymbolPlace {
  readonly index: number;
  readonly name: string;
  readonly at: number;
}

/** Bytes of a relocation's parts; `r_info` is two fields in ELF64. Source: ELF-64 Object File Format 1.5, figure 6. */
const RELA = { offset: [0, 8], type: [8, 4], symbol: [12, 4], addend: [16, 8] } as const;

/** Bytes of a field: up to the next one, as the structures have no gaps. */
function widthOf(table: StructLayout, field: string): number | undefined {
  const start = table.at[field];
  if (start === undefined) return undefined;
  return Math.min(table.size, ...Object.values(table.at).filter((at) => at > start)) - start;
}

/** Names of a structure's numbers. */
const numbersOf = (table: StructLayout): readonly string[] =>
  Object.keys(table.at).filter((field) => (widthOf(table, field) as number) <= 8);

const { ehdr: EHDR, shdr: SHDR, sym: SYM } = ELF64;

export const EHDR_FIELDS = numbersOf(EHDR);
export const SHDR_FIELDS = numbersOf(SHDR);
export const SYM_FIELDS = numbersOf(SYM);

/** Where the fields of a sound 64-bit file are. What it says stays that of the file it was made of, however that is changed later. */
export class ElfFields {
  readonly size: number;
  readonly sections: readonly SectionPlace[];
  readonly symbols: readonly SymbolPlace[];
  readonly shstrtab: SectionPlace;

  constructor(file: Uint8Array) {
    const view = viewOf(file);
    const header = ELF64.readEhdr(view, 0);
    const raw = Array.from({ length: header.e_shnum }, (_, index) => {
      const at = Number(header.e_shoff) + index * SHDR.size;
      return { index, at, ...ELF64.readShdr(view, at) };
    });
    const names = Number(raw[header.e_shstrndx]?.sh_offset ?? 0n);
    this.size = file.length;
    this.sections = raw.map((section) => ({
      index: section.index,
      name: cString(file, names + section.sh_name),
      header: section.at,
      type: section.sh_type,
      flags: section.sh_flags,
      offset: Number(section.sh_offset),
      size: Number(section.sh_size),
      link: section.sh_link,
      info: section.sh_info,
    }));
    this.shstrtab = this.sections[header.e_shstrndx] as SectionPlace;
    const table = this.sections.find(({ type }) => type === SHT_SYMTAB);
    const strings = this.sections[table?.link ?? 0]?.offset ?? 0;
    this.symbols = Array.from({ length: Math.floor((table?.size ?? 0) / SYM.size) }, (_, index) => {
      const at = (table?.offset ?? 0) + index * SYM.size;
      return { index, at, name: cString(file, strings + view.getUint32(at, true)) };
    });
  }

  ehdr(field: string): FieldPlace {
    return place(EHDR, 0, field);
  }

  shdr(section: SectionPlace, field: string): FieldPlace {
    return place(SHDR, section.header, field);
  }

  symbol(symbol: SymbolPlace, field: string): FieldPlace {
    return place(SYM, symbol.at, field);
  }

  rela(section: SectionPlace, entry: number, field: keyof typeof RELA): FieldPlace {
    const [offset, width] = RELA[field];
    return { at: section.offset + 24 * entry + offset, width };
  }

  section(name: string): SectionPlace | undefined {
    return this.sections.find((section) => section.name === name);
  }

  get relocationSections(): readonly SectionPlace[] {
    return this.sections.filter(({ type, size }) => type === SHT_RELA && size > 0);
  }

  /** Where a section's name stands. */
  nameAt(file: Uint8Array, section: SectionPlace): number {
    return this.shstrtab.offset + viewOf(file).getUint32(section.header, true);
  }
}

function place(table: StructLayout, base: number, field: string): FieldPlace {
  const width = widthOf(table, field);
  if (width === undefined) throw new RangeError(`there is no field ${field}`);
  return { at: base + (table.at[field] as number), width };
}

/** The field's value; `undefined` where the file has been cut off before it. */
export function readField(file: Uint8Array, { at, width }: FieldPlace): bigint | undefined {
  if (at < 0 || at + width > file.length) return undefined;
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(file[at + i] as number);
  return value;
}

/** Writes the low bytes of `value`; does nothing where the file has been cut off before the field. */
export function writeField(file: Uint8Array, { at, width }: FieldPlace, value: bigint): void {
  if (at < 0 || at + width > file.length) return;
  for (let i = 0; i < width; i++) file[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
