/** Names of the payload sections that Xen looks for. Sources: xen/include/xen/livepatch.h, and common/livepatch.c for literals. */

export const ELF_LIVEPATCH_FUNC = '.livepatch.funcs';
export const ELF_LIVEPATCH_DEPENDS = '.livepatch.depends';
/** Since 4.14 (879615f5db). */
export const ELF_LIVEPATCH_XEN_DEPENDS = '.livepatch.xen_depends';
export const ELF_BUILD_ID_NOTE = '.note.gnu.build-id';
/** Metadata of a payload. Since 4.14 (4848297ad4). */
export const ELF_LIVEPATCH_MODINFO = '.modinfo';
/** Alternatives, on x86, arm64 and arm32. */
export const ELF_ALTINSTRUCTIONS = '.altinstructions';
export const ELF_ALTINSTR_REPLACEMENT = '.altinstr_replacement';
/** Since 4.21 (d2fd5f0fcd). */
export const ELF_ALT_CALL_SITES = '.alt_call_sites';
export const ELF_EX_TABLE = '.ex_table';

export type HookKind = 'load' | 'unload' | 'preapply' | 'apply' | 'postapply' | 'prerevert' | 'revert' | 'postrevert';

export interface HookSection {
  readonly kind: HookKind;
  readonly section: string;
  /** An array of pointers; the others contain exactly one. */
  readonly multiple: boolean;
}

/** All hook sections, in the order of prepare_payload and check_patching_sections. */
export const HOOK_SECTIONS: readonly HookSection[] = [
  { kind: 'load', section: '.livepatch.hooks.load', multiple: true },
  { kind: 'unload', section: '.livepatch.hooks.unload', multiple: true },
  // Since 4.14 (8313c864fa, ef87efee9d).
  { kind: 'preapply', section: '.livepatch.hooks.preapply', multiple: false },
  { kind: 'apply', section: '.livepatch.hooks.apply', multiple: false },
  { kind: 'postapply', section: '.livepatch.hooks.postapply', multiple: false },
  { kind: 'prerevert', section: '.livepatch.hooks.prerevert', multiple: false },
  { kind: 'revert', section: '.livepatch.hooks.revert', multiple: false },
  { kind: 'postrevert', section: '.livepatch.hooks.postrevert', multiple: false },
];

/** Returns `.bug_frames.N`. The meaning of N depends on architecture and release; see `bugFrameTypes`. */
export const bugFramesSection = (type: number): string => `.bug_frames.${type}`;
