import {
  type ElfSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHT_NOTE,
} from '../elf/index.ts';

/**
 * What a section of a compiled object means to the proof.
 *
 * - `code`, `init`: instructions; `init` also covers data that Xen frees after boot. `snippet`: fix-ups and replacements of alternatives.
 * - `state`, `percpu`: writable objects. `constant`: read-only ones. `text`, `literal`: entries of SHF_MERGE sections.
 * - `table`: entries that belong to code. `hooks`: functions that the loader calls. `ignored`: not loaded, or without behaviour.
 */
export type Kind =
  | 'code'
  | 'init'
  | 'snippet'
  | 'state'
  | 'percpu'
  | 'constant'
  | 'text'
  | 'literal'
  | 'table'
  | 'hooks'
  | 'ignored';

/** First match by name. Sources: xen/arch/x86/xen.lds.S, xen/arch/arm/xen.lds.S, xen/include/xen/livepatch_payload.h. */
const BY_NAME: readonly (readonly [RegExp, Kind])[] = [
  [/^\.(?:discard|comment|note|eh_frame|debug|llvm_addrsig|gnu\.|ARM\.(?:attributes|exidx|extab))/, 'ignored'],
  [/^\.(?:init|exit|ex_table\.pre|ctors|lockprofile|trampoline|text\.startup)/, 'init'],
  [/^\.(?:bss|data)\.percpu/, 'percpu'],
  [/^\.(?:fixup|altinstr_replacement)$/, 'snippet'],
  [/^\.(?:altinstructions|ex_table|alt_call_sites|bug_frames\.\d+)$/, 'table'],
  [/^\.livepatch\./, 'hooks'],
  [/^\.data\.rel\.ro(?:\.|$)/, 'constant'],
];

/** Returns what a section means: by its name where Xen's linker script gives that a meaning, else by its flags. */
export function kindOf({ flags, name, type }: ElfSection): Kind {
  if ((flags & SHF_ALLOC) === 0 || type === SHT_NOTE) return 'ignored';
  const named = BY_NAME.find(([pattern]) => pattern.test(name));
  if (named !== undefined) return named[1];
  if ((flags & SHF_EXECINSTR) !== 0) return 'code';
  if ((flags & SHF_WRITE) !== 0) return 'state';
  if ((flags & SHF_MERGE) === 0) return 'constant';
  return (flags & SHF_STRINGS) === 0 ? 'literal' : 'text';
}
