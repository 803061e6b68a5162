import type { CodeSpec, FieldSpec, FunctionSpec, PayloadSpec, SectionSpec } from '../payload-spec.ts';

/** The same sound payloads for Arm: its relocations, alternatives and bug frames. */

/** What differs between the two. */
export interface ArmMutants {
  /** Instructions as hex digits: one that does nothing, and the return from a function. */
  readonly nop: string;
  readonly ret: string;
  /** Bytes of a pointer, and `r_type` of a displacement of 32 bits. */
  readonly pointerSize: 4 | 8;
  readonly relative: number;
  /** `r_type` of relocations of data (4 bytes each) and of instructions, with the instruction. */
  readonly data: readonly number[];
  readonly instructions: readonly (readonly [type: number, instruction: string])[];
}

/** Relocations: IHI 0056, section 5.7. Instructions: DDI 0487, C6.2, little endian. */
export const ARM64_MUTANTS: ArmMutants = {
  nop: '1f2003d5',
  ret: 'c0035fd6',
  pointerSize: 8,
  relative: 261,
  data: [258, 261],
  instructions: [
    [263 + 1, '000080d2'],
    [263 + 3, '0000a0f2'],
    [269, '0000e0f2'],
    [274, '00000010'],
    [275, '00000090'],
    [276, '00000090'],
    [277, '00000091'],
    [278, '00004039'],
    [280, '00000054'],
    [282, '00000014'],
    [283, '00000094'],
    [284, '00004079'],
    [285, '000040b9'],
    [286, '000040f9'],
    [299, '0000c03d'],
  ],
};

/** Relocations: IHI 0044, section 4.6. Instructions: DDI 0406C, A8.8. */
export const ARM32_MUTANTS: ArmMutants = {
  nop: '00f020e3',
  ret: '1eff2fe1',
  pointerSize: 4,
  relative: 3,
  data: [2, 3],
  instructions: [
    [28, '000000eb'],
    [29, '000000ea'],
    [43, '000000e3'],
    [44, '000040e3'],
  ],
};

/** Capabilities as Xen numbers them: live patches, which is always there, and one of another processor. Source: asm-arm/cpufeature.h. */
const ALWAYS = 4;
const ABSENT = 2;

const le = (value: number, width: number): string =>
  Array.from({ length: width }, (_, i) => ((value >>> (8 * i)) & 0xff).toString(16).padStart(2, '0')).join('');

interface Alternative {
  readonly feature: number;
  /** Bytes into `lp_site`. */
  readonly at: number;
  readonly length: number;
  readonly repl: string;
}

/** `.altinstructions` and the replacements. Source: asm-arm/alternative.h. */
function armAlternatives({ relative }: ArmMutants, entries: readonly Alternative[]): SectionSpec[] {
  let code = '';
  let table = '';
  const fields: FieldSpec[] = [];
  entries.forEach(({ feature, at, length, repl }, i) => {
    fields.push({ at: 12 * i, symbol: 'lp_site', addend: at, type: relative });
    fields.push({ at: 12 * i + 4, symbol: '.altinstr_replacement', addend: code.length / 2, type: relative });
    table += le(0, 8) + le(feature, 2) + le(length, 1) + le(repl.length / 2, 1);
    code += repl;
  });
  return [
    { name: '.altinstr_replacement', flags: 'AX', hex: code, align: 4 },
    { name: '.altinstructions', flags: 'A', hex: table, fields, align: 4 },
  ];
}

/** One `.bug_frames.N`: displacements from the start of a frame of 16 bytes. Source: asm-arm/bug.h. */
function armBugFrames(
  { relative }: ArmMutants,
  type: number,
  sites: readonly { at: number; line: number }[],
): SectionSpec {
  const frame = (line: number): string => le(0, 12) + le(line, 2) + le(0, 2);
  return {
    name: `.bug_frames.${type}`,
    flags: 'A',
    align: 4,
    hex: sites.map(({ line }) => frame(line)).join(''),
    fields: sites.flatMap(({ at }, i): FieldSpec[] => [
      { at: 16 * i, symbol: 'lp_site', addend: at, type: relative },
      { at: 16 * i + 4, symbol: '.rodata.str1.1', addend: 4, type: relative },
    ]),
  };
}

