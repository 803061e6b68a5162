import type {
  FieldEncoding,
  Relative,
  RelocationField,
  RelocationQuirk,
  RelocationRow,
  RelocationRules,
  ValueRange,
} from '../relocation.ts';
import { dataRow, eitherRange, signedRange, unsignedRange } from '../relocation-value.ts';
import { ADR, ADRP, BRANCH14, BRANCH19, BRANCH26, imm16, pageOffset } from './fields.ts';

/**
 * The relocations that arch_livepatch_perform_rela accepts on arm64, the same in every release.
 * Source: xen/arch/arm/arm64/livepatch.c; names and numbers from ELF for the Arm 64-bit Architecture (IHI 0056), 5.7.
 */

const data = (type: number, name: string, relative: Relative, width: 2 | 4 | 8): RelocationRow =>
  dataRow(type, `R_AARCH64_${name}`, relative, width, width === 8 ? null : eitherRange(width * 8));

type Insn = Pick<RelocationRow, 'relative' | 'range' | 'alignment' | 'quirk'> & { readonly field: RelocationField };

const insn = (type: number, name: string, row: Insn): RelocationRow => ({
  type,
  name: `R_AARCH64_${name}`,
  width: 4,
  pcOffset: 0,
  ...row,
});

/** A signed distance that fills its field. */
const distance = (field: RelocationField, relative: Relative = 'place'): Insn => ({
  ...{ relative, field, range: signedRange(field.lsb + field.bits), alignment: 2 ** field.lsb, quirk: null },
});

/** The offset of an address within its page, in units of the access size. */
const withinPage = (lsb: number): Insn => ({
  ...{ relative: 'no', range: null, alignment: 2 ** lsb, quirk: null, field: pageOffset(lsb) },
});

/** Sixteen bits of a value from bit `lsb` on, in MOVZ, MOVK or MOVN. If the type checks a range, the bits above must be zero or copies of the sign. */
const moveWide = (
  relative: Relative,
  lsb: number,
  range: ValueRange | null = null,
  encoding: FieldEncoding = 'replace',
): Insn => ({ relative, range, alignment: 1, quirk: null, field: imm16(lsb, encoding) });

const moveSigned = (relative: Relative, lsb: number, range: ValueRange | null = signedRange(lsb + 17)): Insn =>
  moveWide(relative, lsb, range, 'movz-or-movn');

/** Xen checks TSTBR14 against the 19 bits of CONDBR19; the field has 14. */
const TSTBR14: RelocationQuirk = {
  kind: 'range',
  checked: signedRange(21),
  rule: 'arm64-tstbr-range',
  message:
    'TBZ and TBNZ reach 32 KiB: Xen silently truncates this offset to 14 bits, so the branch goes to the wrong address',
};

const ROWS: readonly RelocationRow[] = [
  data(257, 'ABS64', 'no', 8),
  data(258, 'ABS32', 'no', 4),
  data(259, 'ABS16', 'no', 2),
  data(260, 'PREL64', 'place', 8),
  data(261, 'PREL32', 'place', 4),
  data(262, 'PREL16', 'place', 2),
  insn(263, 'MOVW_UABS_G0', moveWide('no', 0, unsignedRange(16))),
  insn(264, 'MOVW_UABS_G0_NC', moveWide('no', 0)),
  insn(265, 'MOVW_UABS_G1', moveWide('no', 16, unsignedRange(32))),
  insn(266, 'MOVW_UABS_G1_NC', moveWide('no', 16)),
  insn(267, 'MOVW_UABS_G2', moveWide('no', 32, unsignedRange(48))),
  insn(268, 'MOVW_UABS_G2_NC', moveWide('no', 32)),
  insn(269, 'MOVW_UABS_G3', moveWide('no', 48)),
  insn(270, 'MOVW_SABS_G0', moveSigned('no', 0)),
  insn(271, 'MOVW_SABS_G1', moveSigned('no', 16)),
  insn(272, 'MOVW_SABS_G2', moveSigned('no', 32)),
  insn(274, 'ADR_PREL_LO21', distance(ADR)),
  insn(275, 'ADR_PREL_PG_HI21', distance(ADRP, 'page')),
  insn(276, 'ADR_PREL_PG_HI21_NC', { ...distance(ADRP, 'page'), range: null }),
  insn(277, 'ADD_ABS_LO12_NC', withinPage(0)),
  insn(278, 'LDST8_ABS_LO12_NC', withinPage(0)),
  insn(279, 'TSTBR14', { ...distance(BRANCH14), quirk: TSTBR14 }),
  insn(280, 'CONDBR19', distance(BRANCH19)),
  insn(282, 'JUMP26', distance(BRANCH26)),
  insn(283, 'CALL26', distance(BRANCH26)),
  insn(284, 'LDST16_ABS_LO12_NC', withinPage(1)),
  insn(285, 'LDST32_ABS_LO12_NC', withinPage(2)),
  insn(286, 'LDST64_ABS_LO12_NC', withinPage(3)),
  insn(287, 'MOVW_PREL_G0', moveSigned('place', 0)),
  insn(288, 'MOVW_PREL_G0_NC', moveWide('place', 0)),
  insn(289, 'MOVW_PREL_G1', moveSigned('place', 16)),
  insn(290, 'MOVW_PREL_G1_NC', moveWide('place', 16)),
  insn(291, 'MOVW_PREL_G2', moveSigned('place', 32)),
  insn(292, 'MOVW_PREL_G2_NC', moveWide('place', 32)),
  insn(293, 'MOVW_PREL_G3', moveSigned('place', 48, null)),
  insn(299, 'LDST128_ABS_LO12_NC', withinPage(4)),
];

export const ARM64_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

export const ARM64_RELOCATION_RULES: RelocationRules = {
  relRefusal: {
    rule: 'rel-section',
    errno: 'ENOSYS',
    message: 'Xen does not support relocations without addends (SHT_REL) on arm64: use RELA sections',
  },
  // Even a 16-bit relocation needs four bytes.
  minBytes: 4,
  placeBeforeType: true,
  symbolPastEnd: 'Relative relocation wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation %lu',
};
