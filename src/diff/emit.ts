import { contentId, ensure, fromLatin1, groupBy, hex, roundUp, viewOf } from '../base/index.ts';
import {
  type ElfSection,
  ElfWriter,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_ABS,
  SHT_NOBITS,
  SHT_PROGBITS,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FILE,
  STT_NOTYPE,
  type WriterRelocation,
  type WriterSection,
  type WriterSymbol,
} from '../elf/index.ts';
import { ELF_ALTINSTR_REPLACEMENT, ELF_LIVEPATCH_FUNC, livepatchFunc } from '../xen/index.ts';
import type { Destination, Replacement } from './destination.ts';
import { bytesOf, type Piece, type Reference } from './piece.ts';
import type { Selection } from './selection.ts';

/** What livepatch-build-tools call the section with the names of functions; nothing looks for it. */
const LIVEPATCH_STRINGS = '.livepatch.strings';

/** A piece in the new object. */
interface Placed {
  readonly section: WriterSection;
  readonly offset: number;
  readonly symbol: WriterSymbol | undefined;
}

/** Marks of code and data in objects of Arm, which disassemblers go by. Source: ELF for the Arm 64-bit Architecture, 5.5.4. */
const MAPPING_SYMBOL = /^\$[adtx](?:\.|$)/;

/**
 * The payload object of one patched object: what was selected, in the order in which the compiler had it, and `.livepatch.funcs` with the names of the
 * functions that are replaced. The same selection gives the same bytes.
 *
 * @param payloadName goes into the names of what is new and static, so that a payload and its successor can be loaded at once.
 */
export function payloadObject(selection: Selection, payloadName: string): Uint8Array {
  return new PayloadWriter(selection, payloadName).write();
}

/** The same object with the debug data of the patched one; `null` where that has none. Debug data of what is not in the payload leads nowhere. */
export function payloadObjectWithDebugData(selection: Selection, payloadName: string): Uint8Array | null {
  const sections = selection.diff.comparator.patched.elf.sections.filter(({ name }) => DEBUG_SECTION.test(name));
  return sections.length === 0 ? null : new PayloadWriter(selection, payloadName).write(sections);
}

const DEBUG_SECTION = /^\.debug_/;

class PayloadWriter {
  readonly #selection: Selection;
  readonly #writer: ElfWriter;
  readonly #salt: string;
  readonly #replaced: ReadonlyMap<Piece, Replacement>;
  readonly #placed = new Map<Piece, Placed>();
  readonly #externals = new Map<string, WriterSymbol>();
  readonly #sectionSymbols = new Map<WriterSection, WriterSymbol>();
  readonly #relocations = new Map<WriterSection, WriterRelocation[]>();

  constructor(selection: Selection, payloadName: string) {
    const { elf, file } = selection.diff.comparator.patched;
    this.#selection = selection;
    this.#replaced = new Map(selection.replacements.map((each) => [each.unit.piece, each]));
    this.#writer = new ElfWriter({ class: elf.layout.class, machine: elf.machine, flags: elf.header.e_flags });
    this.#salt = hex(contentId(fromLatin1(`${payloadName}\0${selection.diff.object}`)).subarray(0, 4));
    if (file !== undefined) this.#writer.symbol(file, { type: STT_FILE, bind: STB_LOCAL, section: SHN_ABS });
  }

