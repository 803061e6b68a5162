import type { AlternativeSpec, FieldSpec, SectionSpec } from './payload-spec.ts';

/** Makes the sections with tables about a payload's code, laid out as the compiler and Xen's macros do. */

const R_X86_64_PC32 = 2;

const le = (value: number, width: number): string =>
  Array.from({ length: width }, (_, i) => ((value / 2 ** (8 * i)) & 0xff).toString(16).padStart(2, '0')).join('');

/** Makes `.altinstr_replacement` and `.altinstructions`. Source: xen/arch/x86/include/asm/alternative.h. */
export function alternatives(entries: readonly AlternativeSpec[]): SectionSpec[] {
  let code = '';
  let table = '';
  const fields: FieldSpec[] = [];
  entries.forEach(({ feature, site, at = 0, origLen, padLen = 0, repl, priv = 0 }, i) => {
    fields.push({ at: 14 * i, symbol: site, addend: at, type: R_X86_64_PC32 });
    fields.push({ at: 14 * i + 4, symbol: '.altinstr_replacement', addend: code.length / 2, type: R_X86_64_PC32 });
    const lengths = [origLen, repl.length / 2, padLen, priv].map((length) => le(length, 1)).join('');
    table += le(0, 8) + le(feature, 2) + lengths;
    code += repl;
  });
  return [
    { name: '.altinstr_replacement', flags: 'AX', hex: code },
    { name: '.altinstructions', flags: 'A', hex: table, fields },
  ];
}

/** Makes one `.bug_frames.N` with a frame for each site. Source: xen/arch/x86/include/asm/bug.h. */
export function bugFrames(
  type: number,
  sites: readonly { readonly symbol: string; readonly at: number; readonly line: number }[],
  file: string,
): SectionSpec {
  const fields = sites.flatMap(({ symbol, at, line }, i): FieldSpec[] => [
    { at: 8 * i, symbol, addend: at + (line >> 7) * 2 ** 24, type: R_X86_64_PC32 },
    { at: 8 * i + 4, symbol: file, addend: 4 + (line & 127) * 2 ** 24, type: R_X86_64_PC32 },
  ]);
  return { name: `.bug_frames.${type}`, flags: 'A', size: 8 * sites.length, align: 4, fields };
}

/** Makes `.ex_table`: pairs of an instruction that may fault and its fix-up. Source: xen/arch/x86/include/asm/asm_defns.h. */
export function exTable(
  entries: readonly { readonly symbol: string; readonly at: number; readonly cont: number }[],
): SectionSpec {
  const fields = entries.flatMap(({ symbol, at, cont }, i): FieldSpec[] => [
    { at: 8 * i, symbol, addend: at, type: R_X86_64_PC32 },
    { at: 8 * i + 4, symbol, addend: cont, type: R_X86_64_PC32 },
  ]);
  return { name: '.ex_table', flags: 'A', size: 8 * entries.length, align: 4, fields };
}
