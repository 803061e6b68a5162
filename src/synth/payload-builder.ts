import { addOffset, assert, contentId, fromHex, fromLatin1, viewOf } from '../base/index.ts';
import {
  ElfWriter,
  isProblem,
  readElf,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_PROGBITS,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FUNC,
  STT_OBJECT,
  type WriterRelocation,
  type WriterSection,
  type WriterSymbol,
} from '../elf/index.ts';
import { ELF_BUILD_ID_NOTE, encodeBuildIdNote, encodeExpectation, livepatchFunc, parseBuildId } from '../xen/index.ts';
import { applyEdits } from './payload-edits.ts';
import { type CodePiece, PAYLOAD_MACHINES, type PayloadMachine } from './payload-machine.ts';
import type { CodeSpec, FunctionSpec, IdSpec, PayloadSpec, SectionSpec, SpecNumber } from './payload-spec.ts';
import type { XenFacts } from './xen-facts.ts';

const FLAGS: Readonly<Record<string, number>> = {
  A: SHF_ALLOC,
  W: SHF_WRITE,
  X: SHF_EXECINSTR,
  M: SHF_MERGE,
  S: SHF_STRINGS,
};

const flagsOf = (letters: string): number => [...letters].reduce((flags, letter) => flags | (FLAGS[letter] ?? 0), 0);

const bytesOf = (digits: string): Uint8Array => {
  const bytes = fromHex(digits);
  assert(bytes !== undefined, `${digits} are no hex digits`);
  return bytes;
};

/** A relocation whose symbol is not known yet. */
interface Entry {
  readonly at: number;
  readonly symbol: string;
  readonly addend: number;
  readonly type: number;
}

export interface BuildContext {
  readonly xen: XenFacts;
  /** Build-ids of the payloads built so far, by key. */
  readonly ids?: ReadonlyMap<string, Uint8Array>;
  /** Finished files that specs name: see `file` of {@link PayloadSpec}. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

const CODE: readonly CodeSpec[] = [{ symbol: 'lp_new_fn', returns: '-LIVEPATCHED' }];

/** Builds a payload. Throws if the spec names something that does not exist: specs are written by us. */
export function buildPayload(spec: PayloadSpec, context: BuildContext): Uint8Array {
  return applyEdits(uneditedFile(spec, context), spec.edits ?? []);
}

function uneditedFile(spec: PayloadSpec, context: BuildContext): Uint8Array {
  if (spec.raw !== undefined) return bytesOf(spec.raw);
  if (spec.file === undefined) return new Builder(spec, context).build();
  const file = context.files?.get(spec.file);
  assert(file !== undefined, `there is no file ${spec.file}`);
  return file;
}

/** Returns the build-id of a built file; empty if it has none. */
export function buildIdOf(file: Uint8Array): Uint8Array {
  const elf = readElf(file);
  const bytes = !isProblem(elf) ? elf.section(ELF_BUILD_ID_NOTE)?.data() : undefined;
  if (bytes === undefined || bytes.length < 12) return new Uint8Array(0);
  const result = parseBuildId(bytes);
  return result.ok ? result.id : new Uint8Array(0);
}

class Builder {
  readonly #spec: PayloadSpec;
  readonly #context: BuildContext;
  readonly #machine: PayloadMachine;
  readonly #writer: ElfWriter;
  readonly #symbols = new Map<string, WriterSymbol>();
  readonly #sections = new Map<string, WriterSection>();
  readonly #fills: (() => void)[] = [];
  #strings: number[] = [];

  constructor(spec: PayloadSpec, context: BuildContext) {
    this.#spec = spec;
    this.#context = context;
    const { arch } = context.xen;
    this.#machine = PAYLOAD_MACHINES[arch.name];
    this.#writer = new ElfWriter({ machine: arch.machine, class: arch.elf.class, flags: this.#machine.flags });
  }

