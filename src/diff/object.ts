import {
  type Architecture,
  type Disassembler,
  endsFlow,
  filledOperand,
  type MemoryOperand,
  type ObjectForms,
  writtenRegisters,
} from '../arch/index.ts';
import {
  type ElfFile,
  type ElfSection,
  type ElfSymbol,
  RelocationTable,
  SHN_ABS,
  SHT_RELA,
  STT_FILE,
  STT_SECTION,
} from '../elf/index.ts';
import { ELF_ALTINSTRUCTIONS, ELF_EX_TABLE, type Release } from '../xen/index.ts';
import { entryStarts, isPadding, neighbourAt, pieceAt, piecesOf, type Starts, stringStarts } from './carve.ts';
import type { Piece, Reference, Target } from './piece.ts';
import { kindOfSection, type SectionKind } from './section-kind.ts';
import { type TableFormat, tableFormat } from './table-format.ts';

/** What readers of an object need besides its bytes. */
export interface ObjectContext {
  readonly arch: Architecture;
  readonly forms: ObjectForms;
  readonly release: Release;
  readonly disassembler: Disassembler;
}

/** Pieces of these kinds are found by what tables say, not by symbols. */
const TABLE_OF: Partial<Record<SectionKind, string>> = { fixup: ELF_EX_TABLE, replacement: ELF_ALTINSTRUCTIONS };

/** Kinds whose bytes are instructions. */
const CODE: ReadonlySet<SectionKind> = new Set(['code', 'init', 'fixup', 'replacement']);

/** Bytes of code in which the use of an address is looked for. */
const ACCESS_WINDOW = 128;

const NONE: readonly Piece[] = [];

/** A relocation before it is known which piece it is in. `offset` counts from the start of the section. */
interface Raw extends Reference {
  readonly symbol: number;
}

/** A compiled object as pieces and references. Read when asked for, and once. */
export class DiffObject {
  readonly elf: ElfFile;
  readonly context: ObjectContext;
  /** The name of the source as the first FILE symbol has it: what static symbols are called by. */
  readonly file: string | undefined;
  readonly #kinds: readonly SectionKind[];
  readonly #symbolsIn = new Map<number, ElfSymbol[]>();
  readonly #tables = new Map<number, RelocationTable>();
  readonly #pieces = new Map<number, readonly Piece[]>();
  readonly #raw = new Map<number, readonly Raw[]>();
  readonly #references = new Map<Piece, readonly Reference[]>();
  readonly #sizes = new Map<number, Uint8Array>();

  constructor(elf: ElfFile, context: ObjectContext) {
    this.elf = elf;
    this.context = context;
    this.#kinds = elf.sections.map(kindOfSection);
    for (const section of elf.sections) {
      if (section.type === SHT_RELA) this.#tables.set(section.info, new RelocationTable(elf, section));
    }
    const { symbols } = elf;
    for (let i = 1; i < symbols.count; i++) {
      const type = symbols.type(i);
      if (type === STT_FILE) this.file ??= symbols.name(i) || undefined;
      const section = symbols.sectionIndex(i);
      if (type === STT_FILE || type === STT_SECTION || section === undefined) continue;
      const list = this.#symbolsIn.get(section);
      if (list === undefined) this.#symbolsIn.set(section, [symbols.symbol(i)]);
      else list.push(symbols.symbol(i));
    }
  }

  /** The sections of a kind, in the order of the file. */
  sections(...kinds: readonly SectionKind[]): ElfSection[] {
    return this.elf.sections.filter(({ index }) => index !== 0 && kinds.includes(this.kind(index)));
  }

  /** The symbols that are defined in a section, in the order of the table. */
  symbolsIn(index: number): readonly ElfSymbol[] {
    return this.#symbolsIn.get(index) ?? [];
  }

  kind(section: number): SectionKind {
    return this.#kinds[section] ?? 'ignored';
  }

  /** All pieces of a kind, in the order of the file. */
  pieces(...kinds: readonly SectionKind[]): Piece[] {
    return this.sections(...kinds).flatMap(({ index }) => this.piecesIn(index));
  }

