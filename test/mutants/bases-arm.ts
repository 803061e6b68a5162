import type { FieldSpec, SectionSpec } from '../../src/synth/payload-spec.ts';
import type { MutantParts } from './base-specs.ts';

/** What is of Arm in the payloads that mutants are made of: its relocations, alternatives and bug frames. */

/** What differs between the two. */
interface ArmMutants {
  /** Instructions as hex digits: one that does nothing, and the return from a function. */
  readonly nop: string;
  readonly ret: string;
  /** See {@link MutantParts.stringGranule}. */
  readonly stringGranule: bigint;
  /** Bytes of a pointer, and `r_type` of a displacement of 32 bits. */
  readonly pointerSize: 4 | 8;
  readonly relative: number;
  /** `r_type` of relocations of data (4 bytes each) and of instructions, with the instruction. */
  readonly data: readonly number[];
  readonly instructions: readonly (readonly [type: number, instruction: string])[];
}

/** Relocations: IHI 0056, section 5.7. Instructions: DDI 0487, C6.2, little endian. */
const ARM64: ArmMutants = {
  stringGranule: 16n,
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
const ARM32: ArmMutants = {
  stringGranule: 1n,
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

function armParts(arm: ArmMutants): MutantParts {
  const { nop, ret, stringGranule } = arm;
  return {
    large: 'cpupool_do_sysctl',
    stringGranule,
    signedCopies: true,
    site: nop.repeat(15) + ret,
    code: nop + ret,
    nopSizes: { small: 8, large: 28, last: 12 },
    alternatives: armAlternatives(arm, [
      { feature: ALWAYS, at: 0, length: 4, repl: ret },
      { feature: ALWAYS, at: 4, length: 12, repl: nop + ret + nop },
      { feature: ABSENT, at: 16, length: 8, repl: ret + ret },
      { feature: ALWAYS, at: 32, length: 4, repl: nop },
    ]),
    bugs: [
      armBugFrames(arm, 0, [{ at: 4, line: 12 }]),
      armBugFrames(arm, 1, [
        { at: 8, line: 1234 },
        { at: 16, line: 77 },
      ]),
    ],
    faults: [],
    relocations: relocated(arm),
  };
}

export const ARM64_PARTS = armParts(ARM64);
export const ARM32_PARTS = armParts(ARM32);
