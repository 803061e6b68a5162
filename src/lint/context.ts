import type { Architecture, Disassembler, Instruction, Processor } from '../arch/index.ts';
import { type Address, addOffset, type Finding } from '../base/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import { type ElfSection, SHF_ALLOC, SHF_EXECINSTR, STT_FUNC } from '../elf/index.ts';
import type { Image, ImageSymbols } from '../hypervisor/index.ts';
import type { PayloadFile, PayloadFunction, PayloadPointer } from '../payload/index.ts';
import type { Release } from '../xen/index.ts';
import { type PayloadRelocation, PayloadRelocations } from './payload-relocations.ts';
import { lastUpTo } from './search.ts';

/** A payload that is looked at, or stands beside one. */
export interface LintedPayload {
  /** The file as the user named it: for messages. */
  readonly file: string;
  /** The payload's name in the hypervisor. */
  readonly name: string;
  readonly content: PayloadFile;
}

/** What rules are run on. */
export interface LintInput {
  readonly payload: LintedPayload;
  /** All payloads that were given together, this one included, in the order in which they were given. */
  readonly set: readonly LintedPayload[];
  readonly image: Image;
  readonly release: Release;
  readonly processor: Processor;
  /** What the simulated hypervisor said of this payload: it is not said again. */
  readonly loader: readonly Finding[];
  /** Unpacks compressed debug sections; without it these count as missing. */
  readonly inflate?: Inflate;
}

/** What `attempt` of run.ts looks for: a rule asked for instructions while there is nothing to decode them. */
export const NO_DISASSEMBLER = Symbol('no disassembler yet');

/** An entry of `.livepatch.funcs` with the function that it is about. */
export interface OldFunction {
  readonly entry: PayloadFunction;
  /** For messages: what the entry or its relocation calls it. */
  readonly name: string;
  /** In the hypervisor's image. */
  readonly address: Address;
  /** Bytes up to the next symbol of the image; what the entry claims where the image does not tell. */
  readonly room: number;
  /** Bytes kept at the start, for an ENDBR64. */
  readonly patchOffset: number;
  /** Bytes that applying overwrites, from `address + patchOffset`. */
  readonly patchLength: number;
}

/** A function of the payload: its symbol and its place. */
export interface NewFunction {
  readonly symbol: string;
  /** Section index. */
  readonly section: number;
  readonly offset: number;
  readonly size: number;
}

/** One payload before one hypervisor, with what several rules want to know of them. Everything is computed when it is asked for, and once. */
export class LintContext implements LintInput {
  readonly payload: LintedPayload;
  readonly set: readonly LintedPayload[];
  readonly image: Image;
  readonly release: Release;
  readonly processor: Processor;
  readonly loader: readonly Finding[];
  readonly inflate?: Inflate;
  readonly arch: Architecture;
  #disassembler: Disassembler | undefined;
  #relocations: PayloadRelocations | undefined;
  readonly #parts = new Map<string, unknown>();
  readonly #resolved = new Map<string, Address>();

  constructor(input: LintInput) {
    this.payload = input.payload;
    this.set = input.set;
    this.image = input.image;
    this.release = input.release;
    this.processor = input.processor;
    this.loader = input.loader;
    if (input.inflate !== undefined) this.inflate = input.inflate;
    this.arch = input.image.arch;
  }

  /** From now on there are instructions. */
  useDisassembler(disassembler: Disassembler): void {
    this.#disassembler = disassembler;
  }

  /** The payload's file, for short. */
  get content(): PayloadFile {
    return this.payload.content;
  }

  /** What the hypervisor finds of itself by name. */
  get symbols(): ImageSymbols {
    return this.image.symbolsFor(this.release);
  }

  /** Address of a symbol of the hypervisor; `undefined` where it has none of that name. */
  resolve(name: string): Address | undefined {
    let address = this.#resolved.get(name);
    if (address === undefined) {
      address = this.symbols.byName(name);
      this.#resolved.set(name, address);
    }
    return address === 0n ? undefined : address;
  }

  /** Where a pointer of the payload leads in the hypervisor; `undefined` where it does not. */
  addressOf(pointer: PayloadPointer): Address | undefined {
    if (pointer.kind === 'absolute') return pointer.address;
    if (pointer.kind !== 'undefined') return undefined;
    const symbol = this.resolve(pointer.symbol);
    return symbol === undefined ? undefined : BigInt.asUintN(64, symbol + pointer.addend);
  }

  /** The part of the image that an address is in. */
  regionOf(address: Address): 'text' | 'rodata' | 'init' | 'rwdata' | undefined {
    return this.regions.find(({ start, end }) => address >= start && address < end)?.name;
  }

  private get regions(): Image['regions'] {
    return this.once('regions', () => this.image.regions);
  }

  /** The hypervisor's resident code: its first address, and its bytes as they are in the file. */
  get coreText(): { readonly start: Address; readonly bytes: Uint8Array } {
    return this.once('coreText', () => {
      const { textStart, textEnd } = this.image.core;
      return { start: textStart, bytes: this.image.bytes(textStart, Number(textEnd - textStart)) };
    });
  }

  /** Sections that are loaded and executable. */
  get codeSections(): readonly ElfSection[] {
    return this.once('codeSections', () =>
      this.content.elf.sections.filter(({ index, flags }) => index !== 0 && (flags & CODE) === CODE),
    );
  }

  /** Sections that are loaded. */
  get loadedSections(): readonly ElfSection[] {
    return this.once('loadedSections', () =>
      this.content.elf.sections.filter(({ index, flags }) => index !== 0 && (flags & SHF_ALLOC) !== 0),
    );
  }

