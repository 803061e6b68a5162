import type { FieldSpec } from '../../src/synth/payload-spec.ts';
import { alternatives, bugFrames, exTable } from '../../src/synth/payload-tables.ts';
import type { MutantParts } from './base-specs.ts';

/** What is of x86-64 in the payloads that mutants are made of. */

/** Always there, and never. */
const ALWAYS = 93;
const ABSENT = 639;

const relocated: readonly FieldSpec[] = [
  ...Array.from(
    { length: 12 },
    (_, i): FieldSpec => ({ at: 8 * i, symbol: i % 2 === 0 ? 'lp_site' : 'printk', addend: i }),
  ),
  ...Array.from(
    { length: 12 },
    (_, i): FieldSpec => ({
      at: 96 + 4 * i,
      symbol: i % 3 === 0 ? 'xen_extra_version' : 'lp_second',
      addend: -i,
      type: i % 2 === 0 ? 2 : 4,
    }),
  ),
  { at: 144, symbol: '.rodata.str1.1', addend: 2 },
  { at: 152, symbol: 'boot_cpu_data' },
];

const alts = alternatives([
  { feature: ALWAYS, site: 'lp_site', origLen: 3, repl: 'b00190' },
  { feature: ALWAYS, site: 'lp_site', at: 3, origLen: 12, repl: '90' },
  { feature: ABSENT, site: 'lp_site', at: 15, origLen: 2, padLen: 9, repl: 'f4'.repeat(11) },
  { feature: 0x8000 | ABSENT, site: 'lp_site', at: 26, origLen: 4, repl: 'f4f4' },
  { feature: ALWAYS, site: 'lp_site', at: 30, origLen: 5, repl: 'e8fbffffff' },
]);
const bugs = [
  bugFrames(0, [{ symbol: 'lp_site', at: 1, line: 12 }], '.rodata.str1.1'),
  bugFrames(
    1,
    [
      { symbol: 'lp_site', at: 2, line: 1234 },
      { symbol: 'lp_site', at: 4, line: 77 },
    ],
    '.rodata.str1.1',
  ),
  { name: '.bug_frames.3', flags: 'A', size: 16, align: 4, fields: [{ at: 0, symbol: 'lp_site', addend: 6, type: 2 }] },
];
const faults = exTable([5, 1, 3, 2].map((at) => ({ symbol: 'lp_site', at, cont: at + 16 })));

export const X86_PARTS: MutantParts = {
  large: 'hvm_hap_nested_page_fault',
  stringGranule: 1n,
  signedCopies: false,
  site: `${'0b'.repeat(63)}c3`,
  code: '90c3',
  nopSizes: { small: 7, large: 31, last: 13 },
  alternatives: alts,
  bugs,
  faults: [faults],
  relocations: [{ name: '.data.rel', flags: 'AW', size: 160, align: 8, fields: relocated }],
};
