import type { RuleId } from '../catalogue/index.ts';
/**
 * What a relocation's value counts from. S is the symbol's value, A the addend, P the address of the place; Page() clears the lowest twelve bits.
 *
 * - `no`: S + A, an address. `.quad f` with R_X86_64_64 stores the address of f.
 * - `place`: S + A - P, a distance. `call f` at 0x1000 with R_X86_64_PC32 and A = -4, f at 0x3000: the field at 0x1001 gets 0x3000 - 4 - 0x1001 = 0x1ffb.
 * - `page`: Page(S + A) - Page(P), a distance in whole pages. `adrp x0, v` at 0x1ffc with R_AARCH64_ADR_PREL_PG_HI21, v at 0x5010: 0x5000 - 0x1000 = 0x4000.
 */
export type Relative = 'no' | 'place' | 'page';

/** Values from `min` to `max`, both included. Every bound of an ABI is exact as a number. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** Some bits of an instruction. */
export interface FieldPart {
  /** The lowest bit in the word. */
  readonly at: number;
  readonly bits: number;
}

/**
 * How a value becomes part of an instruction.
 *
 * - `replace`: the field gets the value's bits, also where the value is out of range. `bl f` with R_AARCH64_CALL26, f 0x100 bytes ahead: 0x94000000
 *   becomes 0x94000040.
 * - `movz-or-movn`: as `replace`, and the sign picks the opcode. R_AARCH64_MOVW_SABS_G0 with -2 makes `movn x0, #1` of `movz x0, #0`.
 * - `merge`: what Xen does on arm32. An addend other than 0 clears the field first, whether or not the value is in range; then a value in range is ored in.
 *   R_ARM_CALL with A = -8, f 0x100 bytes ahead: 0xebfffffe becomes 0xeb00003e.
 */
export type FieldEncoding = 'replace' | 'movz-or-movn' | 'merge';

/** An instruction's immediate: bits of the value, and their places in the word. */
export interface RelocationField {
  /** The lowest bit of the value that is kept: 2 where the field counts words. */
  readonly lsb: number;
  /** How many bits of the value are kept. */
  readonly bits: number;
  /** Places of these bits, the lowest first. Where there is room for more, the rest becomes 0. */
  readonly parts: readonly FieldPart[];
  readonly encoding: FieldEncoding;
}

/** One relocation type that Xen implements. */
export interface RelocationRow {
  readonly type: number;
  /** `R_…`, as in the ABI document. */
  readonly name: string;
  readonly relative: Relative;
  /** Bytes stored at the place; 0 for a relocation that does nothing. */
  readonly width: 0 | 2 | 4 | 8;
  /** The values that the ABI allows; `null` if any will do, as for addresses and `_NC` types. */
  readonly range: ValueRange | null;
  /** Alignment of the value, in bytes. Xen does not check it. */
  readonly alignment: number;
  /** The field of an instruction; `null` where the value itself is stored. */
  readonly field: RelocationField | null;
  /** Bytes from the place to the address that an instruction's distance is relative to. An addend of minus this leads to the symbol itself. */
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

/** How the loader checks an entry before it applies its row, and what it logs when it refuses one. */
export interface RelocationRules {
  /** How a SHT_REL section is refused; `null` if the architecture accepts it. */
  readonly relRefusal: RelRefusal | null;
  /** Bytes at the place that must be inside the section, whatever the type; `null` if nothing is checked. */
  readonly leastBytes: number | null;
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
