import { type RelocationRow, X86_64 } from '../arch/index.ts';
import { ensure, hexAddress, u64, viewOf } from '../base/index.ts';
import type { DocumentPlace } from '../documents/index.ts';
import type { ElfFile, RelocationTable } from '../elf/index.ts';
import { type PayloadFile as LivepatchFile, PointerReader, SymbolLocator } from '../payload/index.ts';
import type { XenArch } from '../xen/index.ts';
import { distanceText, placeOf } from './inspect-place.ts';

/** How relocations stand in the instructions of one architecture. */
interface OperandFields {
  /** Those that fill a field of whole bytes, by number. */
  readonly fields: ReadonlyMap<number, RelocationRow>;
}

/**
 * Architectures whose relocations fill whole bytes. A relative field there counts from the end of its instruction, where
 * the program counter is. Source: Intel SDM, volume 2A, section 2.2.1.6. Arm's relocations fill bits here and there, and
 * count from the instruction itself.
 */
const WHOLE_BYTES: Readonly<Partial<Record<XenArch, OperandFields>>> = { x86_64: { fields: X86_64.relocations } };

/** What a relocation makes of an operand. */
export interface RelocatedOperand {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** Bytes of the field; 0 where it is not whole bytes, or the type is not known. */
  readonly width: number;
  /** The symbol and the distance from it, as an operand has it: `printk`, `.rodata.str1.1+0x5`. A byte string. */
  readonly label: string;
  readonly place: DocumentPlace;
}

interface Entry {
  readonly offset: number;
  readonly table: RelocationTable;
  readonly index: number;
}

/** The relocations of one section by offset, and what tells where they lead. */
interface SectionEntries {
  readonly entries: readonly Entry[];
  readonly pointers: PointerReader;
}

/** Reads the relocations of code, section by section. */
export class OperandReader {
  readonly #payload: LivepatchFile;
  readonly #fields: ReadonlyMap<number, RelocationRow> | undefined;
  readonly #locator: SymbolLocator;
  readonly #sections = new Map<number, SectionEntries>();

  constructor(payload: LivepatchFile, arch: XenArch) {
    this.#payload = payload;
    this.#fields = WHOLE_BYTES[arch]?.fields;
    this.#locator = new SymbolLocator(payload.elf);
  }

  /** The operands that relocations change in the instruction from `start` to `end` of a section, in order. */
  operands(section: number, start: number, end: number): RelocatedOperand[] {
    const { entries, pointers } = this.#read(section);
    const found: RelocatedOperand[] = [];
    for (let i = firstFrom(entries, start); i < entries.length; i++) {
      const entry = entries[i] as Entry;
      if (entry.offset >= end) break;
      const operand = this.#operand(pointers, entry, end);
      if (operand !== undefined) found.push(operand);
    }
    return found;
  }

  #operand(pointers: PointerReader, { offset, table, index }: Entry, end: number): RelocatedOperand | undefined {
    const row = this.#fields?.get(table.type(index));
    if (row?.width === 0) return undefined;
    // In a REL table the addend is in the instruction's own bits: the operand then shows it.
    const fromEnd = row?.relative === 'place' ? end - offset : 0;
    const addend = table.addend(index) + BigInt(fromEnd);
    const symbol = table.symbol(index);
    return {
      offset,
      width: row !== undefined && offset + row.width <= end ? row.width : 0,
      label: symbolLabel(this.#payload.elf, symbol, addend),
      place: placeOf(this.#payload, pointers.fromSymbol(symbol, Number(addend))),
    };
  }

  /** A section's relocations by offset; where several change the same place, the last one, which is the one that stays. */
  #read(section: number): SectionEntries {
    let read = this.#sections.get(section);
    if (read === undefined) {
      const { elf } = this.#payload;
      const byOffset = new Map<number, Entry>();
      for (const table of elf.relocationsOf(section)) {
        for (let index = 0; index < table.count; index++) {
          const offset = table.offset(index);
          byOffset.set(offset, { offset, table, index });
        }
      }
      const entries = [...byOffset.values()].sort((a, b) => a.offset - b.offset);
      const code = ensure(elf.sections[section], 'code is in a section');
      read = { entries, pointers: new PointerReader(elf, code, this.#locator) };
      this.#sections.set(section, read);
    }
    return read;
  }
}

/** The index of the first entry at or behind `offset`. */
function firstFrom(entries: readonly Entry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A symbol, a section for its symbol, or the number where there is none: symbol 0 has the value 0. */
function symbolLabel({ symbols }: ElfFile, symbol: number, addend: bigint): string {
  const name = symbol === 0 || symbol >= symbols.count ? '' : symbols.displayName(symbol);
  return name === '' ? hexAddress(u64(addend)) : name + distanceText(addend);
}

/**
 * A number for the field of operand `i` that nothing else in an instruction has, positive in all widths, so that the
 * text of the instruction with it shows where the field is.
 */
const marker = (i: number, width: number): bigint => {
  const low = 0x5a5a_5a50n + BigInt(i);
  return width === 8 ? (0x5a5a_5a50n << 32n) | low : low;
};

/** A copy of `code`, an instruction that stands at `start`, with the operands' fields marked. */
export function markOperands(code: Uint8Array, start: number, operands: readonly RelocatedOperand[]): Uint8Array {
  const marked = code.slice();
  const view = viewOf(marked);
  operands.forEach(({ offset, width }, i) => {
    const value = marker(i, width);
    if (width === 8) view.setBigUint64(offset - start, value, true);
    else if (width === 4) view.setUint32(offset - start, Number(value), true);
  });
  return marked;
}

/**
 * The text of a marked instruction with the operands' labels in place of the marks: as they are, or for a relative jump
 * added to where the instruction ends. `undefined` where a mark does not show exactly once, or there is none.
 */
export function labelOperands(text: string, end: number, operands: readonly RelocatedOperand[]): string | undefined {
  const labels = new Map<string, RelocatedOperand>();
  operands.forEach((operand, i) => {
    if (operand.width === 0) return;
    const value = marker(i, operand.width);
    labels.set(`0x${value.toString(16)}`, operand);
    labels.set(`0x${(value + BigInt(end)).toString(16)}`, operand);
  });
  const seen: RelocatedOperand[] = [];
  const labelled = text.replace(/0x[0-9a-f]+/g, (number) => {
    const operand = labels.get(number);
    if (operand === undefined) return number;
    seen.push(operand);
    return operand.label;
  });
  const wanted = new Set(labels.values());
  return wanted.size > 0 && seen.length === wanted.size && new Set(seen).size === wanted.size ? labelled : undefined;
}
