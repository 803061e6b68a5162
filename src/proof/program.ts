import type { Architecture, Disassembler, RelocationRow } from '../arch/index.ts';
import { toNumber } from '../base/index.ts';
import {
  type ElfFile,
  type ElfSection,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_RELA,
  STB_LOCAL,
  STT_FILE,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
} from '../elf/index.ts';
import { type Kind, kindOf } from './kinds.ts';

/** A name of an atom. */
export interface AtomName {
  readonly name: string;
  /** STB_… */
  readonly bind: number;
  readonly size: number;
}

/** The smallest part of an object that has a place of its own: a function, a variable, a text, an unnamed constant. */
export interface Atom {
  readonly object: ProofObject;
  readonly section: ElfSection;
  readonly kind: Kind;
  /** Bytes from the start of the section. */
  readonly start: number;
  readonly end: number;
  /** Global names first; empty for what only its place identifies. */
  readonly names: readonly AtomName[];
}

/** Where a reference of an object leads. */
export type Target =
  /** `readings`: atoms that the place may belong to. With more than one, the object does not say which one is meant. */
  | { readonly kind: 'atom'; readonly readings: readonly { readonly atom: Atom; readonly at: number }[] }
  | { readonly kind: 'external'; readonly name: string; readonly at: number }
  | { readonly kind: 'unknown'; readonly why: string };

/** A relocation of an object. */
export interface ObjectReference {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly row: RelocationRow;
  readonly symbol: number;
  readonly addend: number;
}

/** Labels of the assembler, and Arm's marks of code and data (ELF for the Arm architecture, "Mapping symbols"). */
const LABEL = /^(?:\.L|\$[adtx](?:\.|$))/;

/** Most bytes that one object may claim in sections without contents. */
const NOBITS_MAX = 1 << 26;

/** Most atoms of one section: Xen's largest has some thousands of texts. */
const ATOMS_MAX = 1 << 18;

/** Returns what no compiler or linker writes, and no reader of every byte would end with; `undefined` if nothing is wrong. */
export function damageOf({ sections }: ElfFile): string | undefined {
  const damaged = sections.find(({ type, size, complete }) => (type === SHT_NOBITS ? size > NOBITS_MAX : !complete));
  return damaged && `section ${damaged.name} claims more bytes than the file has`;
}

/** A relocatable object that cannot be read as one. */
export class Unreadable extends Error {}

/** A compiled object as atoms and references. Throws {@link Unreadable} from any member for an object that no compiler writes. */
export class ProofObject {
  readonly elf: ElfFile;
  readonly name: string;
  /** The source as its first FILE symbol names it. */
  readonly file: string | undefined;
  readonly #arch: Architecture;
  readonly #disassembler: Disassembler;
  readonly #kinds: readonly Kind[];
  readonly #references = new Map<number, readonly ObjectReference[]>();
  readonly #atoms = new Map<number, readonly Atom[]>();
  readonly #ends = new Map<number, Uint8Array>();
  readonly #globals = new Map<string, Atom>();
  readonly #symbolsIn = new Map<number, number[]>();
  #referrers: Map<Atom, Set<string>> | undefined;
  #pointedAt: Map<number, Set<number>> | undefined;

