/**
 * Relocations are rows of data. One function in the hypervisor room applies them all.
 *
 * Formula letters are the ABI documents': S value of the symbol, A addend, P address of the place; Page clears the lowest
 * twelve bits.
 */
export interface RelocationRow {
  readonly type: number;
  readonly name: string;
  readonly formula: 'none' | 'S' | 'S + A' | 'S + A - P' | 'Page(S + A) - Page(P)';
  /** Bytes stored at the place. */
  readonly width: 0 | 2 | 4 | 8;
  /**
   * Checked after the store. `signed`: the 64-bit result must be the sign extension of what was stored; `either`: or its
   * zero extension; `field`: {@link place} says so.
   */
  readonly overflow: 'none' | 'signed' | 'either' | 'field';
  /** Puts the result into an instruction; without it the result itself is stored. */
  readonly place?: (place: RelocatedPlace) => PlacedValue;
}

/** An instruction that a relocation changes. */
export interface RelocatedPlace {
  /** The instruction as it is. */
  readonly word: number;
  /** What the formula gives, as a signed value of the architecture's width. */
  readonly value: bigint;
  readonly addend: bigint;
}

export interface PlacedValue {
  /** The instruction as it becomes. It is stored, even where it overflows. */
  readonly word: number;
  readonly overflow: boolean;
  /** The hypervisor takes this relocation, and does not do what the ABI says. */
  readonly quirk?: RelocationQuirk;
}

/** A place where Xen's relocation differs from the ABI document's. */
export interface RelocationQuirk {
  /** Stable rule id of the finding. */
  readonly rule: string;
  readonly message: string;
}

/** What the loader does around the rows: checks, and the words in which it refuses. */
export interface RelocationRules {
  /** Answer to a section of type SHT_REL; `null` where the architecture takes them. */
  readonly relRefusal: RelRefusal | null;
  /** Addend of a REL entry of a known type from the word at the place; `null` where the type has none, and nothing is read. */
  implicitAddend(type: number): ((word: number) => number) | null;
  /** Bytes that have to lie inside the section whatever the type says; `null` where nothing has to. */
  readonly leastBytes: number | null;
  /** Is the place checked before the type is looked at? */
  readonly placeBeforeType: boolean;
  /** Template for a symbol index past the end of the symbol table. */
  readonly symbolPastEnd: string;
  /** Template for a type without a row. */
  readonly unhandled: string;
}

/** As `Refusal` of the architecture record. */
export interface RelRefusal {
  readonly rule: string;
  readonly errno: 'EOPNOTSUPP' | 'ENOSYS';
  readonly log?: readonly [template: string];
  readonly message?: string;
}
