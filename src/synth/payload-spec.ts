/**
 * Payloads as data, built without a compiler for any hypervisor whose symbols are known. Everything that a spec leaves out is valid, so that a case
 * can break one thing. Numbers of 64 bits are hex digits.
 */

/** A number, or the address or size of one of the hypervisor's symbols, plus an offset. */
export type SpecNumber =
  | number
  | { readonly hex: string }
  | { readonly addr: string; readonly plus?: number }
  | { readonly sizeOf: string; readonly plus?: number };

/** A function in `.text`, aligned to 16 bytes. */
export interface CodeSpec {
  readonly symbol: string;
  /** Default: global. */
  readonly local?: boolean;
  /** The function returns this string. */
  readonly returns?: string;
  /** Machine code. */
  readonly hex?: string;
  /** Relocations of the machine code, at offsets from its start. */
  readonly fields?: readonly FieldSpec[];
  /** The function jumps to this symbol. */
  readonly jumpTo?: string;
}

export interface ExpectationSpec {
  readonly enabled?: boolean;
  readonly len: number;
  readonly rsv?: number;
  /** Hex digits, or the bytes at a symbol in the hypervisor's file. */
  readonly data: string | { readonly of: string };
}

/** An entry of `.livepatch.funcs`. */
export interface FunctionSpec {
  /** Default: `xen_extra_version`. `null` is a NULL pointer, a number that pointer. */
  readonly name?: string | null | SpecNumber;
  /** A symbol, of the payload or the hypervisor; `null` is a NOP patch. Default: the first of `code`. */
  readonly new?: string | null | SpecNumber;
  /** A symbol by relocation, or a number. Default: 0, so that Xen looks the name up. */
  readonly old?: string | SpecNumber;
  /** Default: 8. */
  readonly newSize?: SpecNumber;
  /** Default: from the named symbol to the next one, or 12. */
  readonly oldSize?: SpecNumber;
  readonly version?: number;
  /** Hex digits of the bytes after `version`. */
  readonly pad?: string;
  readonly expect?: ExpectationSpec;
}

/** A field that a relocation fills in. */
export interface FieldSpec {
  readonly at: number;
  /** A symbol of the payload, `.name` for one of its sections, or a symbol of the hypervisor. */
  readonly symbol: string;
  readonly addend?: number;
  /** `r_type`. Default: that of a pointer. */
  readonly type?: number;
}

export interface SectionSpec {
  readonly name: string;
  /** Letters as in readelf: `A`, `W`, `X`, `M`, `S`. */
  readonly flags: string;
  /** Default: PROGBITS. */
  readonly type?: 'nobits' | 'note';
  readonly hex?: string;
  /** In bytes; zeroes follow `hex`. */
  readonly size?: number;
  readonly align?: number;
  readonly fields?: readonly FieldSpec[];
  readonly symbols?: readonly { readonly name: string; readonly at: number; readonly local?: boolean }[];
}

/** `'xen'` is the hypervisor's build-id, `'@key'` that of another payload of the case, anything else hex digits. `null` omits the section. */
export type IdSpec = string | null;

export interface PayloadSpec {
  /** Default: `lp_new_fn`, which returns "-LIVEPATCHED". */
  readonly code?: readonly CodeSpec[];
  /** Default: one entry, which replaces `xen_extra_version`. */
  readonly functions?: readonly FunctionSpec[];
  /** Default: `A`. */
  readonly funcsFlags?: string;
  readonly sections?: readonly SectionSpec[];
  /** Undefined symbols. */
  readonly symbols?: readonly {
    readonly name: string;
    readonly shndx: number;
    readonly value?: number;
    readonly size?: number;
  }[];
  readonly modinfo?: string;
  readonly depends?: IdSpec;
  readonly xenDepends?: IdSpec;
  /** Default: a digest of the contents. */
  readonly buildId?: IdSpec;
  readonly edits?: readonly EditSpec[];
  /** The whole file in hex digits, instead of all other members. */
  readonly raw?: string;
  /** A finished file, by its name in {@link BuildContext}, instead of all members but `edits`. */
  readonly file?: string;
}

/** An edit of a valid file. Sections and symbols are found by their names before any edit. */
export type EditSpec =
  | { readonly ident: number; readonly value: number }
  | { readonly ehdr: string; readonly value: EditValue }
  | { readonly section: string; readonly field: string; readonly value: EditValue }
  | { readonly symbol: string; readonly field: string; readonly value: EditValue }
  | { readonly rela: string; readonly entry: number; readonly field: RelaField; readonly value: EditValue }
  | { readonly bytes: string; readonly at: number; readonly hex: string }
  /** The new name must not be longer than the old one. */
  | { readonly rename: string; readonly to: string }
  /** Bytes to keep; a negative number counts from the end. */
  | { readonly truncate: number }
  /** Appends zeroes up to this size. */
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

/** An alternative for a place in the payload's code. */
export interface AlternativeSpec {
  readonly feature: number;
  /** A symbol of the payload, and an offset from it. */
  readonly site: string;
  readonly at?: number;
  readonly origLen: number;
  readonly padLen?: number;
  /** The replacement's machine code. */
  readonly repl: string;
  readonly priv?: number;
}