  build(): Uint8Array {
    const { code = CODE, functions = [{}], sections = [], symbols = [], modinfo } = this.#spec;
    this.#text(code);
    if (functions.length > 0) this.#functions(functions, code[0]?.symbol);
    for (const section of sections) this.#section(section);
    for (const { name, shndx, value = 0, size = 0 } of symbols) {
      this.#symbols.set(
        name,
        this.#writer.symbol(name, { section: shndx, value: BigInt(value), size: BigInt(size), type: STT_OBJECT }),
      );
    }
    if (this.#strings.length > 0) {
      const data = Uint8Array.from(this.#strings);
      this.#add('.rodata.str1.1', { flags: flagsOf('AMS'), data, entsize: 1 });
    }
    if (modinfo !== undefined) this.#add('.modinfo', { flags: SHF_ALLOC, data: fromLatin1(modinfo) });
    const { depends = 'xen', xenDepends = 'xen', buildId } = this.#spec;
    this.#note('.livepatch.depends', depends);
    this.#note('.livepatch.xen_depends', xenDepends);
    for (const fill of this.#fills) fill();
    if (buildId === null) return this.#writer.write();
    const note = this.#add('.note.gnu.build-id', {
      type: SHT_NOTE,
      flags: SHF_ALLOC,
      data: encodeBuildIdNote(this.#id(buildId ?? '00'.repeat(20))),
      addralign: 4,
    });
    if (buildId === undefined) note.data = encodeBuildIdNote(contentId(this.#writer.write()));
    return this.#writer.write();
  }

  #add(name: string, fields: Partial<Omit<WriterSection, 'name'>>): WriterSection {
    const section = this.#writer.section(name, fields);
    if (!this.#sections.has(name)) this.#sections.set(name, section);
    return section;
  }

  /** Returns the offset of a string in `.rodata.str1.1`. */
  #string(text: string): number {
    const at = this.#strings.length;
    for (const byte of fromLatin1(`${text}\0`)) this.#strings.push(byte);
    return at;
  }

  /** Returns a symbol by name: of a section, of the payload, or else undefined, for the hypervisor to resolve. */
  #symbol(name: string): WriterSymbol {
    const section = this.#sections.get(name);
    if (section !== undefined) return this.#writer.sectionSymbol(section);
    let symbol = this.#symbols.get(name);
    if (symbol === undefined) {
      symbol = this.#writer.symbol(name, { bind: STB_GLOBAL });
      this.#symbols.set(name, symbol);
    }
    return symbol;
  }

  /** Adds a section of relocations, once everything has a symbol. */
  #relocate(section: WriterSection, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const relocations: WriterRelocation[] = [];
    this.#writer.relocations(section, relocations);
    this.#fills.push(() => {
      for (const { at, symbol, addend, type } of entries) {
        relocations.push({ offset: at, type, symbol: this.#symbol(symbol), addend });
      }
    });
  }

