import type { ElfSection, ElfSymbol } from '../elf/index.ts';
import type { SectionKind } from './section-kind.ts';

/**
 * A part of a section that is one thing: a function, a variable, a text, a literal, what lies between two of them. The unit that is compared and
 * taken into a payload.
 */
export interface Piece {
  readonly section: ElfSection;
  readonly kind: SectionKind;
  /** Bytes from the start of the section, up to the first byte behind. */
  readonly start: number;
  readonly end: number;
  /** The symbols at its start, that with the widest binding first; none where nobody gave it a name. */
  readonly symbols: readonly ElfSymbol[];
  /** Is a part of the same section code of another function? Then the assembler may have resolved references between them. */
  readonly shared: boolean;
}

/** A place in an object that something refers to. */
export type Target =
  /** `at` bytes from the start of a piece; may lie outside of it, as the end of an array does. */
  | { readonly kind: 'piece'; readonly piece: Piece; readonly at: number }
  /** A symbol that another object defines. */
  | { readonly kind: 'external'; readonly name: string; readonly at: number }
  /** A number, of symbol 0 or of an absolute symbol. */
  | { readonly kind: 'absolute'; readonly value: number };

/** A relocation, and where it leads. */
export interface Reference {
  /** Bytes from the start of the piece that it is in. */
  readonly offset: number;
  readonly type: number;
  readonly target: Target;
  /**
   * What the addend has besides the target's place: the distance to the end of the instruction, the bits of a line. Added to a place it gives the
   * addend again.
   */
  readonly bias: number;
  /** Does it only say where control goes on? All others take an address. */
  readonly branch: boolean;
  /**
   * Other pieces of the target's section that may be meant as well, where the relocation counts from the section: those that the code accesses from there (a
   * section anchor); or where it only takes the address, the one that ends there, or begins a little behind, as in `array - 1`.
   */
  readonly neighbours: readonly Piece[];
}

/** The name that a piece is known by; empty for one without a symbol. */
export const nameOf = (piece: Piece): string => piece.symbols[0]?.name ?? '';

/** Its name, or where it is, for messages. */
export const pieceText = (piece: Piece): string =>
  nameOf(piece) || `${piece.section.name}+0x${piece.start.toString(16)}`;

/** A place counted from a piece, for messages: `limits+0x10`. */
export const placeIn = (piece: Piece, at: number): string => pieceText(piece) + distance(at);

/** Bytes behind a name: `+0x10`, `-0x4`, nothing for 0. */
export const distance = (at: number): string => (at === 0 ? '' : `${at < 0 ? '-' : '+'}0x${Math.abs(at).toString(16)}`);

/** A name without what compilers number: `rover.0` and `rover.3`, `f.part.1` and `f.part.0` are `rover` and `f.part`. */
export const unnumbered = (name: string): string => name.replace(/\.\d+(?=\.|$)/g, '');

/** Has a compiler numbered it? */
export const isNumbered = (piece: Piece): boolean => unnumbered(nameOf(piece)) !== nameOf(piece);

/** Bytes that it has; none of a NOBITS section. */
export const bytesOf = ({ section, start, end }: Piece): Uint8Array => section.data().subarray(start, end);

/** The text from a place of a piece up to its NUL, which is included. */
export function textAt({ section, start, end }: Piece, at: number): Uint8Array {
  const rest = section.data().subarray(Math.max(0, start + at), end);
  const nul = rest.indexOf(0);
  return nul < 0 ? rest : rest.subarray(0, nul + 1);
}
