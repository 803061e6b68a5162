import type { Entries } from './entry.ts';

const RELINK = 'Link the payload again with `ld -r`, and check it again before any host sees it.';

/** What Xen does not refuse, and a host suffers from. */
export const HARM = {
  'host-panic': {
    title: 'the host panics',
    severity: 'error',
    what: 'The simulated host died of the payload: a fault or a BUG in the loader, in an action, in a hook or in patched code. The console shows what the screen of the real host would.',
    advice:
      'Do not upload this payload anywhere. Other findings usually name the cause; the stack in the console names the function of Xen that died.',
    source: '`panic`, `fatal_trap`.',
  },
  'wild-read': {
    title: 'Xen reads memory outside the file while it loads the payload',
    severity: 'error',
    what: 'An offset or size in the file overflows, and the loader reads outside the buffer that holds the file. What is there differs from host to host.',
    advice: RELINK,
    source: '`livepatch_elf_load` and the functions below it: the sums are not checked for overflow.',
  },
  'stray-write': {
    title: 'Xen writes to memory outside the payload',
    severity: 'error',
    what: 'An alternative makes Xen overwrite memory that does not belong to the payload. Before 4.17.4 and 4.18.0 the range check could never fail.',
    advice: 'Build the payload from the source of the hypervisor that runs.',
    source: '`_apply_alternatives`; e74360e4ba (4.18.0; 4.17.4).',
  },
  'stray-relocation': {
    title: 'a relocation writes past the end of its section',
    severity: 'warning',
    what: 'A relocation begins inside its section and its field ends behind it. Xen checks only where it begins.',
    advice: RELINK,
    source: '`arch_livepatch_perform_rela`.',
  },
  'use-after-free': {
    title: 'Xen keeps pointers into memory that it has freed',
    severity: 'error',
    what: 'A section that Xen looks up is not loaded (no flag `A`). Xen keeps a pointer into the buffer of the upload, which it frees afterwards.',
    advice: 'Give the section the flag `A`: `objcopy --set-section-flags NAME=alloc,readonly`.',
    source: '`livepatch_elf_load`, `move_payload`; 8c81423038 (4.20.0; 4.18.4, 4.19.1).',
  },
  'vmap-overrun': {
    title: 'the payload runs past the end of Xen’s memory for payloads',
    severity: 'warning',
    what: 'The allocation ends past the end of VMAP_XEN, over other mappings of Xen.',
    advice: 'Make the payload smaller, or unload payloads that are no longer needed.',
    source: '`vm_alloc` in xen/common/vmap.c.',
  },
  'empty-metadata': {
    title: 'an empty .modinfo makes Xen read 4 GiB past its start',
    severity: 'error',
    what: '`.modinfo` is empty: `len - 1` wraps, so Xen reads 4 GiB past its start.',
    advice: 'Remove the section (`objcopy --remove-section .modinfo`) or put a string into it.',
    source: '`prepare_payload`.',
  },
  'cet-patching': {
    title: 'patching may kill a host that uses CET shadow stacks',
    severity: 'error',
    what: 'On this release the way back from patching flushes the TLBs while interrupts are off: with shadow stacks in use, debug builds hit an assertion, release builds may double-fault.',
    advice: 'Boot such hosts with `cet=no-shstk`, or update Xen.',
    source: '8676092a0f (4.18.0; 4.16.4, 4.17.1).',
  },
  'arm32-branch-mask': {
    title: 'Xen clears the lowest bit of the offset of a branch',
    severity: 'warning',
    what: 'On arm32 Xen masks the offset of a branch wrongly: if the target is an odd number of instructions away, the branch lands four bytes too low.',
    advice: 'Move the code so that branch and target are a multiple of 8 bytes apart, or branch through a register.',
    source: '`arch_livepatch_perform` of arm32.',
  },
  'arm32-move-addend': {
    title: 'Xen ignores the addend of a MOVW or MOVT relocation',
    severity: 'warning',
    what: 'On arm32 Xen ignores the addend of MOVW and MOVT relocations: the register gets the address of the symbol itself.',
    advice: 'Give the place that is meant a symbol of its own, or load the address from memory.',
    source: '`arch_livepatch_perform` of arm32.',
  },
  'arm64-tstbr-range': {
    title: 'Xen silently truncates the target of a TBZ or TBNZ',
    severity: 'warning',
    what: 'TBZ and TBNZ reach 32 KiB. Xen checks a wider range and truncates a target beyond 32 KiB.',
    advice: 'Branch to a place within the same function, and from there to the target.',
    source: '`arch_livepatch_perform_rela` of arm64 (R_AARCH64_TSTBR14).',
  },
  verify: {
    title: 'a function has unexpected bytes after apply or revert',
    severity: 'error',
    what: 'After apply the old function does not begin with the jump to executable new code, or after revert its bytes are not what they were.',
    advice:
      'Look for two entries that patch the same bytes, for hooks that write code, and for wrong addresses in `.livepatch.funcs`.',
  },
} as const satisfies Entries;
