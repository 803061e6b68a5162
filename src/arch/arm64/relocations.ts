import type { PlacedValue, RelocatedPlace, RelocationRow, RelocationRules } from '../relocation.ts';

/**
 * What arch_livepatch_perform_rela takes on arm64; anything else is refused. No release has added or dropped one.
 * Source: xen/arch/arm/arm64/livepatch.c; names and numbers from ELF for the Arm 64-bit Architecture (IHI 0056), 5.7.
 */

/** Where an immediate of this many bits is in an instruction. */
interface ImmediateField {
  readonly bits: number;
  readonly shift: number;
}

const IMM26: ImmediateField = { bits: 26, shift: 0 };
const IMM19: ImmediateField = { bits: 19, shift: 5 };
const IMM16: ImmediateField = { bits: 16, shift: 5 };
const IMM14: ImmediateField = { bits: 14, shift: 5 };
const IMM12: ImmediateField = { bits: 12, shift: 10 };
/** ADR and ADRP: two low bits at 29, the other 19 at 5. */
const ADR = 'adr';

const insert = (word: number, { bits, shift }: ImmediateField, value: bigint): number => {
  const mask = 2 ** bits - 1;
  const cleared = (word & ~(mask << shift)) >>> 0;
  return (cleared | (Number(value & BigInt(mask)) << shift)) >>> 0;
};

const insertAdr = (word: number, value: bigint): number =>
  insert(insert(word, { bits: 2, shift: 29 }, value), { bits: 19, shift: 5 }, value >> 2n);

/** reloc_insn_imm: bits `lsb` and up of the result go into the field; checked against `length` bits, which need not be the field's. */
function immediate(lsb: number, length: number, field: ImmediateField | typeof ADR, checked: boolean) {
  return ({ word, value }: RelocatedPlace): PlacedValue => {
    const shifted = value >> BigInt(lsb);
    const kept = BigInt.asUintN(length, shifted);
    const placed = field === ADR ? insertAdr(word, kept) : insert(word, field, kept);
    const overflow = checked && BigInt.asIntN(length, shifted) !== shifted;
    const truncated = checked && !overflow && field !== ADR && BigInt.asIntN(field.bits, shifted) !== shifted;
    return { word: placed, overflow, ...(truncated && { quirk: TSTBR14_QUIRK }) };
  };
}

/** The overflow test of TSTBR14 has 19 bits, as CONDBR19's has; the field has 14. */
const TSTBR14_QUIRK = {
  rule: 'arm64-tstbr-range',
  message:
    'a TBZ or TBNZ reaches 32 KiB: Xen cuts this target to 14 bits without a word, and the branch goes somewhere else',
} as const;

const MOVZ = 2 << 29;
const OPCODE_MASK = 3 << 29;

/** reloc_insn_movw: bits `lsb` and up of the result, all of which have to fit 16; a signed one chooses MOVZ or MOVN. */
function moveWide(lsb: number, signed: boolean, checked: boolean) {
  return ({ word, value }: RelocatedPlace): PlacedValue => {
    let bits = value >> BigInt(lsb);
    let opcode = word;
    if (signed) {
      opcode = word & ~OPCODE_MASK;
      if (value >= 0n) opcode |= MOVZ;
      else bits = ~bits;
    }
    const overflow = checked && BigInt.asUintN(64, bits) > 0xffffn;
    return { word: insert(opcode >>> 0, IMM16, bits), overflow };
  };
}

const ABS = 'S + A';
const PREL = 'S + A - P';
const PAGE = 'Page(S + A) - Page(P)';

const data = (type: number, name: string, formula: RelocationRow['formula'], width: 2 | 4 | 8): RelocationRow => ({
  type,
  name: `R_AARCH64_${name}`,
  formula,
  width,
  overflow: width === 8 ? 'none' : 'either',
});

const insn = (
  type: number,
  name: string,
  formula: RelocationRow['formula'],
  place: NonNullable<RelocationRow['place']>,
): RelocationRow => ({ type, name: `R_AARCH64_${name}`, formula, width: 4, overflow: 'field', place });

