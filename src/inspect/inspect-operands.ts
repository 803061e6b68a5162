import {
  type Architecture,
  architectureOf,
  filledOperand,
  type Instruction,
  implicitAddend,
  type Operand,
} from '../arch/index.ts';
import { ensure, hexAddress, u64, viewOf } from '../base/index.ts';
import type { DocumentPlace } from '../documents/index.ts';
import type { ElfFile, RelocationTable } from '../elf/index.ts';
import { type PayloadFile as LivepatchFile, PointerReader, SymbolLocator } from '../payload/index.ts';
import type { XenArch } from '../xen/index.ts';
import { distanceText, placeOf } from './inspect-place.ts';

/** An operand that a relocation changes. */
export interface RelocatedOperand {
  /** The operand whose field it fills; `undefined` if the type is unknown or changes anything else. */
  readonly operand: Operand | undefined;
  /** Symbol plus offset, as shown in the operand: `printk`, `.rodata.str1.1+0x5`. A byte string. */
  readonly label: string;
  readonly place: DocumentPlace;
}

interface Entry {
  readonly offset: number;
  readonly table: RelocationTable;
  readonly index: number;
}

/** The relocations of one section, sorted by offset, and the reader of their targets. */
interface SectionEntries {
  readonly entries: readonly Entry[];
  readonly pointers: PointerReader;
}

/** Reads the relocations of code, section by section. */
export class OperandReader {
  readonly #payload: LivepatchFile;
  readonly #arch: Architecture;
  readonly #locator: SymbolLocator;
  readonly #sections = new Map<number, SectionEntries>();

  constructor(payload: LivepatchFile, arch: XenArch) {
    this.#payload = payload;
    this.#arch = ensure(architectureOf(arch), 'a payload has an architecture that Xen patches');
    this.#locator = new SymbolLocator(payload.elf);
  }

  /** Returns the operands that relocations change in the instruction at `start` of a section, in order. `bytes` are its bytes. */
  operands(section: number, start: number, instruction: Instruction, bytes: Uint8Array): RelocatedOperand[] {
    const { entries, pointers } = this.#read(section);
    const found: RelocatedOperand[] = [];
    for (let i = firstFrom(entries, start); i < entries.length; i++) {
      const entry = entries[i] as Entry;
      const at = entry.offset - start;
      if (at >= instruction.size) break;
      const operand = this.#operand(pointers, entry, instruction, bytes.subarray(at), at);
      if (operand !== undefined) found.push(operand);
    }
    return found;
  }

  #operand(
    pointers: PointerReader,
    { table, index }: Entry,
    instruction: Instruction,
    stored: Uint8Array,
    at: number,
  ): RelocatedOperand | undefined {
    const row = this.#arch.relocations.get(table.type(index));
    if (row?.width === 0) return undefined;
    const operand = row && filledOperand(instruction, at, row);
    const own =
      table.hasAddends || row === undefined || stored.length < WORD
        ? table.addend(index)
        : BigInt(implicitAddend(row, viewOf(stored).getUint32(0, true)));
    const addend = own + BigInt(operand === undefined ? 0 : fromPlace(operand, at));
    const symbol = table.symbol(index);
    return {
      operand,
      label: symbolLabel(this.#payload.elf, symbol, addend),
      place: placeOf(this.#payload, pointers.fromSymbol(symbol, Number(addend))),
    };
  }

  /** Returns a section's relocations, sorted by offset. If several change the same place, the last one wins, as in Xen. */
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

/** Size of the place with the implicit addend of a REL entry, in bytes. */
const WORD = 4;

/** Returns the bytes from the place of a relocation at byte `at` to the address that the processor counts from. */
function fromPlace(operand: Operand, at: number): number {
  if (operand.kind === 'target') return operand.countsFrom - at;
  return operand.kind === 'memory' && operand.relative !== null ? operand.relative.countsFrom - at : 0;
}

/** Returns the index of the first entry at or after `offset`. */
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

/** Formats a symbol (or section) plus addend; only the number for symbol 0, whose value is 0. */
function symbolLabel({ symbols }: ElfFile, symbol: number, addend: bigint): string {
  const name = symbol === 0 || symbol >= symbols.count ? '' : symbols.displayName(symbol);
  return name === '' ? hexAddress(u64(addend)) : name + distanceText(addend);
}