  #text(code: readonly CodeSpec[]): void {
    if (code.length === 0) return;
    const bytes: number[] = [];
    const entries: Entry[] = [];
    const starts: { name: string; at: number; size: number; local: boolean }[] = [];
    for (const { symbol, local = false, returns, hex: digits, fields = [], jumpTo } of code) {
      while (bytes.length % 16 !== 0) bytes.push(...this.#machine.padding);
      const at = bytes.length;
      if (returns !== undefined) {
        const string = this.#string(returns);
        this.#piece(this.#machine.returns, bytes, entries, '.rodata.str1.1', string);
      }
      for (const { at: within, symbol: of, addend = 0, type = this.#machine.pointer } of fields) {
        entries.push({ at: bytes.length + within, symbol: of, addend, type });
      }
      if (digits !== undefined) bytes.push(...bytesOf(digits));
      if (jumpTo !== undefined) {
        this.#piece(this.#machine.jump, bytes, entries, jumpTo, 0);
      }
      starts.push({ name: symbol, at, size: bytes.length - at, local });
    }
    const section = this.#add('.text', {
      flags: SHF_ALLOC | SHF_EXECINSTR,
      data: Uint8Array.from(bytes),
      addralign: 16,
    });
    for (const { name, at, size, local } of starts) {
      const bind = local ? STB_LOCAL : STB_GLOBAL;
      this.#symbols.set(
        name,
        this.#writer.symbol(name, { section, bind, type: STT_FUNC, value: BigInt(at), size: BigInt(size) }),
      );
    }
    this.#relocate(section, entries);
  }

  /** Appends a piece of code, with relocations that point it to `symbol + addend`. */
  #piece({ bytes, fields }: CodePiece, code: number[], entries: Entry[], symbol: string, offset: number): void {
    for (const { at, type, addend } of fields) {
      entries.push({ at: code.length + at, symbol, addend: offset + addend, type });
    }
    code.push(...bytes);
  }

  #number(value: SpecNumber): bigint {
    const { xen } = this.#context;
    if (typeof value === 'number') return BigInt(value);
    if ('hex' in value) return BigInt(`0x${value.hex}`);
    if ('addr' in value) return addOffset(xen.address(value.addr), value.plus ?? 0);
    return BigInt(xen.size(value.sizeOf) + (value.plus ?? 0));
  }

  #functions(functions: readonly FunctionSpec[], first: string | undefined): void {
    const { xen } = this.#context;
    const { size, at, write } = livepatchFunc(xen.release.funcLayout, xen.arch.elf.pointerSize);
    const { pointer } = this.#machine;
    const data = new Uint8Array(functions.length * size);
    const view = viewOf(data);
    const entries: Entry[] = [];
    functions.forEach((func, i) => {
      const base = i * size;
      const { name = 'xen_extra_version', old = 0, newSize = 8, version = 2, pad = '', expect } = func;
      const target = func.new === undefined ? (first ?? null) : func.new;
      const named = typeof name === 'string' && xen.has(name) ? xen.size(name) : 12;
      write(view, base, {
        name: name === null || typeof name === 'string' ? 0n : this.#number(name),
        newAddr: target === null || typeof target === 'string' ? 0n : this.#number(target),
        oldAddr: typeof old === 'string' ? 0n : this.#number(old),
        newSize: Number(this.#number(newSize)),
        oldSize: Number(func.oldSize === undefined ? named : this.#number(func.oldSize)),
        version,
      });
      data.set(bytesOf(pad), base + at.version + 1);
      if (typeof name === 'string') {
        entries.push({ at: base + at.name, symbol: '.rodata.str1.1', addend: this.#string(name), type: pointer });
      }
      if (typeof target === 'string') entries.push({ at: base + at.newAddr, symbol: target, addend: 0, type: pointer });
      if (typeof old === 'string') entries.push({ at: base + at.oldAddr, symbol: old, addend: 0, type: pointer });
      if (expect !== undefined && at.expect !== undefined) {
        const { enabled = true, len, rsv = 0 } = expect;
        const bytes = typeof expect.data === 'string' ? bytesOf(expect.data) : xen.bytes(expect.data.of, len);
        data.set(encodeExpectation({ enabled, len, rsv, data: bytes }), base + at.expect);
      }
    });
    const section = this.#add('.livepatch.funcs', {
      flags: flagsOf(this.#spec.funcsFlags ?? 'A'),
      data,
      addralign: xen.arch.elf.pointerSize,
    });
    this.#relocate(section, entries);
  }

  #section(spec: SectionSpec): void {
    const given = bytesOf(spec.hex ?? '');
    const size = Math.max(spec.size ?? 0, given.length);
    const nobits = spec.type === 'nobits';
    const data = new Uint8Array(nobits ? 0 : size);
    data.set(given);
    const type = nobits ? SHT_NOBITS : spec.type === 'note' ? SHT_NOTE : SHT_PROGBITS;
    const section = this.#add(spec.name, { flags: flagsOf(spec.flags), type, data, size, addralign: spec.align ?? 1 });
    for (const { name, at, local = false } of spec.symbols ?? []) {
      const bind = local ? STB_LOCAL : STB_GLOBAL;
      this.#symbols.set(name, this.#writer.symbol(name, { section, bind, type: STT_OBJECT, value: BigInt(at) }));
    }
    const fields = spec.fields ?? [];
    this.#relocate(
      section,
      fields.map(({ at, symbol, addend = 0, type: kind = this.#machine.pointer }) => ({
        at,
        symbol,
        addend,
        type: kind,
      })),
    );
  }

  #id(id: string): Uint8Array {
    const { xen, ids } = this.#context;
    if (id === 'xen') return xen.buildId;
    if (!id.startsWith('@')) return bytesOf(id);
    const known = ids?.get(id.slice(1));
    assert(known !== undefined, `payload ${id.slice(1)} is not built yet`);
    return known;
  }

  #note(name: string, id: IdSpec): void {
    if (id === null) return;
    this.#add(name, { type: SHT_NOTE, flags: SHF_ALLOC, data: encodeBuildIdNote(this.#id(id)), addralign: 4 });
  }
}
