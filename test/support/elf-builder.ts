import {
  ElfWriter,
  EM_AARCH64,
  EM_ARM,
  EM_X86_64,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOTE,
  STB_LOCAL,
  STT_FUNC,
  STT_OBJECT,
  type WriterRelocation,
  type WriterSection,
  type WriterSymbol,
} from '../../src/elf/index.ts';
import { encodeBuildIdNote, type FuncLayout, type HookKind, livepatchFunc } from '../../src/xen/index.ts';

/** Builders of payloads for tests: everything is sound unless a test says otherwise, so that it can break one thing. */

/** What a field of a payload is made to point at: a number, or a symbol and an addend. */
export type Target = bigint | { readonly symbol: WriterSymbol; readonly addend?: number };

interface MachineKind {
  readonly class: 1 | 2;
  /** The relocation type of a pointer, and of a self-relative 32-bit field. */
  readonly pointer: number;
  readonly relative: number;
  readonly addends: boolean;
  /** `e_flags` that the hypervisor wants. */
  readonly flags: number;
  /** A function that returns at once. */
  readonly code: readonly number[];
}

// Relocation numbers are those of the ABI supplements: R_X86_64_64, _PC32; R_AARCH64_ABS64, _PREL32; R_ARM_ABS32, _REL32.
const KINDS: Readonly<Record<number, MachineKind>> = {
  [EM_X86_64]: { class: 2, pointer: 1, relative: 2, addends: true, flags: 0, code: [0x31, 0xc0, 0xc3] },
  [EM_AARCH64]: { class: 2, pointer: 257, relative: 261, addends: true, flags: 0, code: [0xc0, 0x03, 0x5f, 0xd6] },
  // EF_ARM_EABI_VER5.
  [EM_ARM]: { class: 1, pointer: 2, relative: 3, addends: false, flags: 0x500_0000, code: [0x1e, 0xff, 0x2f, 0xe1] },
};

/** A section under construction: fields with the relocations that fill them. */
export class SectionBuilder {
  readonly section: WriterSection;
  readonly #kind: MachineKind;
  readonly #view: DataView;
  readonly #relocations: WriterRelocation[] = [];
  readonly #is64: boolean;

  constructor(section: WriterSection, kind: MachineKind) {
    this.section = section;
    this.#kind = kind;
    this.#is64 = kind.class === 2;
    this.#view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
  }

  get view(): DataView {
    return this.#view;
  }

