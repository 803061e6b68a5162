import type { Architecture, Disassembler, Instruction, Processor } from '../arch/index.ts';
import { type Address, addOffset, type Finding } from '../base/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import { type ElfSection, SHF_ALLOC, SHF_EXECINSTR, STT_FUNC } from '../elf/index.ts';
import type { Image, ImageSymbols } from '../hypervisor/index.ts';
import type { PayloadFile, PayloadFunction, PayloadPointer } from '../payload/index.ts';
import type { Release } from '../xen/index.ts';
import { type PayloadRelocation, PayloadRelocations } from './payload-relocations.ts';
import { lastUpTo } from './search.ts';

/** A payload that rules check, or another one of its set. */
export interface LintedPayload {
  /** The file name from the user, for messages. */
  readonly file: string;
  /** The payload's name in the hypervisor. */
  readonly name: string;
  readonly content: PayloadFile;
}

/** The input of the rules. */
export interface LintInput {
  readonly payload: LintedPayload;
  /** All payloads of the command, including this one, in the order given. */
  readonly set: readonly LintedPayload[];
  readonly image: Image;
  readonly release: Release;
  readonly processor: Processor;
  /** The simulated hypervisor's findings about this payload; rules do not repeat them. */
  readonly loader: readonly Finding[];
  /** Decompresses debug sections; without it, compressed ones count as missing. */
  readonly inflate?: Inflate;
}

/** Thrown to `attempt` in run.ts if a rule asks for instructions before a disassembler is loaded. */
export const NO_DISASSEMBLER = Symbol('no disassembler yet');

/** An entry of `.livepatch.funcs` and the function that it patches. */
export interface OldFunction {
  readonly entry: PayloadFunction;
  /** The name in the entry or its relocation, for messages. */
  readonly name: string;
  /** In the hypervisor's image. */
  readonly address: Address;
  /** Bytes up to the image's next symbol; the entry's old_size if the image has no symbol there. */
  readonly room: number;
  /** Bytes that stay unpatched at the start, for an ENDBR64. */
  readonly patchOffset: number;
  /** Number of bytes that apply overwrites, from `address + patchOffset`. */
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

/** A payload and a hypervisor, with facts that several rules need. Computes each fact once, on first use. */
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

  /** Sets the disassembler for {@link instructions}. */
  useDisassembler(disassembler: Disassembler): void {
    this.#disassembler = disassembler;
  }

  get content(): PayloadFile {
    return this.payload.content;
  }

  /** The hypervisor's own symbol table. */
  get symbols(): ImageSymbols {
    return this.image.symbolsFor(this.release);
  }

  /** Returns the address of a symbol of the hypervisor; `undefined` if it has none of that name. */
  resolve(name: string): Address | undefined {
    let address = this.#resolved.get(name);
    if (address === undefined) {
      address = this.symbols.byName(name);
      this.#resolved.set(name, address);
    }
    return address === 0n ? undefined : address;
  }

  /** Returns the address of a pointer into the hypervisor; `undefined` for any other pointer. */
  addressOf(pointer: PayloadPointer): Address | undefined {
    if (pointer.kind === 'absolute') return pointer.address;
    if (pointer.kind !== 'undefined') return undefined;
    const symbol = this.resolve(pointer.symbol);
    return symbol === undefined ? undefined : BigInt.asUintN(64, symbol + pointer.addend);
  }

  /** Returns the region of the image that contains an address. */
  regionOf(address: Address): 'text' | 'rodata' | 'init' | 'rwdata' | undefined {
    return this.regions.find(({ start, end }) => address >= start && address < end)?.name;
  }

  private get regions(): Image['regions'] {
    return this.once('regions', () => this.image.regions);
  }

  /** The hypervisor's resident code: its start, and its bytes in the file. */
  get coreText(): { readonly start: Address; readonly bytes: Uint8Array } {
    return this.once('coreText', () => {
      const { textStart, textEnd } = this.image.core;
      return { start: textStart, bytes: this.image.bytes(textStart, Number(textEnd - textStart)) };
    });
  }

  /** The sections with SHF_ALLOC and SHF_EXECINSTR. */
  get codeSections(): readonly ElfSection[] {
    return this.once('codeSections', () =>
      this.content.elf.sections.filter(({ index, flags }) => index !== 0 && (flags & CODE) === CODE),
    );
  }

  /** The sections with SHF_ALLOC. */
  get loadedSections(): readonly ElfSection[] {
    return this.once('loadedSections', () =>
      this.content.elf.sections.filter(({ index, flags }) => index !== 0 && (flags & SHF_ALLOC) !== 0),
    );
  }

  /** Returns the relocations of a section, sorted by offset. */
  relocationsOf(section: ElfSection): readonly PayloadRelocation[] {
    this.#relocations ??= new PayloadRelocations(this.content, this.arch);
    return this.#relocations.of(section);
  }

  /** The payload's own functions, in symbol order. */
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

  /** Returns the payload's function that contains a place; `undefined` if no symbol covers it. */
  functionAt(section: number, offset: number): NewFunction | undefined {
    const sorted = this.once(`functions of ${section}`, () =>
      this.newFunctions.filter((func) => func.section === section).sort((a, b) => a.offset - b.offset),
    );
    const found = lastUpTo(sorted, offset, (func) => func.offset);
    return found !== undefined && offset < found.offset + Math.max(found.size, 1) ? found : undefined;
  }

  /** The hypervisor's functions that the payload patches, in the order of the entries. */
  get oldFunctions(): readonly OldFunction[] {
    return this.once('oldFunctions', () => oldFunctionsOf(this.content, this));
  }

  /**
   * Returns the instructions of code; they cover it from its first byte. `origin` is its start, for branch targets. May throw
   * {@link NO_DISASSEMBLER}, which only {@link runLint} catches: it loads a disassembler and runs the rule again.
   */
  instructions(code: Uint8Array, origin: number): readonly Instruction[] {
    if (this.#disassembler === undefined) throw NO_DISASSEMBLER;
    return this.#disassembler.disassemble(this.arch.name, code, origin);
  }

  /** Returns the instructions of a function of the payload, with offsets from its start. */
  newInstructions({ section, offset, size }: NewFunction): readonly Instruction[] {
    return this.once(`new ${section}+${offset}`, () => {
      const code = this.content.elf.sections[section]?.data() ?? new Uint8Array(0);
      return this.instructions(code.subarray(offset, offset + Math.min(size, MAX_CODE)), offset);
    });
  }

  /** Returns the image's function that contains an address, with its instructions; `undefined` if no symbol covers it. */
  coreFunctionAt(
    address: Address,
  ): { readonly name: string; readonly start: Address; readonly instructions: readonly Instruction[] } | undefined {
    const at = this.#coreCode(address);
    if (at === undefined) return undefined;
    const { name, start, code } = at;
    return this.once(`function ${start}`, () => ({ name, start, instructions: this.instructions(code(), 0) }));
  }

  /** Returns the size and function of the image's instruction at an address; `undefined` if none starts there. Throws like {@link instructions}. */
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
    const length = Math.min(at.size, MAX_CODE);
    return { name: at.name, start, offset: at.at, code: () => this.image.bytes(start, length) };
  }

  /** Returns a fact that several rules share; computes it on first use. */
  once<T>(part: string, compute: () => T): T {
    if (!this.#parts.has(part)) this.#parts.set(part, compute());
    return this.#parts.get(part) as T;
  }
}

/** Returns the hypervisor's functions that a payload patches, in the order of its entries. */
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

/** Maximum number of bytes to decode per function. */
const MAX_CODE = 64 * 1024;
