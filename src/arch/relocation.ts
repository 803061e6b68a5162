import type { RuleId } from '../catalogue/index.ts';
/**
 * The base of a relocation's value. S is the symbol's value, A the addend, P the address of the place; Page() clears the lowest twelve bits.
 *
 * - `no`: S + A, an address. `.quad f` with R_X86_64_64 stores the address of f.
 * - `place`: S + A - P, a distance. `call f` at 0x1000 with R_X86_64_PC32 and A = -4, f at 0x3000: the field at 0x1001 gets 0x3000 - 4 - 0x1001 = 0x1ffb.
 * - `page`: Page(S + A) - Page(P), a distance in whole pages. `adrp x0, v` at 0x1ffc with R_AARCH64_ADR_PREL_PG_HI21, v at 0x5010: 0x5000 - 0x1000 = 0x4000.
 */
export type Relative = 'no' | 'place' | 'page';

/** Values from `min` to `max`, inclusive. A number holds every ABI bound exactly. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** A run of bits in an instruction. */
export interface FieldPart {
  /** The lowest bit in the word. */
  readonly at: number;
  readonly bits: number;
}

/**
 * How a value is inserted into an instruction.
 *
 * - `replace`: overwrites the field with the value's bits, even if the value is out of range. `bl f` with R_AARCH64_CALL26, f 0x100 bytes
 *   ahead: 0x94000000 becomes 0x94000040.
 * - `movz-or-movn`: as `replace`, but the sign selects the opcode. R_AARCH64_MOVW_SABS_G0 with -2 turns `movz x0, #0` into `movn x0, #1`.
 * - `merge`: Xen on arm32. A non-zero addend clears the field, even if the value is out of range; then Xen ORs in a value in range.
 *   R_ARM_CALL with A = -8, f 0x100 bytes ahead: 0xebfffffe becomes 0xeb00003e.
 */
export type FieldEncoding = 'replace' | 'movz-or-movn' | 'merge';

/** An instruction's immediate: bits of the value, and their places in the word. */
export interface RelocationField {
  /** The lowest encoded bit of the value: 2 if the field counts words. */
  readonly lsb: number;
  /** Number of encoded bits. */
  readonly bits: number;
  /** Positions of these bits, lowest first. Surplus bits become 0. */
  readonly parts: readonly FieldPart[];
  readonly encoding: FieldEncoding;
}

/** One relocation type that Xen implements. */
export interface RelocationRow {
  readonly type: number;
  /** `R_…`, as in the ABI document. */
  readonly name: string;
  readonly relative: Relative;
  /** Size of the place in bytes; 0 for a relocation that does nothing. */
  readonly width: 0 | 2 | 4 | 8;
  /** The values that the ABI allows; `null` for any, as for addresses and `_NC` types. */
  readonly range: ValueRange | null;
  /** Alignment of the value, in bytes. Xen does not check it. */
  readonly alignment: number;
  /** The field of an instruction; `null` for data. */
  readonly field: RelocationField | null;
  /** Bytes from the place to the address that the instruction counts from. With the negated offset as addend, it refers to the symbol itself. */
  readonly pcOffset: number;
  /** How Xen's loader differs from the ABI; `null` if it does not. */
  readonly quirk: RelocationQuirk | null;
}

/** A difference between Xen's loader and the ABI, and the finding that reports it. */
export type RelocationQuirk = {
  /** Stable rule id of the finding. */
  readonly rule: RuleId;
  readonly message: string;
} & (
  | {
      /** Xen checks a different range. */
      readonly kind: 'range';
      readonly checked: ValueRange;
    }
  | {
      /** Xen clears this bit of the value. */
      readonly kind: 'lost-bit';
      readonly bit: number;
    }
  | {
      /** Xen ignores the addend. */
      readonly kind: 'no-addend';
    }
);

/** How the loader checks an entry before it applies its row, and what it logs on a refusal. */
export interface RelocationRules {
  /** How a SHT_REL section is refused; `null` if the architecture accepts it. */
  readonly relRefusal: RelRefusal | null;
  /** Bytes from the place that must be inside the section, whatever the type; `null` if Xen does not check. */
  readonly minBytes: number | null;
  /** Whether the place is checked before the type. */
  readonly placeBeforeType: boolean;
  /** Template for a symbol index past the end of the symbol table. */
  readonly symbolPastEnd: string;
  /** Template for a type without a row. */
  readonly unhandled: string;
}

/** A `Refusal` of the architecture record. */
export interface RelRefusal {
  readonly rule: RuleId;
  readonly errno: 'EOPNOTSUPP' | 'ENOSYS';
  readonly log?: readonly [template: string];
  readonly message?: string;
}