  constructor(elf: ElfFile, name: string, arch: Architecture, disassembler: Disassembler) {
    this.elf = elf;
    this.name = name;
    this.#arch = arch;
    this.#disassembler = disassembler;
    this.#kinds = elf.sections.map(kindOf);
    const { symbols } = elf;
    let file: string | undefined;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.type(i) === STT_FILE) file ??= symbols.name(i);
      const section = symbols.sectionIndex(i);
      if (section === undefined) continue;
      const known = this.#symbolsIn.get(section);
      if (known === undefined) this.#symbolsIn.set(section, [i]);
      else known.push(i);
    }
    this.file = file;
    const damage = damageOf(elf);
    if (damage !== undefined) throw new Unreadable(damage);
    for (const atom of this.allAtoms()) {
      for (const each of atom.names) if (each.bind !== STB_LOCAL) this.#globals.set(each.name, atom);
    }
  }

  kind(section: number): Kind {
    return this.#kinds[section] ?? 'ignored';
  }

  /** Returns every atom of the sections that a hypervisor loads, tables apart. */
  *allAtoms(): Generator<Atom, void, void> {
    for (const { index } of this.elf.sections) yield* this.atomsIn(index);
  }

  /** Returns what defines a global name. */
  global(name: string): Atom | undefined {
    return this.#globals.get(name);
  }

  /** Returns the names of the functions whose code refers to an atom, without what the compiler adds to names of clones. */
  referrers(atom: Atom): ReadonlySet<string> {
    if (this.#referrers === undefined) {
      this.#referrers = new Map();
      for (const from of this.allAtoms()) {
        const { kind, section, start, end } = from;
        const name = from.names[0]?.name.replace(/\..*$/, '');
        if ((kind !== 'code' && kind !== 'init') || name === undefined) continue;
        for (const reference of this.referencesIn(section.index, start, end)) {
          const target = this.target(reference, this.bias(section.index, reference), true);
          const to = target.kind === 'atom' ? target.readings[0]?.atom : undefined;
          if (to === undefined) continue;
          const known = this.#referrers.get(to);
          if (known === undefined) this.#referrers.set(to, new Set([name]));
          else known.add(name);
        }
      }
    }
    return this.#referrers.get(atom) ?? new Set();
  }

  /** Returns the bytes of an atom; zeroes where the section has none in the file. */
  bytes(section: ElfSection, start: number, end: number): Uint8Array {
    return section.type === SHT_NOBITS ? new Uint8Array(end - start) : section.data().subarray(start, end);
  }

  /** Returns the relocations of a section by offset. */
  references(section: number): readonly ObjectReference[] {
    const known = this.#references.get(section);
    if (known !== undefined) return known;
    const found: ObjectReference[] = [];
    const size = this.elf.sections[section]?.size ?? 0;
    for (const table of this.elf.relocationsOf(section)) {
      if (table.section.type !== SHT_RELA) throw new Unreadable('relocations without addends');
      for (let i = 0; i < table.count; i++) {
        const row = this.#arch.relocations.get(table.type(i));
        const offset = table.offset(i);
        const addend = toNumber(table.addend(i));
        if (row === undefined || addend === undefined) {
          const where = `${this.elf.sections[section]?.name ?? ''}+0x${offset.toString(16)}`;
          throw new Unreadable(`${where} has a relocation of type ${table.type(i)}, which Xen does not apply`);
        }
        if (row.width === 0) continue;
        if (offset + row.width > size) throw new Unreadable('a relocation lies past the end of its section');
        found.push({ offset, row, symbol: table.symbol(i), addend });
      }
    }
    found.sort((a, b) => a.offset - b.offset);
    this.#references.set(section, found);
    return found;
  }

  /** Returns the relocations with an offset in `[start, end)`. */
  referencesIn(section: number, start: number, end: number): readonly ObjectReference[] {
    const all = this.references(section);
    return all.slice(lowerBound(all, start), lowerBound(all, end));
  }

  /**
   * Returns what to add to S + A for the place that a relocation means: relative fields of x86 code count from the end of the instruction.
   * Elsewhere 0.
   */
  bias(section: number, { offset, row }: Pick<ObjectReference, 'offset' | 'row'>): number {
    if (row.relative !== 'place' || this.#arch.objects?.fromInstructionEnd !== true) return 0;
    const kind = this.kind(section);
    const { flags = 0 } = this.elf.sections[section] ?? {};
    if (kind !== 'code' && kind !== 'snippet' && (kind !== 'init' || (flags & 4) === 0)) return 0;
    const sizes = this.#sizes(section);
    for (let at = offset; at >= 0 && at > offset - 15; at--) {
      const size = sizes[at] as number;
      if (size !== 0) return at + size > offset ? at + size - offset : row.pcOffset;
    }
    return row.pcOffset;
  }

  #sizes(section: number): Uint8Array {
    let sizes = this.#ends.get(section);
    if (sizes === undefined) {
      const data = this.elf.sections[section]?.data() ?? new Uint8Array(0);
      sizes = this.#disassembler.sizes(this.#arch.name, data);
      this.#ends.set(section, sizes);
    }
    return sizes;
  }

  /**
   * Returns where a reference leads.
   *
   * @param extra bytes to add to S + A. @param exact the place is accessed there and then, so it cannot be the end of what lies before.
   */
  target({ symbol, addend }: ObjectReference, extra: number, exact: boolean): Target {
    const { symbols } = this.elf;
    if (symbol <= 0 || symbol >= symbols.count) return { kind: 'unknown', why: 'a relocation without a symbol' };
    const at = addend + extra;
    const name = symbols.name(symbol);
    const index = symbols.sectionIndex(symbol);
    if (index === undefined) {
      if (symbols.shndx(symbol) !== SHN_UNDEF || name === '')
        return { kind: 'unknown', why: `${name || 'a symbol'} has no section` };
      return { kind: 'external', name, at };
    }
    const value = toNumber(symbols.value(symbol)) ?? Number.NaN;
    const place = value + at;
    const atoms = this.atomsIn(index);
    if (atoms.length === 0 || !Number.isFinite(place))
      return { kind: 'unknown', why: `a reference into ${this.elf.sections[index]?.name ?? 'nowhere'}` };
    const named = symbols.type(symbol) !== STT_SECTION && !LABEL.test(name) && name !== '';
    if (named) {
      const own =
        atoms.find((atom) => atom.start === value && atom.names.some((each) => each.name === name)) ??
        atomAt(atoms, value);
      return { kind: 'atom', readings: [{ atom: own, at: place - own.start }] };
    }
    const atom = atomAt(atoms, place);
    const readings = [{ atom, at: place - atom.start }];
    const before = atoms[atoms.indexOf(atom) - 1];
    // Padding between variables has no name, and nothing refers to its end; a constant may have none.
    const object = before !== undefined && (before.names.length > 0 || atom.kind === 'constant');
    const array = object && before.end === place && before.end - before.start > 8;
    const data = atom.kind === 'state' || atom.kind === 'percpu' || atom.kind === 'constant';
    if (!exact && array && data && place === atom.start) readings.push({ atom: before, at: place - before.start });
    return { kind: 'atom', readings };
  }

  /** Returns the atoms of a section in order; none for tables and for what is not loaded. */
  atomsIn(index: number): readonly Atom[] {
    const known = this.#atoms.get(index);
    if (known !== undefined) return known;
    const section = this.elf.sections[index];
    const kind = this.kind(index);
    const atoms =
      section === undefined || kind === 'ignored' || kind === 'table' || kind === 'hooks'
        ? []
        : this.#cut(section, kind);
    this.#atoms.set(index, atoms);
    return atoms;
  }

  #cut(section: ElfSection, kind: Kind): Atom[] {
    const { size } = section;
    const names = new Map<number, AtomName[]>();
    const bounds = new Set([0]);
    if (kind === 'text') for (const at of textStarts(section.data(), Math.max(1, section.entsize))) bounds.add(at);
    else if (kind === 'literal') {
      const entry = Math.max(1, section.entsize);
      for (let at = 0; at < size && bounds.size <= ATOMS_MAX; at += entry) bounds.add(at);
    } else if (kind === 'snippet') {
      for (const at of this.#places(section.index)) if (at >= 0 && at < size) bounds.add(at);
    } else this.#byNames(section, kind, names, bounds);
    if (bounds.size > ATOMS_MAX) throw new Unreadable(`section ${section.name} has too many entries`);
    const starts = [...bounds].filter((at) => at < size || at === 0).sort((a, b) => a - b);
    return starts.map((start, i) => ({
      ...{ object: this, section, kind, start, end: starts[i + 1] ?? size, names: names.get(start) ?? [] },
    }));
  }

  #byNames(section: ElfSection, kind: Kind, names: Map<number, AtomName[]>, bounds: Set<number>): void {
    const { symbols } = this.elf;
    const own = this.#symbolsIn.get(section.index) ?? [];
    const functions = own.some((i) => symbols.type(i) === STT_FUNC);
    for (const i of own) {
      const type = symbols.type(i);
      const name = symbols.name(i);
      if (name === '' || LABEL.test(name)) continue;
      const fits =
        functions && kind !== 'state'
          ? type === STT_FUNC
          : type === STT_FUNC || type === STT_OBJECT || type === STT_NOTYPE;
      const start = Number(symbols.value(i));
      if (!fits || start > section.size) continue;
      const bytes = symbols.size(i);
      bounds.add(start);
      if (bytes > 0 && start + bytes < section.size) bounds.add(start + bytes);
      const here = names.get(start) ?? [];
      here.push({ name, bind: symbols.bind(i), size: bytes });
      here.sort((a, b) => Number(a.bind === STB_LOCAL) - Number(b.bind === STB_LOCAL) || b.size - a.size);
      names.set(start, here);
    }
  }

  /** Places of a section that relocations lead to, without what instructions add. */
  #places(section: number): ReadonlySet<number> {
    if (this.#pointedAt === undefined) {
      this.#pointedAt = new Map();
      const { symbols } = this.elf;
      for (const { index, flags } of this.elf.sections) {
        if ((flags & 2) === 0) continue;
        for (const reference of this.references(index)) {
          const to = symbols.sectionIndex(reference.symbol < symbols.count ? reference.symbol : 0);
          if (to === undefined || this.kind(to) !== 'snippet') continue;
          const known = this.#pointedAt.get(to) ?? new Set<number>();
          known.add(Number(symbols.value(reference.symbol)) + reference.addend + this.bias(index, reference));
          this.#pointedAt.set(to, known);
        }
      }
    }
    return this.#pointedAt.get(section) ?? new Set();
  }
}

/** Returns the index of the first entry with an offset of at least `offset`. */
function lowerBound(list: readonly { readonly offset: number }[], offset: number): number {
  let low = 0;
  for (let high = list.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as { offset: number }).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the atom around a place: the first for what lies before all, the last for what lies behind. */
function atomAt(atoms: readonly Atom[], place: number): Atom {
  let low = 0;
  for (let high = atoms.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((atoms[middle] as Atom).start <= place) low = middle + 1;
    else high = middle;
  }
  return atoms[Math.max(0, low - 1)] as Atom;
}

function* textStarts(bytes: Uint8Array, width: number): Generator<number, void, void> {
  for (let at = 0; at + width < bytes.length; at += width) {
    let zero = true;
    for (let i = 0; i < width; i++) if (bytes[at + i] !== 0) zero = false;
    if (zero) yield at + width;
  }
}

/** Returns what reports call an atom. */
export const atomName = ({ names, section, start }: Atom): string =>
  names[0]?.name ?? `${section.name}+0x${start.toString(16)}`;
