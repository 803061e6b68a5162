import type { CodeSpec, FunctionSpec, PayloadSpec, SectionSpec } from '../../src/synth/payload-spec.ts';

/** Functions that only an explicit version call runs. */
export const IDLE_FUNCTIONS = ['xen_changeset', 'xen_compile_date', 'xen_compile_time', 'xen_compiler'] as const;

const [A, B, C] = IDLE_FUNCTIONS;

/** What is of one architecture in the payloads that mutants are made of. Machine code is in hex digits. */
export interface MutantParts {
  /** A larger function that nobody runs: which only HVM guests need, or on Arm only `xl cpupool-…`. */
  readonly large: string;
  /** The code of `lp_site`, 64 bytes: what alternatives and bug frames are about. */
  readonly site: string;
  /** One instruction that does nothing, and a return. */
  readonly code: string;
  /** `new_size` of NOP patches: of a small function, and of a large one, twice. */
  readonly nopSizes: { readonly small: number; readonly large: number; readonly last: number };
  readonly alternatives: readonly SectionSpec[];
  readonly bugs: readonly SectionSpec[];
  /** Exception tables; none where there are none. */
  readonly faults: readonly SectionSpec[];
  /** Fields that relocations of every kind fill. */
  readonly relocations: readonly SectionSpec[];
  /**
   * Bytes that the hypervisor's string functions read at once. A fault in them may be reported at any of these. Source:
   * xen/arch/arm/arm64/lib/strcmp.S and its neighbours.
   */
  readonly stringGranule: bigint;
  /**
   * Does memcpy compare sizes as signed numbers? Of a negative size it then copies next to nothing, to a place that depends on where it believes
   * the end. Source: xen/arch/arm/arm64/lib/memcpy.S, arm32/lib/memcpy.S.
   */
  readonly signedCopies: boolean;
}

const variables: readonly SectionSpec[] = [
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
    type: 'nobits',
    size: 200,
    align: 32,
    symbols: [{ name: 'lp_zeroes', at: 8, local: true }],
  },
];

/**
 * The sound payloads by name. Without hooks. What they replace is run by nobody while a host lives, so that a replacement may hold any
 * bytes; with their names no symbol of the hypervisor is hidden.
 */
export function baseSpecs(parts: MutantParts): Readonly<Record<string, PayloadSpec>> {
  const { large, nopSizes, alternatives, bugs, faults, relocations } = parts;
  const code: readonly CodeSpec[] = [
    { symbol: 'lp_new_fn', returns: '-MUTANT' },
    { symbol: 'lp_site', hex: parts.site, local: true },
    { symbol: 'lp_second', returns: 'second' },
  ];
  const functions: readonly FunctionSpec[] = [{ name: A }];
  return {
    plain: { code, functions },
    'two-functions': {
      code,
      functions: [{ name: A }, { name: B, new: 'lp_second', expect: { len: 4, data: { of: B } } }],
    },
    nop: {
      code: [],
      functions: [
        { name: A, old: A, new: null, newSize: nopSizes.small },
        { name: large, new: null, newSize: nopSizes.large },
      ],
    },
    expectation: {
      code,
      functions: [
        { name: large, expect: { len: 8, data: { of: large } } },
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
    alternatives: { code, functions, sections: alternatives },
    'bug-frames': { code, functions, sections: bugs },
    ...(faults.length > 0 && { 'exception-table': { code, functions, sections: faults } }),
    relocations: { code, functions, sections: relocations },
    variables: { code, functions, sections: variables },
    metadata: { code, functions, modinfo: 'author=nobody\0description=a mutant\0', funcsFlags: 'AW' },
    alignments: {
      code,
      functions,
      sections: [
        { name: '.text.b', flags: 'AX', hex: parts.code, align: 64, symbols: [{ name: 'lp_b', at: 0 }] },
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
        { name: large, new: null, newSize: nopSizes.last },
      ],
      sections: [...alternatives, ...bugs, ...faults, ...variables, ...relocations],
      modinfo: 'everything=1\0',
    },
  };
}
