import { type ElfSection, type ElfSymbol, STB_LOCAL, STT_FUNC, STT_NOTYPE, STT_OBJECT } from '../elf/index.ts';
import type { Piece } from './piece.ts';
import type { SectionKind } from './section-kind.ts';

/** Labels of the assembler, and Arm's marks of code and data (ELF for the Arm architecture, "Mapping symbols"). */
const LABEL = /^(?:\.L|\$[adtx](?:\.|$))/;

/** Does a symbol name a thing of its own in a section of that kind? Inside of functions, only functions do: others are labels of inline assembly. */
function namesPiece(symbol: ElfSymbol, hasFunctions: boolean): boolean {
  if (symbol.name === '' || LABEL.test(symbol.name)) return false;
  if (hasFunctions) return symbol.type === STT_FUNC;
  return symbol.type === STT_FUNC || symbol.type === STT_OBJECT || symbol.type === STT_NOTYPE;
}

/** Where the pieces of a section begin, in order, for sections whose symbols do not tell. */
export type Starts = readonly number[] | undefined;

/** The pieces of a section: they cover all of it, in order. One without bytes is one empty piece. */
export function piecesOf(
  section: ElfSection,
  kind: SectionKind,
  symbols: readonly ElfSymbol[],
  starts: Starts,
): Piece[] {
  if (starts !== undefined) return cut(section, kind, starts, new Map(), false);
  const code = kind === 'code' || kind === 'init';
  const functions = code ? functionStarts(symbols) : undefined;
  const [only] = functions ?? [];
  const single = functions?.size === 1;
  const hasFunctions = code && symbols.some(({ type }) => type === STT_FUNC);
  const named = symbols.filter((symbol) => namesPiece(symbol, hasFunctions) && (!single || symbol.value === only));
  const at = new Map<number, ElfSymbol[]>();
  for (const symbol of named) {
    const start = Number(symbol.value);
    if (start > section.size) continue;
    const here = at.get(start);
    if (here === undefined) at.set(start, [symbol]);
    else here.push(symbol);
  }
  for (const here of at.values()) here.sort(byBinding);
  const begins = new Set<number>(at.keys());
  // What lies behind a thing that has a size is something else: padding, or what has no name.
  const sorted = [...at.keys()].sort((a, b) => a - b);
  sorted.forEach((start, i) => {
    const size = Math.max(...(at.get(start) ?? []).map((symbol) => symbol.size));
    const next = sorted[i + 1] ?? section.size;
    if (size > 0 && start + size < next && !single) begins.add(start + size);
  });
  return cut(
    section,
    kind,
    [...begins].sort((a, b) => a - b),
    at,
    (functions?.size ?? 0) > 1,
  );
}

/**
 * Where the functions of a section of code begin. Those in assembly may have neither a type nor a size, but are global; other labels belong to one: what
 * `.subsection` puts behind a function is a part of it, to which it jumps without relocations (asm-x86/asm_defns.h, UNLIKELY_START).
 */
function functionStarts(symbols: readonly ElfSymbol[]): Set<bigint> {
  const starts = new Set<bigint>();
  let end = -1n;
  for (const { type, value, size } of symbols) {
    if (type !== STT_FUNC) continue;
    starts.add(value);
    if (value + BigInt(size) > end) end = value + BigInt(size);
  }
  if (starts.size > 1) return starts;
  const labels = symbols.filter(({ name, type }) => type === STT_NOTYPE && name !== '' && !LABEL.test(name));
  const [only] = starts;
  for (const { bind, value } of labels) {
    if (bind !== STB_LOCAL && (only === undefined || value < only || value >= end)) starts.add(value);
  }
  if (only !== undefined || (starts.size === 1 && starts.has(0n))) return starts;
  return new Set(labels.map(({ value }) => value));
}

/** Global names before local ones; then those of functions and objects, which have a size. */
const byBinding = (a: ElfSymbol, b: ElfSymbol): number =>
  Number(a.bind === STB_LOCAL) - Number(b.bind === STB_LOCAL) || b.size - a.size || a.index - b.index;

function cut(
  section: ElfSection,
  kind: SectionKind,
  begins: readonly number[],
  symbols: ReadonlyMap<number, readonly ElfSymbol[]>,
  shared: boolean,
): Piece[] {
  const starts = begins[0] === 0 ? begins : [0, ...begins];
  const { size } = section;
  const inside = starts.filter((start) => start < size || start === 0);
  return inside.map((start, i) => ({
    section,
    kind,
    start,
    end: inside[i + 1] ?? size,
    symbols: symbols.get(start) ?? [],
    shared,
  }));
}

/** The piece that a byte of the section is in: the first for what is before all of them, the last for what is behind. */
export const pieceAt = (pieces: readonly Piece[], offset: number): Piece => pieces[indexAt(pieces, offset)] as Piece;

function indexAt(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  for (let high = pieces.length; low < high; ) {
    const mid = (low + high) >>> 1;
    if ((pieces[mid] as Piece).start <= offset) low = mid + 1;
    else high = mid;
  }
  return Math.max(0, low - 1);
}

/** Kinds whose pieces are taken from their section one by one, and have names. */
const NAMED: ReadonlySet<SectionKind> = new Set(['data', 'bss', 'percpu', 'constant']);

/** Most bytes of an element, from before the start of whose array code counts. */
const BEFORE_START = 64;

/** The other piece that a place of a section may be meant of: the one that ends there, or else the one that begins a little behind; `null` where there is none. */
export function neighbourAt(pieces: readonly Piece[], piece: Piece, place: number): Piece | null {
  if (!NAMED.has(piece.kind)) return null;
  const i = indexAt(pieces, piece.start);
  const [before, after] = [pieces[i - 1], pieces[i + 1]];
  if (before !== undefined && place === piece.start) return before.symbols.length > 0 ? before : null;
  if (after === undefined || after.symbols.length === 0 || place < piece.start) return null;
  const [distance, size] = [after.start - place, after.end - after.start];
  return distance <= BEFORE_START && distance < size && size % distance === 0 ? after : null;
}

/** Is a piece only there because what follows is aligned? */
export const isPadding = ({ section, symbols, start, end }: Piece): boolean =>
  symbols.length === 0 &&
  end - start < section.addralign &&
  section
    .data()
    .subarray(start, end)
    .every((byte) => byte === 0);

/** Starts of the texts of a SHF_STRINGS section with entries of `width` bytes; padding between them is a text that is empty. */
export function stringStarts(bytes: Uint8Array, width: number): number[] {
  const starts = [0];
  for (let at = 0; at + width < bytes.length; at += width) {
    let zero = true;
    for (let i = 0; i < width; i++) if (bytes[at + i] !== 0) zero = false;
    if (zero) starts.push(at + width);
  }
  return starts;
}

/** Starts of entries that all have one size. */
export function entryStarts(size: number, entry: number): number[] {
  const starts: number[] = [];
  for (let at = 0; at < size; at += entry) starts.push(at);
  return starts;
}