  /** The pieces of one section; they cover it. */
  piecesIn(index: number): readonly Piece[] {
    let pieces = this.#pieces.get(index);
    if (pieces === undefined) {
      const section = this.elf.sections[index] as ElfSection;
      pieces = piecesOf(section, this.kind(index), this.symbolsIn(index), this.#starts(section));
      this.#pieces.set(index, pieces);
    }
    return pieces;
  }

  /** The format of a section of entries; `undefined` where it is none. */
  format(section: ElfSection): TableFormat | undefined {
    const { arch, forms, release } = this.context;
    return tableFormat(section.name, arch, forms, release);
  }

  #starts(section: ElfSection): Starts {
    const kind = this.kind(section.index);
    if (kind === 'strings') return stringStarts(section.data(), Math.max(1, section.entsize));
    // Of what the file holds: a header may claim any size.
    const { length } = section.data();
    if (kind === 'literals') return entryStarts(length, Math.max(1, section.entsize));
    if (kind === 'table') return entryStarts(length, this.format(section)?.entrySize ?? Math.max(1, length));
    const table = TABLE_OF[kind];
    if (table === undefined) return undefined;
    // The symbols of all places in this section that the table leads to. Its fields are relative to themselves.
    const starts = new Set<number>();
    for (const { index, name } of this.elf.sections) {
      if (name !== table) continue;
      const relocations = this.#tables.get(index);
      for (let i = 0; i < (relocations?.count ?? 0); i++) {
        const symbol = (relocations as RelocationTable).symbol(i);
        if (this.elf.symbols.count <= symbol || this.elf.symbols.sectionIndex(symbol) !== section.index) continue;
        starts.add(Number(this.elf.symbols.value(symbol)) + Number((relocations as RelocationTable).addend(i)));
      }
    }
    return [...starts].filter((at) => at >= 0 && at < section.size).sort((a, b) => a - b);
  }

  /** The references of a piece, in the order of their offsets. */
  references(piece: Piece): readonly Reference[] {
    let found = this.#references.get(piece);
    if (found === undefined) {
      const all = this.#rawOf(piece.section);
      let first = 0;
      for (let high = all.length; first < high; ) {
        const mid = (first + high) >>> 1;
        if ((all[mid] as Raw).offset < piece.start) first = mid + 1;
        else high = mid;
      }
      const inside: Reference[] = [];
      for (let i = first; i < all.length && (all[i] as Raw).offset < piece.end; i++) {
        const raw = all[i] as Raw;
        inside.push({ ...raw, offset: raw.offset - piece.start });
      }
      found = inside;
      this.#references.set(piece, found);
    }
    return found;
  }

  #rawOf(section: ElfSection): readonly Raw[] {
    let raw = this.#raw.get(section.index);
    if (raw === undefined) {
      const table = this.#tables.get(section.index);
      const all: Raw[] = [];
      for (let i = 0; i < (table?.count ?? 0); i++) all.push(this.#read(section, table as RelocationTable, i));
      raw = all.sort((a, b) => a.offset - b.offset);
      this.#raw.set(section.index, raw);
    }
    return raw;
  }

