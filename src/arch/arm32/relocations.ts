import type { RelocationField, RelocationQuirk, RelocationRow, RelocationRules } from '../relocation.ts';
import { dataRow, signedRange } from '../relocation-value.ts';

/**
 * The relocations that arch_livepatch_perform_rela and arch_livepatch_perform_rel accept on arm32. They and their differences from the ABI
 * are the same in every release.
 * Source: xen/arch/arm/arm32/livepatch.c; names and numbers from ELF for the Arm Architecture (IHI 0044), 4.6.
 */

/** ARCH_LIVEPATCH_RANGE. */
export const ARM32_RANGE = 0x200_0000n;

const IMM24: RelocationField = { lsb: 2, bits: 24, parts: [{ at: 0, bits: 24 }], encoding: 'merge' };

/** The immediate of MOVW and MOVT: imm4:imm12. */
const imm16 = (lsb: 0 | 16): RelocationField => ({
  lsb,
  bits: 16,
  parts: [
    { at: 0, bits: 12 },
    { at: 16, bits: 4 },
  ],
  encoding: 'merge',
});

/** perform_rel masks imm24 with 0xfffffe. */
const BRANCH_MASK: RelocationQuirk = {
  kind: 'lost-bit',
  bit: 4,
  rule: 'arm32-branch-mask',
  message:
    'Xen clears the lowest bit of the word offset: this target is an odd number of words away, so the branch lands four bytes below it',
};

const MOVE_ADDEND: RelocationQuirk = {
  kind: 'no-addend',
  rule: 'arm32-move-addend',
  message: 'Xen ignores the addend of MOVW and MOVT relocations: the register gets the address of the symbol alone',
};

/** Branch offsets count from two instructions ahead. */
const branch = (type: number, name: string): RelocationRow => ({
  ...{ type, name, relative: 'place', width: 4, range: signedRange(26), alignment: 4 },
  ...{ field: IMM24, pcOffset: 8, quirk: BRANCH_MASK },
});

const move = (type: number, name: string, lsb: 0 | 16): RelocationRow => ({
  ...{ type, name, relative: 'no', width: 4, range: null, alignment: 1 },
  ...{ field: imm16(lsb), pcOffset: 0, quirk: MOVE_ADDEND },
});

const ROWS: readonly RelocationRow[] = [
  dataRow(0, 'R_ARM_NONE', 'no', 0),
  dataRow(2, 'R_ARM_ABS32', 'no', 4),
  dataRow(3, 'R_ARM_REL32', 'place', 4),
  branch(28, 'R_ARM_CALL'),
  branch(29, 'R_ARM_JUMP24'),
  move(43, 'R_ARM_MOVW_ABS_NC', 0),
  move(44, 'R_ARM_MOVT_ABS', 16),
];

export const ARM32_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

export const ARM32_RELOCATION_RULES: RelocationRules = {
  relRefusal: null,
  minBytes: null,
  placeBeforeType: false,
  symbolPastEnd: 'Relative symbol wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation #%x',
};