  /** A pointer-sized field. */
  pointer(at: number, target: Target): this {
    const value = typeof target === 'bigint' ? target : BigInt(target.addend ?? 0);
    if (typeof target !== 'bigint') this.#add(at, this.#kind.pointer, target);
    if (typeof target !== 'bigint' && this.#kind.addends) return this;
    if (this.#is64) this.#view.setBigUint64(at, value, true);
    else this.#view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    return this;
  }

  /** A 32-bit field with the distance of `target` from `base`, by default from the field itself. */
  relative(at: number, target: Exclude<Target, bigint>, base: number = at): this {
    const addend = (target.addend ?? 0) + at - base;
    this.#add(at, this.#kind.relative, { symbol: target.symbol, addend });
    if (!this.#kind.addends) this.#view.setInt32(at, addend, true);
    return this;
  }

  #add(at: number, type: number, target: Exclude<Target, bigint>): void {
    this.#relocations.push({ offset: at, type, symbol: target.symbol, addend: target.addend ?? 0 });
  }

  /** Adds the relocation section, where there are relocations. */
  finish(writer: ElfWriter): WriterSection {
    if (this.#relocations.length !== 0) {
      writer.relocations(this.section, this.#relocations, { addends: this.#kind.addends });
    }
    return this.section;
  }
}

export interface FunctionSpec {
  /** The name; `null` for a NULL pointer. */
  readonly name?: string | null;
  /** The new function's code; `null` for a NOP patch. */
  readonly code?: Uint8Array | null;
  /** A number, or the name of a symbol of the hypervisor. 0 by default: looked up by name. */
  readonly oldAddr?: bigint | string;
  readonly newSize?: number;
  readonly oldSize?: number;
  readonly version?: number;
  /** 32 bytes, see `encodeExpectation`. */
  readonly expectation?: Uint8Array;
}

export interface PayloadSpec {
  /** EM_X86_64 by default. */
  readonly machine?: number;
  /** `v2` by default. */
  readonly layout?: FuncLayout;
  readonly functions?: readonly FunctionSpec[];
  /** Flags of `.livepatch.funcs`; SHF_ALLOC by default, as livepatch-build-tools has it. */
  readonly funcsFlags?: number;
  /** Hooks by kind: as many functions as named, all empty. */
  readonly hooks?: Partial<Record<HookKind, number>>;
  readonly buildId?: Uint8Array | null;
  readonly depends?: Uint8Array | null;
  readonly xenDepends?: Uint8Array | null;
  readonly modinfo?: readonly string[];
  /** Adds what a test wants besides. */
  readonly more?: (builder: PayloadBuilder) => void;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Pieces behind each other, each aligned; missing ones take no room. */
function joined(pieces: readonly (Uint8Array | undefined)[], align: number) {
  let size = 0;
  const offsets = pieces.map((piece) => {
    const at = Math.ceil(size / align) * align;
    if (piece !== undefined) size = at + piece.length;
    return at;
  });
  const bytes = new Uint8Array(size);
  pieces.forEach((piece, i) => {
    if (piece !== undefined) bytes.set(piece, offsets[i]);
  });
  return { bytes, offsets };
}

/** The identifiers that payloads have by default: 20 bytes of one value. */
export const BUILD_ID = new Uint8Array(20).fill(0x11);
export const XEN_BUILD_ID = new Uint8Array(20).fill(0xee);

/** A payload under construction. */
export class PayloadBuilder {
  readonly writer: ElfWriter;
  readonly kind: MachineKind;
  readonly #undefined = new Map<string, WriterSymbol>();

  constructor(machine: number = EM_X86_64) {
    this.kind = KINDS[machine] as MachineKind;
    this.writer = new ElfWriter({ machine, class: this.kind.class, flags: this.kind.flags });
  }

  get pointerSize(): 4 | 8 {
    return this.kind.class === 2 ? 8 : 4;
  }

  /** A section of `size` zero bytes to be filled. */
  fields(name: string, size: number, flags: number = SHF_ALLOC, addralign = 4): SectionBuilder {
    return new SectionBuilder(this.writer.section(name, { flags, data: new Uint8Array(size), addralign }), this.kind);
  }

  /** A section of code with one symbol at its start. */
  code(name: string, symbol: string, bytes: Uint8Array = Uint8Array.from(this.kind.code)): WriterSymbol {
    const section = this.writer.section(name, { flags: SHF_ALLOC | SHF_EXECINSTR, data: bytes, addralign: 16 });
    return this.writer.symbol(symbol, { section, type: STT_FUNC, size: BigInt(bytes.length) });
  }

  /** A section of constant text with a local symbol. */
  text(name: string, symbol: string, text: string): WriterSymbol {
    const section = this.writer.section(name, { flags: SHF_ALLOC, data: ascii(`${text}\0`) });
    return this.writer.symbol(symbol, { section, type: STT_OBJECT, bind: STB_LOCAL });
  }

  /** A symbol that the hypervisor has to provide. */
  undefinedSymbol(name: string): WriterSymbol {
    let symbol = this.#undefined.get(name);
    if (symbol === undefined) {
      symbol = this.writer.symbol(name);
      this.#undefined.set(name, symbol);
    }
    return symbol;
  }

  note(name: string, id: Uint8Array): WriterSection {
    return this.writer.section(name, {
      type: SHT_NOTE,
      flags: SHF_ALLOC,
      data: encodeBuildIdNote(id),
      addralign: 4,
    });
  }

  functions(specs: readonly FunctionSpec[], layout: FuncLayout, flags: number): WriterSection {
    const { at, size, version, write } = livepatchFunc(layout, this.pointerSize);
    const codes = specs.map(({ code }) => (code === null ? undefined : (code ?? Uint8Array.from(this.kind.code))));
    const names = specs.map(({ name }, i) => (name === null ? undefined : ascii(`${name ?? `function_${i}`}\0`)));
    // One section for all of them: Xen takes no more than 1023.
    const text = joined(codes, 16);
    const strings = joined(names, 1);
    const flagsOf = SHF_ALLOC | SHF_EXECINSTR;
    const textSection = this.writer.section('.text', { flags: flagsOf, data: text.bytes, addralign: 16 });
    const stringSection = this.writer.section('.rodata.str', { flags: SHF_ALLOC, data: strings.bytes });
    const stringSymbol = this.writer.sectionSymbol(stringSection);
    const symbols = codes.map((code, i) =>
      code === undefined
        ? undefined
        : this.writer.symbol(`new_${i}`, {
            section: textSection,
            type: STT_FUNC,
            value: BigInt(text.offsets[i] as number),
            size: BigInt(code.length),
          }),
    );
    const funcs = this.fields('.livepatch.funcs', specs.length * size, flags, this.pointerSize);
    specs.forEach((spec, i) => {
      const offset = i * size;
      const code = symbols[i];
      write(funcs.view, offset, {
        newSize: spec.newSize ?? (codes[i] ?? this.kind.code).length,
        oldSize: spec.oldSize ?? 16,
        version: spec.version ?? version,
      });
      if (names[i] !== undefined) {
        funcs.pointer(offset + at.name, { symbol: stringSymbol, addend: strings.offsets[i] as number });
      }
      if (code !== undefined) funcs.pointer(offset + at.newAddr, { symbol: code });
      const old = spec.oldAddr ?? 0n;
      funcs.pointer(offset + at.oldAddr, typeof old === 'bigint' ? old : { symbol: this.undefinedSymbol(old) });
      if (spec.expectation !== undefined && at.expect !== undefined) {
        funcs.section.data.set(spec.expectation, offset + at.expect);
      }
    });
    return funcs.finish(this.writer);
  }

  hook(kind: HookKind, count: number): WriterSection {
    const targets = Array.from({ length: count }, (_, i) => this.code(`.text.${kind}_${i}`, `${kind}_${i}`));
    // GCC makes these sections writable with -fpic, since the pointers need relocations; so does this.
    const hooks = this.fields(
      `.livepatch.hooks.${kind}`,
      count * this.pointerSize,
      SHF_ALLOC | SHF_WRITE,
      this.pointerSize,
    );
    targets.forEach((symbol, i) => {
      hooks.pointer(i * this.pointerSize, { symbol });
    });
    return hooks.finish(this.writer);
  }
}

/** A payload with one function that replaces `function_0`, and whatever the spec has instead or besides. */
export function buildPayload(spec: PayloadSpec = {}): Uint8Array {
  const builder = new PayloadBuilder(spec.machine);
  const functions = spec.functions ?? [{}];
  if (functions.length !== 0) builder.functions(functions, spec.layout ?? 'v2', spec.funcsFlags ?? SHF_ALLOC);
  for (const [kind, count] of Object.entries(spec.hooks ?? {})) builder.hook(kind as HookKind, count);
  const ids = [
    ['.note.gnu.build-id', spec.buildId === undefined ? BUILD_ID : spec.buildId],
    ['.livepatch.depends', spec.depends === undefined ? XEN_BUILD_ID : spec.depends],
    ['.livepatch.xen_depends', spec.xenDepends === undefined ? XEN_BUILD_ID : spec.xenDepends],
  ] as const;
  for (const [name, id] of ids) if (id !== null) builder.note(name, id);
  if (spec.modinfo !== undefined) {
    builder.writer.section('.modinfo', {
      flags: SHF_ALLOC,
      data: ascii(spec.modinfo.map((text) => `${text}\0`).join('')),
    });
  }
  spec.more?.(builder);
  return builder.writer.write();
}
