import { cString, s64, viewOf } from '../base/index.ts';
import {
  ELF_NAME_MAX,
  type ElfFile,
  type ElfSection,
  type RelocationTable,
  SHN_ABS,
  STT_SECTION,
} from '../elf/index.ts';
import { tablesInFile } from './bounded.ts';
import type { SymbolLocator } from './symbol-locator.ts';

/**
 * The target of a payload's field once it is loaded, as far as the file tells. Ignores relocation types: reads address fields as absolute and
 * relative fields as relative.
 */
export type PayloadPointer =
  /** Zero without a relocation. */
  | { readonly kind: 'null' }
  /** A number in the file, or an absolute symbol. */
  | { readonly kind: 'absolute'; readonly address: bigint }
  /** A place in one of the payload's own sections. */
  | {
      readonly kind: 'section';
      /** Section index. */
      readonly section: number;
      /** Bytes from the start of the section; may be negative or past its end in a bad file. */
      readonly offset: number;
      /** The symbol there, or the last one before it. */
      readonly symbol: string | undefined;
      /** Bytes from that symbol. */
      readonly distance: number;
    }
  /** A symbol of the hypervisor, or of another payload. */
  | { readonly kind: 'undefined'; readonly symbol: string; readonly addend: bigint };

/** A relocation's symbol index and addend. */
interface Relocated {
  readonly symbol: number;
  readonly addend: bigint;
}

/** Reads the pointers in one section's bytes through their relocations. */
export class PointerReader {
  readonly section: ElfSection;
  readonly data: Uint8Array;
  readonly view: DataView;
  readonly #file: ElfFile;
  readonly #locator: SymbolLocator;
  #relocations: Map<number, readonly [table: RelocationTable, entry: number]> | undefined;

  constructor(file: ElfFile, section: ElfSection, locator: SymbolLocator) {
    this.#file = file;
    this.section = section;
    this.data = section.data();
    this.view = viewOf(this.data);
    this.#locator = locator;
  }

  /** Reads the pointer-sized field at `at`. */
  pointer(at: number): PayloadPointer {
    const relocated = this.relocation(at, this.#file.layout.pointerSize);
    if (relocated !== undefined) return this.#target(relocated);
    const address =
      this.#file.layout.pointerSize === 8 ? this.view.getBigUint64(at, true) : BigInt(this.view.getUint32(at, true));
    return address === 0n ? { kind: 'null' } : { kind: 'absolute', address };
  }

  /** Reads the signed 32-bit field at `at`: the distance of its target from `base` in the same section, by default from the field itself. */
  relative(at: number, base: number = at): PayloadPointer {
    const relocated = this.relocation(at, 4);
    // A relocation sets the field to S + A - P, where P is its own address.
    if (relocated !== undefined) {
      return this.#target({ symbol: relocated.symbol, addend: relocated.addend + BigInt(base - at) });
    }
    return this.place(this.section.index, base + this.view.getInt32(at, true));
  }

  /** Returns the last relocation at `at`, which wins when they are applied in order. */
  relocation(at: number, size: 4 | 8): Relocated | undefined {
    this.#relocations ??= this.#collect();
    const found = this.#relocations.get(at);
    if (found === undefined) return undefined;
    const [table, i] = found;
    const implicit = (): bigint =>
      size === 8 ? this.view.getBigInt64(at, true) : BigInt(this.view.getInt32(at, true));
    return { symbol: table.symbol(i), addend: table.hasAddends ? table.addend(i) : implicit() };
  }

  /** Returns a place in one of the payload's sections. */
  place(section: number, offset: number): PayloadPointer {
    const found = this.#locator.locate(section, offset);
    return { kind: 'section', section, offset, symbol: found?.symbol, distance: found?.distance ?? 0 };
  }

  /** Returns the place `displacement` bytes from a symbol, which is how a relocation names its target. */
  fromSymbol(symbol: number, displacement: number): PayloadPointer {
    return this.#target({ symbol, addend: BigInt(displacement) });
  }

  #target({ symbol, addend }: Relocated): PayloadPointer {
    const { symbols } = this.#file;
    // Symbol 0 and a missing symbol have the value 0.
    if (symbol === 0 || symbol >= symbols.count) return { kind: 'absolute', address: BigInt.asUintN(64, addend) };
    const section = symbols.sectionIndex(symbol);
    const value = symbols.value(symbol);
    if (section !== undefined) {
      const offset = Number(s64(value + addend));
      const name = symbols.type(symbol) === STT_SECTION ? '' : symbols.name(symbol);
      if (name === '' || addend < 0n) return this.place(section, offset);
      return { kind: 'section', section, offset, symbol: name, distance: Number(addend) };
    }
    if (symbols.shndx(symbol) === SHN_ABS) return { kind: 'absolute', address: BigInt.asUintN(64, value + addend) };
    return { kind: 'undefined', symbol: symbols.name(symbol), addend };
  }

  #collect(): Map<number, readonly [RelocationTable, number]> {
    const byOffset = new Map<number, readonly [RelocationTable, number]>();
    for (const table of tablesInFile(this.#file, this.#file.relocationsOf(this.section.index))) {
      for (let i = 0; i < table.count; i++) byOffset.set(table.offset(i), [table, i]);
    }
    return byOffset;
  }
}

/** Returns at most `count` of the file's bytes at a pointer; none if it points out of the payload. */
export function bytesAt(file: ElfFile, pointer: PayloadPointer, count: number): Uint8Array {
  if (pointer.kind !== 'section' || pointer.offset < 0) return new Uint8Array(0);
  const data = file.sections[pointer.section]?.data() ?? new Uint8Array(0);
  return data.subarray(Math.min(pointer.offset, data.length), Math.min(pointer.offset + count, data.length));
}

/** Returns the string at a pointer; `undefined` if there are no bytes of the file. */
export function textAt(file: ElfFile, pointer: PayloadPointer): string | undefined {
  const bytes = bytesAt(file, pointer, ELF_NAME_MAX);
  return bytes.length === 0 ? undefined : cString(bytes, 0);
}
