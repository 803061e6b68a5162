import type { RelocationRow, RelocationRules } from '../relocation.ts';
import { dataRow, signedRange } from '../relocation-value.ts';

/** PC-relative values in instructions count from the end of the 32-bit field. */
const FIELD_END = 4;

/**
 * The relocations that arch_livepatch_perform_rela accepts on x86, the same in every release.
 * Source: xen/arch/x86/livepatch.c; names and numbers from the System V ABI AMD64 supplement, table 4.9.
 */
const ROWS: readonly RelocationRow[] = [
  dataRow(0, 'R_X86_64_NONE', 'no', 0),
  dataRow(1, 'R_X86_64_64', 'no', 8),
  dataRow(2, 'R_X86_64_PC32', 'place', 4, signedRange(32), FIELD_END),
  // Without a PLT, L is S.
  dataRow(4, 'R_X86_64_PLT32', 'place', 4, signedRange(32), FIELD_END),
];

export const X86_64_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

export const X86_64_RELOCATION_RULES: RelocationRules = {
  relRefusal: { rule: 'rel-section', errno: 'EOPNOTSUPP', log: ['SHT_REL relocation unsupported'] },
  minBytes: 0,
  placeBeforeType: false,
  symbolPastEnd: 'Relative relocation wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation %lu',
};
