import { type Address, roundUp } from '../base/index.ts';
import { type ElfFile, ET_REL, SHF_ALLOC } from '../elf/index.ts';

/** A place in a section of a relocatable file. */
export interface SectionPlace {
  /** Index of the section. */
  readonly section: number;
  /** Bytes from the start of the section. */
  readonly offset: number;
}

/** Gap between two sections, so that the end of one is not the start of the next. */
const GAP = 16;

/** Address of the first section; not 0, which marks code that a linker has dropped. */
const FIRST = 0x1000;

/**
 * Addresses for code. A linked file has link addresses. A relocatable file has none, so each loaded section gets one here, in file order,
 * and look-ups work for both. These addresses are private to this room; {@link addressOf} and {@link placeOf} translate.
 */
export class CodePlaces {
  readonly relocatable: boolean;
  readonly #file: ElfFile;
  /** Sorted by section index and by start. */
  readonly #starts: { readonly section: number; readonly start: number; readonly size: number }[] = [];
  readonly #bySection = new Map<number, number>();

  constructor(file: ElfFile) {
    this.#file = file;
    this.relocatable = file.header.e_type === ET_REL;
    if (!this.relocatable) return;
    let at = FIRST;
    for (const { index, flags, size, addralign } of file.sections) {
      if ((flags & SHF_ALLOC) === 0 || !Number.isSafeInteger(at + size)) continue;
      at = roundUp(at, Math.max(1, Math.min(addralign, 0x1000)));
      this.#starts.push({ section: index, start: at, size });
      this.#bySection.set(index, at);
      at += size + GAP;
    }
  }

  /** Returns the address of a section; 0 if it is not loaded, because references to debug sections are offsets. */
  startOf(section: number): number {
    return this.#bySection.get(section) ?? 0;
  }

  /** Returns the address of a place in a section; `undefined` if the section has none. */
  addressOf(section: number, offset: number): Address | undefined {
    const start = this.relocatable ? this.#bySection.get(section) : this.#file.sections[section]?.addr;
    return start === undefined || !Number.isSafeInteger(offset) ? undefined : BigInt(start) + BigInt(offset);
  }

  /** Returns the section and offset of an address; `undefined` outside all loaded sections. */
  placeOf(address: Address): SectionPlace | undefined {
    if (this.relocatable) {
      const at = Number(address);
      const row = this.#starts.findLast(({ start }) => start <= at);
      return row && at <= row.start + row.size ? { section: row.section, offset: at - row.start } : undefined;
    }
    for (const { index, flags, addr, size } of this.#file.sections) {
      if ((flags & SHF_ALLOC) === 0 || address < addr || address >= addr + BigInt(size)) continue;
      return { section: index, offset: Number(address - addr) };
    }
    return undefined;
  }
}