  write(debugSections: readonly ElfSection[] = []): Uint8Array {
    const groups = groupBy(this.#selection.pieces, ({ section }) => section.index);
    for (const [, pieces] of [...groups].sort(([a], [b]) => a - b)) {
      this.#place(pieces.sort((a, b) => a.start - b.start));
    }
    for (const piece of this.#placed.keys()) this.#relocate(piece);
    this.#functions();
    this.#debugData(debugSections);
    for (const [section, entries] of this.#relocations) {
      if (entries.length > 0) this.#writer.relocations(section, entries);
    }
    return this.#writer.write();
  }

  /** One section of the patched object, with only the pieces that were selected. */
  #place(pieces: readonly Piece[]): void {
    const { section: from, kind } = ensure(pieces[0], 'a section has pieces');
    const offsets: number[] = [];
    let size = 0;
    for (const { start, end } of pieces) {
      size = roundUp(size, alignmentAt(start, Math.max(1, from.addralign)));
      offsets.push(size);
      size += end - start;
    }
    const nobits = from.type === SHT_NOBITS;
    const data = new Uint8Array(nobits ? 0 : size);
    if (!nobits) {
      pieces.forEach((piece, i) => {
        data.set(bytesOf(piece), offsets[i]);
      });
    }
    // Texts and literals are no longer those of a section that may be merged. Constants, and the pointers to hooks, are not written once they are relocated.
    const read = kind === 'constant' || kind === 'hooks';
    const keep = read ? SHF_ALLOC | SHF_EXECINSTR : SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE;
    const section = this.#writer.section(from.name, {
      type: nobits ? SHT_NOBITS : SHT_PROGBITS,
      flags: from.flags & keep,
      addralign: Math.max(1, from.addralign),
      ...(nobits ? { size } : { data }),
    });
    this.#relocations.set(section, []);
    pieces.forEach((piece, i) => {
      const offset = offsets[i] as number;
      this.#placed.set(piece, { section, offset, symbol: this.#symbol(piece, section, offset) });
    });
    this.#mappingSymbols(pieces, section, offsets);
  }

  #mappingSymbols(pieces: readonly Piece[], section: WriterSection, offsets: readonly number[]): void {
    const from = ensure(pieces[0], 'a section has pieces').section;
    for (const symbol of this.#selection.diff.comparator.patched.symbolsIn(from.index)) {
      if (!MAPPING_SYMBOL.test(symbol.name)) continue;
      const at = Number(symbol.value);
      const i = pieces.findIndex(({ start, end }) => at >= start && at < end);
      const piece = pieces[i];
      if (piece === undefined) continue;
      const value = BigInt((offsets[i] as number) + at - piece.start);
      this.#writer.symbol(symbol.name, { value, type: STT_NOTYPE, bind: STB_LOCAL, section });
    }
  }

  /**
   * The symbol of a function or variable. One that replaces another has its name, and is local: the global name stays that of the hypervisor's function, whose
   * address the payload may need, too. What is new and static has a name that no other payload has.
   */
  #symbol(piece: Piece, section: WriterSection, offset: number): WriterSymbol | undefined {
    const [symbol] = piece.symbols;
    if (symbol === undefined || piece.kind === 'table' || piece.kind === 'hooks') return undefined;
    const { comparator } = this.#selection.diff;
    const replaced = this.#replaced.get(piece);
    const local = `${comparator.patched.file ?? this.#selection.diff.object}#${symbol.name}.${this.#salt}`;
    const global = replaced === undefined && symbol.bind !== STB_LOCAL && !this.#inHypervisor(symbol.name);
    return this.#writer.symbol(replaced?.name ?? (global ? symbol.name : local), {
      value: BigInt(offset),
      size: BigInt(symbol.size),
      type: symbol.type,
      bind: global ? STB_GLOBAL : STB_LOCAL,
      other: global ? symbol.other : 0,
      section,
    });
  }

  #inHypervisor(name: string): boolean {
    return this.#selection.names.address(name) !== undefined;
  }

  #relocate(piece: Piece): void {
    const { section, offset } = ensure(this.#placed.get(piece), 'the piece has its place');
    const entries = ensure(this.#relocations.get(section), 'the section was made here');
    for (const reference of this.#selection.diff.comparator.patched.references(piece)) {
      entries.push(this.#relocation(reference, offset, this.#selection.destination(reference.target)));
    }
  }

  #relocation(
    { offset, type, bias }: Pick<Reference, 'offset' | 'type' | 'bias'>,
    base: number,
    to: Destination,
  ): WriterRelocation {
    const made = (symbol: WriterSymbol | undefined, addend: number): WriterRelocation => ({
      offset: base + offset,
      type,
      symbol,
      addend: BigInt(addend),
    });
    if (to.kind === 'absolute') return made(undefined, to.value);
    if (to.kind === 'outside') return made(this.#external(to.name), to.at + bias);
    if (to.kind === 'replacements') return made(this.#sectionSymbol(this.#replacements()), bias);
    const { section, offset: at, symbol } = ensure(this.#placed.get(to.piece), 'what is referred to was selected');
    if (symbol !== undefined) return made(symbol, to.at + bias);
    return made(this.#sectionSymbol(section), at + to.at + bias);
  }

  #sectionSymbol(section: WriterSection): WriterSymbol {
    const known = this.#sectionSymbols.get(section) ?? this.#writer.sectionSymbol(section);
    this.#sectionSymbols.set(section, known);
    return known;
  }

  #external(name: string): WriterSymbol {
    const known = this.#externals.get(name) ?? this.#writer.symbol(name);
    this.#externals.set(name, known);
    return known;
  }

  /** The replacements of alternatives. One whose replacement is empty has to lead there all the same: Xen checks where. */
  #replacements(): WriterSection {
    const known = this.#writer.sections.find(({ name }) => name === ELF_ALTINSTR_REPLACEMENT);
    if (known !== undefined) return known;
    const flags = SHF_ALLOC | SHF_EXECINSTR;
    const section = this.#writer.section(ELF_ALTINSTR_REPLACEMENT, { flags, addralign: 4, data: new Uint8Array(4) });
    this.#relocations.set(section, []);
    return section;
  }

  /** Whole debug sections, with references to each other and to what is in the payload. */
  #debugData(sections: readonly ElfSection[]): void {
    const { patched } = this.#selection.diff.comparator;
    const pieces = sections.map(({ index }) => ensure(patched.piecesIn(index)[0], 'a section has pieces'));
    for (const piece of pieces) {
      const { name, flags, addralign, entsize } = piece.section;
      const data = bytesOf(piece);
      this.#placed.set(piece, {
        section: this.#writer.section(name, { flags, addralign, entsize, data }),
        offset: 0,
        symbol: undefined,
      });
    }
    for (const piece of pieces) {
      const entries: WriterRelocation[] = [];
      for (const { offset, type, target, bias } of patched.references(piece)) {
        if (target.kind !== 'piece' || !this.#placed.has(target.piece)) continue;
        const to: Destination = { kind: 'inside', piece: target.piece, at: target.at };
        entries.push(this.#relocation({ offset, type, bias }, 0, to));
      }
      if (entries.length > 0) {
        this.#writer.relocations(ensure(this.#placed.get(piece), 'it was placed above').section, entries);
      }
    }
  }

  /** `.livepatch.funcs`, and the names for it. Source: common/livepatch.c, prepare_payload; docs/misc/livepatch.pandoc. */
  #functions(): void {
    const { replacements, names } = this.#selection;
    if (replacements.length === 0) return;
    const { arch } = names.image;
    const layout = livepatchFunc(names.release.funcLayout, arch.elf.pointerSize);
    const data = new Uint8Array(layout.size * replacements.length);
    const sorted = [...replacements].sort(
      (a, b) => a.unit.piece.section.index - b.unit.piece.section.index || a.unit.piece.start - b.unit.piece.start,
    );
    const text = fromLatin1(sorted.map(({ name }) => `${name}\0`).join(''));
    const strings = this.#sectionSymbol(this.#writer.section(LIVEPATCH_STRINGS, { flags: SHF_ALLOC, data: text }));
    const pointer = ensure(
      [...arch.relocations.values()].find(
        ({ relative, width, field }) => relative === 'no' && width === arch.elf.pointerSize && field === null,
      ),
      'every architecture has a relocation for pointers',
    ).type;
    const entries: WriterRelocation[] = [];
    let at = 0;
    sorted.forEach(({ unit, name, oldSize }, i) => {
      const start = i * layout.size;
      const placed = ensure(this.#placed.get(unit.piece), 'a function that replaces another was selected');
      const newSize = unit.piece.symbols[0]?.size || unit.piece.end - unit.piece.start;
      layout.write(viewOf(data), start, { newSize, oldSize, version: layout.version });
      entries.push({ offset: start + layout.at.name, type: pointer, symbol: strings, addend: at });
      entries.push({ offset: start + layout.at.newAddr, type: pointer, symbol: placed.symbol, addend: 0 });
      at += name.length + 1;
    });
    // Until 82182ad7b4 Xen writes its own notes into the section.
    const flags = SHF_ALLOC | (names.release.stateInPayload ? SHF_WRITE : 0);
    const section = this.#writer.section(ELF_LIVEPATCH_FUNC, { flags, addralign: arch.elf.pointerSize, data });
    this.#writer.relocations(section, entries);
  }
}

/** What a thing at `start` of a section has been aligned to, as far as one can tell. */
const alignmentAt = (start: number, section: number): number =>
  start === 0 ? Math.max(1, section) : Math.min(Math.max(1, section), start & -start);
