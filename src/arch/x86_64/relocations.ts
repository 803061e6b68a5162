import type { RelocationRow, RelocationRules } from '../relocation.ts';

/**
 * What arch_livepatch_perform_rela takes on x86; anything else is refused. No release has added or dropped one.
 * Source: xen/arch/x86/livepatch.c; names and numbers from the System V ABI AMD64 supplement, table 4.9.
 */
const ROWS: readonly RelocationRow[] = [
  { type: 0, name: 'R_X86_64_NONE', formula: 'none', width: 0, overflow: 'none' },
  { type: 1, name: 'R_X86_64_64', formula: 'S + A', width: 8, overflow: 'none' },
  { type: 2, name: 'R_X86_64_PC32', formula: 'S + A - P', width: 4, overflow: 'signed' },
  // Linked without a procedure linkage table, L is S.
  { type: 4, name: 'R_X86_64_PLT32', formula: 'S + A - P', width: 4, overflow: 'signed' },
];

export const X86_64_RELOCATIONS: ReadonlyMap<number, RelocationRow> = new Map(ROWS.map((row) => [row.type, row]));

export const X86_64_RELOCATION_RULES: RelocationRules = {
  relRefusal: { rule: 'rel-section', errno: 'EOPNOTSUPP', log: ['SHT_REL relocation unsupported'] },
  implicitAddend: () => null,
  leastBytes: 0,
  placeBeforeType: false,
  symbolPastEnd: 'Relative relocation wants symbol@%u which is past end',
  unhandled: 'Unhandled relocation %lu',
};