/** Words of data and instructions that relocations fill. */
function relocated({ pointerSize, data, instructions, nop }: ArmMutants): SectionSpec[] {
  const pointers = Array.from(
    { length: 12 },
    (_, i): FieldSpec => ({ at: pointerSize * i, symbol: i % 2 === 0 ? 'lp_site' : 'printk', addend: i }),
  );
  const words = Array.from(
    { length: 12 },
    (_, i): FieldSpec => ({
      at: 12 * pointerSize + 4 * i,
      symbol: i % 3 === 0 ? 'xen_extra_version' : 'lp_second',
      addend: i,
      type: data[i % data.length] as number,
    }),
  );
  const code = instructions.map(
    ([type], i): FieldSpec => ({ at: 4 * i, symbol: i % 2 === 0 ? 'printk' : 'lp_second', type }),
  );
  return [
    { name: '.data.rel', flags: 'AW', size: 12 * pointerSize + 48, align: 8, fields: [...pointers, ...words] },
    {
      name: '.text.rel',
      flags: 'AX',
      hex: instructions.map(([, word]) => word).join('') + nop,
      align: 4,
      fields: code,
    },
  ];
}

/** The payloads by name. `names` are functions that nobody runs, the last of them a large one. */
export function armMutants(arm: ArmMutants, names: readonly [string, string, string], large: string) {
  const [a, b, c] = names;
  const { nop, ret } = arm;
  const code: readonly CodeSpec[] = [
    { symbol: 'lp_new_fn', returns: '-MUTANT' },
    { symbol: 'lp_site', hex: nop.repeat(15) + ret, local: true },
    { symbol: 'lp_second', returns: 'second' },
  ];
  const functions: readonly FunctionSpec[] = [{ name: a }];
  const alternatives = armAlternatives(arm, [
    { feature: ALWAYS, at: 0, length: 4, repl: ret },
    { feature: ALWAYS, at: 4, length: 12, repl: nop + ret + nop },
    { feature: ABSENT, at: 16, length: 8, repl: ret + ret },
    { feature: ALWAYS, at: 32, length: 4, repl: nop },
  ]);
  const bugs = [
    armBugFrames(arm, 0, [{ at: 4, line: 12 }]),
    armBugFrames(arm, 1, [
      { at: 8, line: 1234 },
      { at: 16, line: 77 },
    ]),
  ];
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
  const specs: Readonly<Record<string, PayloadSpec>> = {
    plain: { code, functions },
    'two-functions': {
      code,
      functions: [{ name: a }, { name: b, new: 'lp_second', expect: { len: 4, data: { of: b } } }],
    },
    nop: {
      code: [],
      functions: [
        { name: a, old: a, new: null, newSize: 8 },
        { name: large, new: null, newSize: 28 },
      ],
    },
    expectation: {
      code,
      functions: [
        { name: large, expect: { len: 8, data: { of: large } } },
        { name: c, expect: { len: 3, data: { of: c } } },
      ],
    },
    'by-relocation': {
      code,
      functions: [
        { name: null, old: a, oldSize: 12 },
        { name: b, old: b },
      ],
    },
    alternatives: { code, functions, sections: alternatives },
    'bug-frames': { code, functions, sections: bugs },
    relocations: { code, functions, sections: relocated(arm) },
    variables: { code, functions, sections: variables },
    metadata: { code, functions, modinfo: 'author=nobody\0description=a mutant\0', funcsFlags: 'AW' },
    alignments: {
      code,
      functions,
      sections: [
        { name: '.text.b', flags: 'AX', hex: nop + ret, align: 64, symbols: [{ name: 'lp_b', at: 0 }] },
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
        { name: a, expect: { len: 5, data: { of: a } } },
        { name: b, new: 'lp_second' },
        { name: large, new: null, newSize: 12 },
      ],
      sections: [...alternatives, ...bugs, ...variables, ...relocated(arm)],
      modinfo: 'everything=1\0',
    },
  };
  return specs;
}
