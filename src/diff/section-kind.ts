import {
  type ElfSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_NOTE,
} from '../elf/index.ts';

/**
 * What a section of a compiled object is for the hypervisor.
 *
 * - `code`: functions. `init`: gone once the host is up. `percpu`: the areas that every CPU has a copy of.
 * - `data`, `bss`: variables. `constant`: never written once the host runs.
 * - `strings`, `literals`: SHF_MERGE sections, of texts and of entries with one size.
 * - `fixup`, `replacement`: code that tables lead to. `table`: entries that belong to functions, `hooks`: those of a payload.
 * - `ignored`: what no behaviour depends on.
 */
export type SectionKind =
  | 'code'
  | 'init'
  | 'percpu'
  | 'data'
  | 'bss'
  | 'constant'
  | 'strings'
  | 'literals'
  | 'fixup'
  | 'replacement'
  | 'table'
  | 'hooks'
  | 'ignored';

/**
 * By name, first match. Sources: xen/arch/x86/xen.lds.S and arch/arm/xen.lds.S (what is discarded, and what lies between `__init_begin` and
 * `__init_end`), asm/alternative.h, asm/bug.h, asm/uaccess.h, xen/livepatch_payload.h.
 *
 * `.note.gnu.property` tells which instructions of the assembler's kind were used; no release before 718400a54d (4.20) keeps it out.
 */
const BY_NAME: readonly (readonly [RegExp, SectionKind])[] = [
  [/^\.(?:discard|comment|note|eh_frame|debug|llvm_addrsig|gnu\.|ARM\.(?:attributes|exidx|extab))/, 'ignored'],
  [/^\.(?:init|exit|ex_table\.pre|ctors|lockprofile|trampoline|text\.startup)/, 'init'],
  [/^\.(?:bss|data)\.percpu/, 'percpu'],
  [/^\.fixup$/, 'fixup'],
  [/^\.altinstr_replacement$/, 'replacement'],
  [/^\.(?:altinstructions|ex_table|alt_call_sites|bug_frames\.\d+)$/, 'table'],
  [/^\.livepatch\.hooks\./, 'hooks'],
  [/^\.data\.rel\.ro(?:\.|$)/, 'constant'],
];

/** What a section is for: by its name where Xen gives that a meaning, else by its flags. */
export function kindOfSection(section: ElfSection): SectionKind {
  const { flags, name, type } = section;
  if ((flags & SHF_ALLOC) === 0 || type === SHT_NOTE) return 'ignored';
  const named = BY_NAME.find(([pattern]) => pattern.test(name));
  if (named !== undefined) return named[1];
  if ((flags & SHF_EXECINSTR) !== 0) return 'code';
  if ((flags & SHF_WRITE) !== 0) return type === SHT_NOBITS ? 'bss' : 'data';
  if ((flags & SHF_MERGE) === 0) return 'constant';
  return (flags & SHF_STRINGS) === 0 ? 'literals' : 'strings';
}
