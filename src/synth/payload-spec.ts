/**
 * Payloads as data: what the builder makes without a compiler, for any hypervisor whose symbols are known. Everything that is not
 * given is sound, so that a case can break one thing. Numbers of 64 bits are hex digits.
 */

/** A number; or one that depends on the hypervisor: a symbol's address or size plus an offset. */
export type SpecNumber =
  | number
  | { readonly hex: string }
  | { readonly addr: string; readonly plus?: number }
  | { readonly sizeOf: string; readonly plus?: number };

/** Code in `.text`, each at a multiple of 16. */
export interface CodeSpec {
  readonly symbol: string;
  /** Global by default. */
  readonly local?: boolean;
  /** A function that returns this string. */
  readonly returns?: string;
  /** Machine code. */
  readonly hex?: string;
  /** Fields of that machine code, at offsets from its start. */
  readonly fields?: readonly FieldSpec[];
  /** A jump to this symbol. */
  readonly jumpTo?: string;
}

export interface ExpectationSpec {
  readonly enabled?: boolean;
  readonly len: number;
  readonly rsv?: number;
  /** Hex digits, or what the hypervisor's file has at that symbol. */
  readonly data: string | { readonly of: string };
}

/** An entry of `.livepatch.funcs`. */
export interface FunctionSpec {
  /** Default `xen_extra_version`; `null` is a NULL pointer, a number that pointer. */
  readonly name?: string | null | SpecNumber;
  /** A symbol, of the payload or the hypervisor; `null` is a NOP patch. Default: the first of `code`. */
  readonly new?: string | null | SpecNumber;
  /** A symbol by relocation, or a number. Default 0: looked up by name. */
  readonly old?: string | SpecNumber;
  /** Default 8. */
  readonly newSize?: SpecNumber;
  /** Default: from the named symbol to the next one, or 12. */
  readonly oldSize?: SpecNumber;
  readonly version?: number;
  /** Hex digits of the bytes behind `version`. */
  readonly pad?: string;
  readonly expect?: ExpectationSpec;
}

/** A field that a relocation fills. */
export interface FieldSpec {
  readonly at: number;
  /** A symbol of the payload, `.name` for one of its sections, or else one of the hypervisor. */
  readonly symbol: string;
  readonly addend?: number;
  /** `r_type`; that of a pointer by default. */
  readonly type?: number;
}

export interface SectionSpec {
  readonly name: string;
  /** Letters as in readelf: `A`, `W`, `X`, `M`, `S`. */
  readonly flags: string;
  /** PROGBITS by default. */
  readonly type?: 'nobits' | 'note';
  readonly hex?: string;
  /** Bytes; zeroes behind `hex`. */
  readonly size?: number;
  readonly align?: number;
  readonly fields?: readonly FieldSpec[];
  readonly symbols?: readonly { readonly name: string; readonly at: number; readonly local?: boolean }[];
}

/** `'xen'` is the hypervisor's build-id, `'@key'` that of another payload of the case, else hex digits; `null` leaves the section out. */
export type IdSpec = string | null;

export interface PayloadSpec {
  /** Default: `lp_new_fn`, which returns "-LIVEPATCHED". */
  readonly code?: readonly CodeSpec[];
  /** Default: one that replaces `xen_extra_version`. */
  readonly functions?: readonly FunctionSpec[];
  /** Default `A`. */
  readonly funcsFlags?: string;
  readonly sections?: readonly SectionSpec[];
  /** Symbols without a section. */
  readonly symbols?: readonly {
    readonly name: string;
    readonly shndx: number;
    readonly value?: number;
    readonly size?: number;
  }[];
  readonly modinfo?: string;
  readonly depends?: IdSpec;
  readonly xenDepends?: IdSpec;
  /** Default: made of the contents. */
  readonly buildId?: IdSpec;
  readonly edits?: readonly EditSpec[];
  /** In place of all this: the file in hex digits. */
  readonly raw?: string;
  /** In place of all this: a finished file, by its name in {@link BuildContext}. `edits` apply to it. */
  readonly file?: string;
}

/** A changed field of a file that is sound otherwise. Sections and symbols are found by their names before any edit. */
export type EditSpec =
  | { readonly ident: number; readonly value: number }
  | { readonly ehdr: string; readonly value: EditValue }
  | { readonly section: string; readonly field: string; readonly value: EditValue }
  | { readonly symbol: string; readonly field: string; readonly value: EditValue }
  | { readonly rela: string; readonly entry: number; readonly field: RelaField; readonly value: EditValue }
  | { readonly bytes: string; readonly at: number; readonly hex: string }
  /** The new name is not longer than the old one. */
  | { readonly rename: string; readonly to: string }
  /** Bytes that are left; counted from the end where negative. */
  | { readonly truncate: number }
  /** Zeroes up to this size. */
  | { readonly growTo: number };

export type RelaField = 'offset' | 'type' | 'symbol' | 'addend';

export type EditValue =
  | number
  | { readonly hex: string }
  | { readonly fileSize: number }
  | { readonly shnum: number }
  | { readonly indexOf: string }
  | { readonly sizeOf: string; readonly plus: number }
  | { readonly offsetOf: string; readonly plus: number };

/** Alternatives of a place in the payload's code. */
export interface AlternativeSpec {
  readonly feature: number;
  /** A symbol of the payload and bytes behind it. */
  readonly site: string;
  readonly at?: number;
  readonly origLen: number;
  readonly padLen?: number;
  /** The replacement's machine code. */
  readonly repl: string;
  readonly priv?: number;
}
