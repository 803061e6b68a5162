import type { PlacedValue, RelocatedPlace, RelocationRow, RelocationRules } from '../relocation.ts';

/**
 * What arch_livepatch_perform takes on arm32, with and without addends of their own; anything else is refused. No release has
 * added or dropped one. Where it differs from the ABI, it does in every release.
 * Source: xen/arch/arm/arm32/livepatch.c; names and numbers from ELF for the Arm Architecture (IHI 0044), 4.6.
 */

/** ARCH_LIVEPATCH_RANGE. */
export const ARM32_RANGE = 0x200_0000n;

const IMM24_MASK = 0x00ff_ffff;
/** What perform_rel keeps of imm24: one bit less than there is. */
const KEPT_MASK = 0x00ff_fffe;

/** CALL, JUMP24. Without an addend the field is or-ed into what is there. */
function branch({ word, value, addend }: RelocatedPlace): PlacedValue {
  const cleared = addend === 0n ? word : word & ~IMM24_MASK;
  const offset = BigInt.asIntN(32, value);
  if (offset < -ARM32_RANGE || offset >= ARM32_RANGE) return { word: cleared >>> 0, overflow: true };
  const imm = Number(BigInt.asUintN(24, offset >> 2n));
  const placed = (cleared | (imm & KEPT_MASK)) >>> 0;
  return { word: placed, overflow: false, ...((imm & 1) !== 0 && (placed & 1) === 0 && { quirk: BRANCH_MASK }) };
}

const BRANCH_MASK = {
  rule: 'arm32-branch-mask',
  message:
    'Xen clears the lowest bit of the offset of a branch: this one, from an address that differs from its target by an odd number of words, goes four bytes too low',
} as const;

const MOVE_FIELD = 0x000f_0fff;

/** MOVW_ABS_NC and MOVT_ABS, from bit `lsb` of the symbol's value on. */
function move(lsb: 0 | 16) {
  return ({ word, value, addend }: RelocatedPlace): PlacedValue => {
    const cleared = addend === 0n ? word : word & ~MOVE_FIELD;
    const bits = Number((BigInt.asUintN(32, value) >> BigInt(lsb)) & 0xffffn);
    const placed = (cleared | (bits & 0xfff) | ((bits >>> 12) << 16)) >>> 0;
    return { word: placed, overflow: false, ...(addend !== 0n && { quirk: MOVE_ADDEND }) };
  };
}

const MOVE_ADDEND = {
  rule: 'arm32-move-addend',
  message: 'Xen ignores the addend of MOVW and MOVT relocations: the register gets the address of the symbol itself',
} as const;

const ROWS: readonly RelocationRow[] = [
  { type: 0, name: 'R_ARM_NONE', formula: 'none', width: 0, overflow: 'none' },
  { type: 2, name: 'R_ARM_ABS32', formula: 'S + A', width: 4, overflow: 'none' },
  { type: 3, name: 'R_ARM_REL32', formula: 'S + A - P', width: 4, overflow: 'none' },
  { type: 28, name: 'R_ARM_CALL', formula: 'S + A - P', width: 4, overflow: 'field', place: branch },
  { type: 29, name: 'R_ARM_JUMP24', formula: 'S + A - P', width: 4, overflow: 'field', place: branch },
  { type: 43, name: 'R_ARM_MOVW_ABS_NC', formula: 'S', width: 4, overflow: 'field', place: move(0) },
  { type: 44, name: 'R_ARM_MOVT_ABS', formula: 'S', width: 4, overflow: 'field', place: move(16) },
];

export const ARM32_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

const whole = (word: number): number => word | 0;
const branchAddend = (word: number): number => ((word << 8) >> 8) * 4;
const moveAddend = (word: number): number => (((word & 0xfff) | ((word & 0xf_0000) >>> 4)) << 16) >> 16;

/** get_addend. */
const ADDENDS: Readonly<Record<number, (word: number) => number>> = {
  2: whole,
  3: whole,
  28: branchAddend,
  29: branchAddend,
  43: moveAddend,
  44: moveAddend,
};

export const ARM32_RELOCATION_RULES: RelocationRules = {
  relRefusal: null,
  implicitAddend: (type) => ADDENDS[type] ?? null,
  leastBytes: null,
  placeBeforeType: false,
  symbolPastEnd: 'Relative symbol wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation #%x',
};
