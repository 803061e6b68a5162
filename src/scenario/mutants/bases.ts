import type { Architecture } from '../../arch/index.ts';
import { ElfFields } from '../elf-fields.ts';
import { buildPayload } from '../payload-builder.ts';
import type { CodeSpec, FieldSpec, PayloadSpec } from '../payload-spec.ts';
import { alternatives, bugFrames, exTable } from '../payload-tables.ts';
import type { XenFacts } from '../xen-facts.ts';
import { ARM32_MUTANTS, ARM64_MUTANTS, armMutants } from './bases-arm.ts';

/**
 * The sound payloads that mutants are made of. Without hooks: what a hook does is not simulated. What they replace is run by nobody while
 * a host lives, so that a replacement may hold any bytes; with their names no symbol of the hypervisor is hidden.
 */

/** Functions that only an explicit version call runs. */
export const IDLE_FUNCTIONS = ['xen_changeset', 'xen_compile_date', 'xen_compile_time', 'xen_compiler'] as const;
/** A larger one: which only HVM guests need, or on Arm only `xl cpupool-…`. */
export const LARGE_IDLE_FUNCTIONS: Readonly<Record<Architecture['name'], string>> = {
  x86_64: 'hvm_hap_nested_page_fault',
  arm64: 'cpupool_do_sysctl',
  arm32: 'cpupool_do_sysctl',
};
const LARGE_IDLE_FUNCTION = LARGE_IDLE_FUNCTIONS.x86_64;

const [A, B, C] = IDLE_FUNCTIONS;

/** Always there, and never. */
const ALWAYS = 93;
const ABSENT = 639;

const code: readonly CodeSpec[] = [
  { symbol: 'lp_new_fn', returns: '-MUTANT' },
  { symbol: 'lp_site', hex: `${'0b'.repeat(63)}c3`, local: true },
  { symbol: 'lp_second', returns: 'second' },
];

const functions: PayloadSpec['functions'] = [{ name: A }];

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
const variables = [
  {
    name: '.data',
    flags: 'AW',
    hex: '0700000000000000',
    align: 8,
    symbols: [{ name: 'lp_counter', at: 0, local: true }],
  },
  {
    name: '.bss',
    flags: 'AW',
    type: 'nobits' as const,
    size: 200,
    align: 32,
    symbols: [{ name: 'lp_zeroes', at: 8, local: true }],
  },
];

const SPECS: Readonly<Record<string, PayloadSpec>> = {
  plain: { code, functions },
  'two-functions': {
    code,
    functions: [{ name: A }, { name: B, new: 'lp_second', expect: { len: 4, data: { of: B } } }],
  },
  nop: {
    code: [],
    functions: [
      { name: A, old: A, new: null, newSize: 7 },
      { name: LARGE_IDLE_FUNCTION, new: null, newSize: 31 },
    ],
  },
  expectation: {
    code,
    functions: [
      { name: LARGE_IDLE_FUNCTION, expect: { len: 8, data: { of: LARGE_IDLE_FUNCTION } } },
      { name: C, expect: { len: 3, data: { of: C } } },
    ],
  },
  'by-relocation': {
    code,
    functions: [
      { name: null, old: A, oldSize: 12 },
      { name: B, old: B },
    ],
  },
  alternatives: { code, functions, sections: alts },
  'bug-frames': { code, functions, sections: bugs },
  'exception-table': { code, functions, sections: [faults] },
  relocations: {
    code,
    functions,
    sections: [{ name: '.data.rel', flags: 'AW', size: 160, align: 8, fields: relocated }],
  },
  variables: { code, functions, sections: variables },
  metadata: { code, functions, modinfo: 'author=nobody\0description=a mutant\0', funcsFlags: 'AW' },
  alignments: {
    code,
    functions,
    sections: [
      { name: '.text.b', flags: 'AX', hex: '90c3', align: 64, symbols: [{ name: 'lp_b', at: 0 }] },
      { name: '.text.nobits', flags: 'AX', type: 'nobits', size: 7, align: 32 },
      { name: '.data.a', flags: 'AW', hex: '01' },
      { name: '.data.b', flags: 'AW', hex: '0200', align: 32 },
      { name: '.rodata.c', flags: 'A', hex: '03', align: 128 },
      { name: '.rodata.empty', flags: 'A', symbols: [{ name: 'lp_nothing', at: 0, local: true }] },
      { name: '.debug_lp', flags: '', hex: '0102', symbols: [{ name: 'lp_debug', at: 1, local: true }] },
      { name: '.comment', flags: 'MS', hex: '786300' },
    ],
  },
  everything: {
    code,
    functions: [
      { name: A, expect: { len: 5, data: { of: A } } },
      { name: B, new: 'lp_second' },
      { name: LARGE_IDLE_FUNCTION, new: null, newSize: 13 },
    ],
    sections: [
      ...alts,
      ...bugs,
      faults,
      ...variables,
      { name: '.data.rel', flags: 'AW', size: 160, align: 8, fields: relocated },
    ],
    modinfo: 'everything=1\0',
  },
};

const ALL: Readonly<Record<Architecture['name'], Readonly<Record<string, PayloadSpec>>>> = {
  x86_64: SPECS,
  arm64: armMutants(ARM64_MUTANTS, [A, B, C], LARGE_IDLE_FUNCTIONS.arm64),
  arm32: armMutants(ARM32_MUTANTS, [A, B, C], LARGE_IDLE_FUNCTIONS.arm32),
};

/** A sound payload, and where its fields are. */
export interface MutantBase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly elf: ElfFields;
}

/** The sound payloads, made for this hypervisor. */
export function mutantBases(xen: XenFacts): MutantBase[] {
  return Object.entries(ALL[xen.arch.name]).map(([name, spec]) => {
    const bytes = buildPayload(spec, { xen });
    return { name, bytes, elf: new ElfFields(bytes) };
  });
}