const ROWS: readonly RelocationRow[] = [
  data(257, 'ABS64', ABS, 8),
  data(258, 'ABS32', ABS, 4),
  data(259, 'ABS16', ABS, 2),
  data(260, 'PREL64', PREL, 8),
  data(261, 'PREL32', PREL, 4),
  data(262, 'PREL16', PREL, 2),
  insn(263, 'MOVW_UABS_G0', ABS, moveWide(0, false, true)),
  insn(264, 'MOVW_UABS_G0_NC', ABS, moveWide(0, false, false)),
  insn(265, 'MOVW_UABS_G1', ABS, moveWide(16, false, true)),
  insn(266, 'MOVW_UABS_G1_NC', ABS, moveWide(16, false, false)),
  insn(267, 'MOVW_UABS_G2', ABS, moveWide(32, false, true)),
  insn(268, 'MOVW_UABS_G2_NC', ABS, moveWide(32, false, false)),
  insn(269, 'MOVW_UABS_G3', ABS, moveWide(48, false, false)),
  insn(270, 'MOVW_SABS_G0', ABS, moveWide(0, true, true)),
  insn(271, 'MOVW_SABS_G1', ABS, moveWide(16, true, true)),
  insn(272, 'MOVW_SABS_G2', ABS, moveWide(32, true, true)),
  insn(274, 'ADR_PREL_LO21', PREL, immediate(0, 21, ADR, true)),
  insn(275, 'ADR_PREL_PG_HI21', PAGE, immediate(12, 21, ADR, true)),
  insn(276, 'ADR_PREL_PG_HI21_NC', PAGE, immediate(12, 21, ADR, false)),
  insn(277, 'ADD_ABS_LO12_NC', ABS, immediate(0, 12, IMM12, false)),
  insn(278, 'LDST8_ABS_LO12_NC', ABS, immediate(0, 12, IMM12, false)),
  insn(279, 'TSTBR14', PREL, immediate(2, 19, IMM14, true)),
  insn(280, 'CONDBR19', PREL, immediate(2, 19, IMM19, true)),
  insn(282, 'JUMP26', PREL, immediate(2, 26, IMM26, true)),
  insn(283, 'CALL26', PREL, immediate(2, 26, IMM26, true)),
  insn(284, 'LDST16_ABS_LO12_NC', ABS, immediate(1, 11, IMM12, false)),
  insn(285, 'LDST32_ABS_LO12_NC', ABS, immediate(2, 10, IMM12, false)),
  insn(286, 'LDST64_ABS_LO12_NC', ABS, immediate(3, 9, IMM12, false)),
  insn(287, 'MOVW_PREL_G0', PREL, moveWide(0, true, true)),
  insn(288, 'MOVW_PREL_G0_NC', PREL, moveWide(0, false, false)),
  insn(289, 'MOVW_PREL_G1', PREL, moveWide(16, true, true)),
  insn(290, 'MOVW_PREL_G1_NC', PREL, moveWide(16, false, false)),
  insn(291, 'MOVW_PREL_G2', PREL, moveWide(32, true, true)),
  insn(292, 'MOVW_PREL_G2_NC', PREL, moveWide(32, false, false)),
  insn(293, 'MOVW_PREL_G3', PREL, moveWide(48, true, false)),
  insn(299, 'LDST128_ABS_LO12_NC', ABS, immediate(4, 8, IMM12, false)),
];

export const ARM64_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

export const ARM64_RELOCATION_RULES: RelocationRules = {
  relRefusal: {
    rule: 'rel-section',
    errno: 'ENOSYS',
    message: 'relocations without addends (SHT_REL) are not supported: give RELA sections',
  },
  implicitAddend: () => null,
  // Also a 16-bit relocation has to have four bytes.
  leastBytes: 4,
  placeBeforeType: true,
  symbolPastEnd: 'Relative relocation wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation %lu',
};