  /** The relocations of a section in ascending order of their offsets. */
  relocationsOf(section: ElfSection): readonly PayloadRelocation[] {
    this.#relocations ??= new PayloadRelocations(this.content, this.arch);
    return this.#relocations.of(section);
  }

  /** The payload's own functions, by their symbols, in symbol order. */
  get newFunctions(): readonly NewFunction[] {
    return this.once('newFunctions', () => {
      const { symbols } = this.content.elf;
      const found: NewFunction[] = [];
      for (let i = 1; i < symbols.count; i++) {
        const section = symbols.type(i) === STT_FUNC ? symbols.sectionIndex(i) : undefined;
        if (section === undefined) continue;
        found.push({ symbol: symbols.name(i), section, offset: Number(symbols.value(i)), size: symbols.size(i) });
      }
      return found;
    });
  }

  /** The payload's function that a place is in; `undefined` where no symbol says so. */
  functionAt(section: number, offset: number): NewFunction | undefined {
    const sorted = this.once(`functions of ${section}`, () =>
      this.newFunctions.filter((func) => func.section === section).sort((a, b) => a.offset - b.offset),
    );
    const found = lastUpTo(sorted, offset, (func) => func.offset);
    return found !== undefined && offset < found.offset + Math.max(found.size, 1) ? found : undefined;
  }

  /** The functions that the payload patches, as far as they are the hypervisor's own, in the order of the entries. */
  get oldFunctions(): readonly OldFunction[] {
    return this.once('oldFunctions', () => oldFunctionsOf(this.content, this));
  }

  /**
   * The instructions of code, which cover it from its first byte on. `origin` is where it starts, for targets of jumps. May throw
   * {@link NO_DISASSEMBLER}, which only {@link runLint} catches: it loads one, and runs the rule again from its start.
   */
  instructions(code: Uint8Array, origin: number): readonly Instruction[] {
    if (this.#disassembler === undefined) throw NO_DISASSEMBLER;
    return this.#disassembler.disassemble(this.arch.name, code, origin);
  }

  /** The instructions of a function of the payload; their offsets are from its start. */
  newInstructions({ section, offset, size }: NewFunction): readonly Instruction[] {
    return this.once(`new ${section}+${offset}`, () => {
      const code = this.content.elf.sections[section]?.data() ?? new Uint8Array(0);
      return this.instructions(code.subarray(offset, offset + Math.min(size, MOST_CODE)), offset);
    });
  }

  /** The instructions of the image's function that an address is in, and where it starts; `undefined` where the image does not tell. */
  coreFunctionAt(
    address: Address,
  ): { readonly name: string; readonly start: Address; readonly instructions: readonly Instruction[] } | undefined {
    const at = this.#coreCode(address);
    if (at === undefined) return undefined;
    const { name, start, code } = at;
    return this.once(`function ${start}`, () => ({ name, start, instructions: this.instructions(code(), 0) }));
  }

  /** The instruction of the image that starts at an address, by its size and its function; `undefined` where none does. Throws as {@link instructions}. */
  coreInstructionAt(address: Address): { readonly name: string; readonly size: number } | undefined {
    const at = this.#coreCode(address);
    if (at === undefined) return undefined;
    const sizes = this.once(`sizes of ${at.start}`, () => {
      if (this.#disassembler === undefined) throw NO_DISASSEMBLER;
      return this.#disassembler.sizes(this.arch.name, at.code());
    });
    const size = sizes[at.offset] ?? 0;
    return size === 0 ? undefined : { name: at.name, size };
  }

  #coreCode(address: Address): { name: string; start: Address; offset: number; code: () => Uint8Array } | undefined {
    const at = this.symbols.at(address);
    if (at?.size === undefined || at.at >= at.size) return undefined;
    const start = addOffset(address, -at.at);
    const length = Math.min(at.size, MOST_CODE);
    return { name: at.name, start, offset: at.at, code: () => this.image.bytes(start, length) };
  }

  /** Computes a part that several rules share, the first time that it is asked for. */
  once<T>(part: string, compute: () => T): T {
    if (!this.#parts.has(part)) this.#parts.set(part, compute());
    return this.#parts.get(part) as T;
  }
}

/** The functions of the hypervisor that a payload patches, in the order of its entries. */
export const oldFunctionsOf = (content: PayloadFile, context: LintContext): OldFunction[] =>
  (content.functions?.entries ?? []).flatMap((entry) => oldFunction(entry, context) ?? []);

function oldFunction(entry: PayloadFunction, context: LintContext): OldFunction | undefined {
  const { image, release, arch } = context;
  const named = entry.oldAddr.kind === 'null' ? entry.name : undefined;
  const address = named === undefined ? context.addressOf(entry.oldAddr) : context.resolve(named);
  if (address === undefined || address === 0n) return undefined;
  const at = context.symbols.at(address);
  const patchOffset = arch.patchOffset(image.bytes(address, arch.entrySize), release);
  const nop = entry.newAddr.kind === 'null';
  return {
    entry,
    name: entry.name ?? (entry.oldAddr.kind === 'undefined' ? entry.oldAddr.symbol : (at?.name ?? 'the function')),
    address,
    room: at?.size === undefined ? entry.oldSize : at.size - at.at,
    patchOffset,
    patchLength: nop ? Math.max(0, entry.newSize - patchOffset) : arch.patchInsnSize,
  };
}

const CODE = SHF_ALLOC | SHF_EXECINSTR;

/** Most bytes of one function that are decoded. */
const MOST_CODE = 64 * 1024;
