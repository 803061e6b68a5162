import type { Entries } from './entry.ts';

/** Lint: alternatives, bug frames and exception tables. */
export const LINT_TABLES = {
  'alternative-entry': {
    title: 'an alternative that panics the host, writes outside of the payload, or is skipped',
    severity: 'error',
    what: 'An entry of `.altinstructions` is malformed: the replacement is longer than the original, this release does not have the feature, the original or its padding lies outside the payload’s code, the replacement is not in `.altinstr_replacement`, or `priv` is not 0.',
    why: 'Releases before 4.18.4, 4.19.1 and 4.20.0 call BUG() on such an entry, and the host panics at upload. Before 4.17.4 and 4.18.0 the range check could never fail, so an entry can overwrite any memory of the host. Xen silently skips an entry whose `priv` is set.',
    advice:
      'Build with the headers of the hypervisor that runs: they define the feature numbers and the layout of the entry.',
    source:
      'xen/arch/x86/alternative.c (`_apply_alternatives`); e74360e4ba (4.18.0; 4.17.4) for the range, aa5a06d5d6 (4.20.0; 4.18.4, 4.19.1) for errno values, 328ed39c59 for inverted features.',
  },
  'alternative-relative': {
    title: 'a replacement has a relative reference, which is wrong where Xen copies it to',
    severity: 'error',
    what: 'A replacement in `.altinstr_replacement` has a PC-relative reference other than a `call` or `jmp` as its first instruction.',
    why: 'Xen copies the replacement over the original and corrects only the displacement of that first call or jump. Every other relative reference misses its target by the distance between the two places: a call lands in the middle of something, a load reads the wrong data. Since 4.21.0 Xen also corrects a jump to `__x86_return_thunk` at the end.',
    advice:
      'Make the call the first instruction of the replacement, load the address from a register, or move the work out of line.',
    source: 'xen/arch/x86/alternative.c (`_apply_alternatives`); eabcdd0faa (4.21.0) for the return thunk.',
  },
  'alternative-ibt': {
    title: 'the payload has alternatives, on which this release panics with CET-IBT',
    severity: 'note',
    what: 'The payload has alternatives, the hypervisor is built with CONFIG_XEN_IBT, and the release is 4.17.0 to 4.17.3, 4.18.0 or 4.18.1.',
    why: 'While it applies alternatives, such a release walks the list between `__initdata_cf_clobber_start` and `_end`, which was freed after boot. On a processor with CET-IBT, uploading any such payload panics the host. On other processors nothing happens, hence a note.',
    advice: 'Update hosts with CET-IBT to 4.17.4, 4.18.2 or later first, or boot them with `cet=no-ibt`.',
    source: '4be1fef1e6 (4.19.0; 4.17.4, 4.18.2).',
  },
  'alt-call-encoding': {
    title: 'alternative calls are encoded for another release of Xen',
    severity: 'error',
    what: 'The payload encodes its alternative calls for another release: as entries of `.altinstructions` (4.13 to 4.20) or in `.alt_call_sites` (since 4.21).',
    why: '4.21 takes an old entry for an ordinary replacement. It copies the placeholder, a call to itself, and corrects its displacement: the call goes to a wrong address. Releases before 4.21 ignore `.alt_call_sites`: the calls stay indirect, which a hypervisor with CET-IBT or retpolines is built to avoid.',
    advice: 'Build the payload from the source of the hypervisor that runs.',
    source: '67d01cdb55 (4.13), ac02ee9c82, ca29b7a70d, d2fd5f0fcd (4.21.0).',
  },
  'bug-trap': {
    title: 'a bug frame names an instruction that this release does not treat as a bug trap',
    severity: 'error',
    what: 'A bug frame points at an instruction that is not the trap of this release: `ud2` (0f 0b) up to 4.21, `udb` (d6) since 4.22.',
    why: 'The handler looks at the instruction first. If it is not a known trap, Xen reports an unexpected exception, and even a WARN panics the host.',
    advice: 'Build the payload from the source of the hypervisor that runs.',
    more: 'If the frame points at the wrong place, check the relocations of its section.',
    source: '1f3dd605ea (4.22.0).',
  },
  'payload-bug-frame': {
    title: 'a WARN or other bug frame of the payload kills the host',
    severity: 'warning',
    what: 'The payload’s own code has a WARN, BUG, ASSERT or run_in_exception_handler, and the hypervisor is for Arm.',
    why: 'The trap handler of arm64 finds the bug frame in the payload’s table, but accepts its file name only inside the hypervisor’s image. The handler of arm32 accepts the trap instruction itself only there. Both end in an unexpected trap: a WARN, which should only print, panics the host, and a BUG does not say where it is. x86 handles all of them.',
    advice: 'Replace WARN by `printk`. Keep a BUG only if the panic is wanted; find its line by the address.',
    source:
      '`do_bug_frame` in arch/arm/traps.c, `do_trap_undefined_instruction` in arch/arm/arm32/traps.c, all releases from 4.11 to 4.22. Seen on Xen 4.17.5 for both.',
  },
  'early-hook-trap': {
    title: 'a hook may trap before Xen knows the tables of the payload',
    severity: 'warning',
    what: 'A `preapply`, `apply`, `load` or `postrevert` hook contains a WARN, a BUG, an ASSERT or an access with an exception table entry, and the release registers the payload’s tables only when it applies the payload.',
    why: 'Until then Xen does not find those tables: a WARN that should only print panics the host, and a fault is not recovered from.',
    advice: 'Return an error from the hook instead of using WARN or BUG, or update to 4.17.4, 4.18.1 or later.',
    source: 'a57b4074ab, d2daa40fb3 (4.19.0; 4.17.4, 4.18.1).',
  },
  'trap-table-outside': {
    title: 'an entry of .ex_table or .bug_frames names code outside the payload',
    severity: 'warning',
    what: 'An entry of the payload’s `.ex_table` or `.bug_frames.N` is about code outside the payload.',
    why: 'When something traps, Xen finds the region of the instruction and searches only the tables of that region. It never finds an entry for the hypervisor’s code in a payload’s table: the fault that the entry should recover from stays fatal.',
    advice: 'Ship the function that the entry is about with the payload, or drop the entry.',
    source: 'xen/common/virtual_region.c (`find_text_region`), xen/arch/x86/extable.c (`search_exception_table`).',
  },
  'trap-site-patched': {
    title: 'the overwritten bytes hold a bug frame or an exception table site of the hypervisor',
    severity: 'warning',
    what: 'The patch overwrites an instruction for which the hypervisor has a bug frame or an exception table entry, or the place where execution resumes after a fault.',
    why: 'The tables do not change. While the payload is applied, the instruction that they name is gone. A trap inside the trampoline is then taken for a WARN, or Xen resumes in code that is no longer there.',
    advice:
      'Make sure that the place is reached only through the start of the function; if old_addr is not the start of a function, correct it.',
    source: 'xen/common/virtual_region.c, xen/arch/x86/extable.c, xen/common/bug.c.',
  },
} as const satisfies Entries;
