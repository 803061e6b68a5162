import { cString, viewOf } from '../base/index.ts';
import {
  EI_CLASS,
  ELF32,
  ELF64,
  ELFCLASS32,
  type ElfLayout,
  SHT_RELA,
  SHT_SYMTAB,
  type StructLayout,
} from '../elf/index.ts';
import type { RelaField } from './payload-spec.ts';

/** A field of the file: its offset and size in bytes. */
export interface FieldPlace {
  readonly at: number;
  readonly width: number;
}

export interface SectionPlace {
  readonly index: number;
  readonly name: string;
  /** Offset of its header. */
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

/** Layout of a relocation with an addend: offset and size of each part, and the size of the whole. `r_info` is two parts. */
const RELAS = {
  /** Source: ELF-64 Object File Format 1.5, figure 6. */
  64: { size: 24, at: { offset: [0, 8], type: [8, 4], symbol: [12, 4], addend: [16, 8] } },
  /** Source: System V ABI, figure 4-22: the symbol in the upper 24 bits. */
  32: { size: 12, at: { offset: [0, 4], type: [4, 1], symbol: [5, 3], addend: [8, 4] } },
} as const;

/** Returns the size of a field: up to the next one, as the structures have no gaps. */
function widthOf(table: StructLayout, field: string): number | undefined {
  const start = table.at[field];
  if (start === undefined) return undefined;
  return Math.min(table.size, ...Object.values(table.at).filter((at) => at > start)) - start;
}

/** Finds the fields of a valid file. It describes the file that it was made from, even if the bytes change later. */
export class ElfFields {
  readonly size: number;
  readonly sections: readonly SectionPlace[];
  readonly symbols: readonly SymbolPlace[];
  readonly shstrtab: SectionPlace;
  readonly #layout: ElfLayout;
  readonly #rela: (typeof RELAS)[32 | 64];

  constructor(file: Uint8Array) {
    const view = viewOf(file);
    const layout = file[EI_CLASS] === ELFCLASS32 ? ELF32 : ELF64;
    this.#layout = layout;
    this.#rela = layout === ELF32 ? RELAS[32] : RELAS[64];
    const { shdr: SHDR, sym: SYM } = layout;
    const header = layout.readEhdr(view, 0);
    const raw = Array.from({ length: header.e_shnum }, (_, index) => {
      const at = Number(header.e_shoff) + index * SHDR.size;
      return { index, at, ...layout.readShdr(view, at) };
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

  /** Size of an address in bytes. */
  get pointerSize(): 4 | 8 {
    return this.#layout.pointerSize;
  }

  /** Size of a section header in bytes. */
  get shdrSize(): number {
    return this.#layout.shdr.size;
  }

  ehdr(field: string): FieldPlace {
    return place(this.#layout.ehdr, 0, field);
  }

  shdr(section: SectionPlace, field: string): FieldPlace {
    return place(this.#layout.shdr, section.header, field);
  }

  symbol(symbol: SymbolPlace, field: string): FieldPlace {
    return place(this.#layout.sym, symbol.at, field);
  }

  rela(section: SectionPlace, entry: number, field: RelaField): FieldPlace {
    const { size, at } = this.#rela;
    const [offset, width] = at[field];
    return { at: section.offset + size * entry + offset, width };
  }

  section(name: string): SectionPlace | undefined {
    return this.sections.find((section) => section.name === name);
  }

  get relocationSections(): readonly SectionPlace[] {
    return this.sections.filter(({ type, size }) => type === SHT_RELA && size > 0);
  }

  /** Returns the relocations of a section of relocations. */
  relaCount(section: SectionPlace): number {
    return section.size / this.#rela.size;
  }

  /** Returns the field of a section's name. */
  nameAt(file: Uint8Array, section: SectionPlace): number {
    return this.shstrtab.offset + viewOf(file).getUint32(section.header, true);
  }
}

function place(table: StructLayout, base: number, field: string): FieldPlace {
  const width = widthOf(table, field);
  if (width === undefined) throw new RangeError(`there is no field ${field}`);
  return { at: base + (table.at[field] as number), width };
}

/** Writes the low bytes of `value`. Does nothing if the file ends before the field. */
export function writeField(file: Uint8Array, { at, width }: FieldPlace, value: bigint): void {
  if (at < 0 || at + width > file.length) return;
  for (let i = 0; i < width; i++) file[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