  #read(section: ElfSection, table: RelocationTable, i: number): Raw {
    const { symbols } = this.elf;
    const offset = table.offset(i);
    const type = table.type(i);
    const symbol = table.symbol(i);
    const addend = Number(table.addend(i));
    const code = CODE.has(this.kind(section.index));
    const branch = code && this.context.forms.isBranch(type, section.data(), offset);
    const made = (target: Target, bias: number, neighbours: readonly Piece[] = NONE): Raw => ({
      offset,
      type,
      symbol,
      target,
      bias,
      branch,
      neighbours,
    });
    if (symbol === 0 || symbol >= symbols.count) return made({ kind: 'absolute', value: addend }, 0);
    const index = symbols.sectionIndex(symbol);
    if (index === undefined || this.elf.sections[index] === undefined) {
      const bias = this.#bias(section, offset, type, addend, symbol, false);
      if (symbols.shndx(symbol) === SHN_ABS) {
        return made({ kind: 'absolute', value: Number(symbols.value(symbol)) + addend }, 0);
      }
      return made({ kind: 'external', name: symbols.name(symbol), at: addend - bias }, bias);
    }
    const pieces = this.piecesIn(index);
    const named = symbols.type(symbol) !== STT_SECTION;
    const bias = this.#bias(section, offset, type, addend, symbol, !named && pieces.length > 1);
    const value = Number(symbols.value(symbol));
    const place = value + addend - bias;
    const piece = pieceAt(pieces, named ? value : place);
    const target: Target = { kind: 'piece', piece, at: place - piece.start };
    if (named || branch || pieces.length === 1) return made(target, bias);
    const accessed = this.#accessed(section, offset, type, piece, place);
    if (accessed !== null) return made(target, bias, accessed);
    const neighbour = neighbourAt(pieces, piece, place);
    // Nothing refers to what only fills the space behind a variable.
    if (neighbour === null || !isPadding(piece)) return made(target, bias, neighbour === null ? NONE : [neighbour]);
    return made({ kind: 'piece', piece: neighbour, at: place - neighbour.start }, bias);
  }

  /**
   * The other pieces of the section that are accessed through a relocation which leads to a place of `piece`: by the instruction itself, or by those that soon use
   * the address that it takes. There are some where the compiler counts from a section anchor; `null` where no access is seen. Half an address (ADRP) is left to the
   * other half.
   */
  #accessed(section: ElfSection, offset: number, type: number, piece: Piece, place: number): readonly Piece[] | null {
    const { arch, disassembler } = this.context;
    const row = arch.relocations.get(type);
    if (row?.relative === 'page') return NONE;
    if (row === undefined || !CODE.has(this.kind(section.index))) return null;
    const start = this.#instructionStart(section, offset);
    const code = section.data().subarray(start, start + ACCESS_WINDOW);
    const [taking, ...following] = disassembler.disassemble(arch.name, code, 0);
    const filled = taking && filledOperand(taking, offset - start, row);
    if (taking === undefined || taking.kind === 'bad' || filled === undefined) return null;
    const found = new Set<Piece>();
    const access = ({ access: how, index, width }: MemoryOperand, at: number): void => {
      if (how === 'none' || index !== null || width === 0) return;
      for (const each of this.#between(piece.section.index, at, at + width)) found.add(each);
    };
    if (filled.kind === 'memory' && filled.access !== 'none') access(filled, place);
    const taken = found.size > 0 ? undefined : writtenRegisters(taking)[0];
    for (const instruction of taken === undefined ? [] : following) {
      if (instruction.kind === 'bad') break;
      for (const operand of instruction.operands) {
        if (operand.kind === 'memory' && operand.base === taken) access(operand, place + Number(operand.displacement));
      }
      if (endsFlow(instruction) || writtenRegisters(instruction).some((name) => name === taken)) break;
    }
    if (found.size === 0) return null;
    found.delete(piece);
    return [...found];
  }

  /** The pieces that have bytes of a range of their section. */
  #between(section: number, from: number, to: number): Piece[] {
    const pieces = this.piecesIn(section);
    const [first, last] = [pieceAt(pieces, from), pieceAt(pieces, to - 1)];
    return first === last ? [first] : pieces.filter(({ start, end }) => start < to && end > from);
  }

  /**
   * What an addend has besides a place. `exact`: many things lie where it leads, so that the length of the instruction has to be known; otherwise the
   * field is taken for its last part, whose size the relocation says.
   */
  #bias(section: ElfSection, offset: number, type: number, addend: number, symbol: number, exact: boolean): number {
    const { arch, forms } = this.context;
    const kind = this.kind(section.index);
    if (kind === 'table') {
      const format = this.format(section);
      return format === undefined ? 0 : addend - format.place(addend, offset % format.entrySize);
    }
    const row = arch.relocations.get(type);
    if (row?.relative !== 'place') return 0;
    if (!CODE.has(kind)) return this.#fromTable(section, offset, addend, symbol);
    if (!forms.fromInstructionEnd) return 0;
    const fieldEnd = offset + row.width;
    return offset - (exact ? this.#instructionEnd(section, offset, fieldEnd) : fieldEnd);
  }

  /**
   * The distance of a relative field from what its value counts from: compilers count from the start of the table that the field is in. What leads to nothing in
   * this way, and to the start of something when counted from the field, counts from there.
   */
  #fromTable(section: ElfSection, offset: number, addend: number, symbol: number): number {
    const distance = offset - pieceAt(this.piecesIn(section.index), offset).start;
    const { symbols } = this.elf;
    const index = symbols.sectionIndex(symbol);
    const pieces = index === undefined || this.elf.sections[index] === undefined ? [] : this.piecesIn(index);
    const starts = (at: number): boolean =>
      pieces.length === 0 ? at === 0 : at >= 0 && pieceAt(pieces, at).start === at;
    const place = (pieces.length === 0 ? 0 : Number(symbols.value(symbol))) + addend;
    return !starts(place - distance) && starts(place) ? 0 : distance;
  }

  /** The first byte behind the instruction that has the byte at `offset`; `otherwise` where that is none of an instruction. */
  #instructionEnd(section: ElfSection, offset: number, otherwise: number): number {
    const start = this.#instructionStart(section, offset);
    const end = start + (this.instructionSizes(section)[start] ?? 0);
    return end > offset ? end : otherwise;
  }

  #instructionStart(section: ElfSection, offset: number): number {
    const sizes = this.instructionSizes(section);
    let start = offset;
    while (start > 0 && (sizes[start] ?? 0) === 0) start--;
    return start;
  }

  /** The size of the instruction at each byte of a section of code. */
  instructionSizes(section: ElfSection): Uint8Array {
    let sizes = this.#sizes.get(section.index);
    if (sizes === undefined) {
      sizes = this.context.disassembler.sizes(this.context.arch.name, section.data());
      this.#sizes.set(section.index, sizes);
    }
    return sizes;
  }
}
