/** Patches of code that one architecture has, of which a live patch can be built. */
import { badSelector, key, roundedTsc } from '../support/looks.ts';
import type { SourcePatch } from './source-patch.ts';

/** Of x86-64. */
export const X86_64: readonly SourcePatch[] = [
  {
    file: 'x86_64/compat-only.patch',
    arch: ['x86_64'],
    kind: 'a function for 32-bit guests alone',
    expect: 'built',
    changed: ['compat_common_vcpu_op'],
  },
  {
    file: 'x86_64/fixup.patch',
    arch: ['x86_64'],
    kind: 'a function with a fix-up',
    expect: 'built',
    changed: ['do_set_segment_base'],
    effect: { look: badSelector, before: /^rc 0$/, after: /^rc 0\nselector 0xfff3 of d0v\d cannot be loaded$/ },
  },
  {
    file: 'x86_64/fixup-asm.patch',
    arch: ['x86_64'],
    kind: 'a change in a fix-up alone',
    expect: 'built',
    changed: ['do_set_segment_base'],
  },
  {
    file: 'x86_64/fixup-many.patch',
    arch: ['x86_64'],
    kind: 'two fix-ups of several in an object',
    expect: 'built',
    changed: ['resource_access'],
    effect: { look: roundedTsc, before: /^exact$/, after: /^rounded$/ },
  },
  {
    file: 'x86_64/alternative.patch',
    arch: ['x86_64'],
    kind: 'an alternative',
    expect: 'built',
    changed: ['cache_flush'],
  },
  {
    file: 'x86_64/alternative-run.patch',
    arch: ['x86_64'],
    kind: 'an alternative in a function that is run',
    expect: 'built',
    changed: ['show_handlers'],
    effect: {
      look: key('h'),
      before: /-> showing installed handlers\n/,
      after: /-> showing installed handlers, version 2\n/,
    },
  },
  {
    file: 'x86_64/alternative-replacement.patch',
    arch: ['x86_64'],
    kind: 'the replacement of an alternative alone',
    expect: 'built',
    changed: ['cache_flush'],
  },
  {
    file: 'x86_64/alternative-call.patch',
    arch: ['x86_64'],
    kind: 'an indirect call that alternatives make direct',
    expect: 'built',
    changed: ['send_IPI_mask'],
  },
  {
    file: 'x86_64/assembly.patch',
    arch: ['x86_64'],
    kind: 'a function in assembly',
    expect: 'built',
    changed: ['clear_page_sse2'],
  },
  {
    file: 'x86_64/existing-switch-table.patch',
    arch: ['x86_64'],
    kind: 'the table of a switch alone',
    expect: 'built',
    changed: ['check_guest_io_breakpoint'],
  },
  {
    file: 'x86_64/per-cpu-static-removed.patch',
    arch: ['x86_64'],
    kind: 'a static local of per-CPU data removed',
    expect: 'built',
    changed: ['flush_tlb'],
    remark: /flush_cpumask/,
  },
  {
    file: 'x86_64/line-numbers.patch',
    arch: ['x86_64'],
    kind: 'lines that are in the code of later functions',
    expect: 'built',
    changed: ['p2m_get_gfn_type_access'],
    lineOnly: ['change_type_range', 'set_typed_p2m_entry', 'p2m_add_page', 'p2m_altp2m_get_or_propagate'],
  },
];

/** Of arm64. */
export const ARM64: readonly SourcePatch[] = [
  {
    file: 'arm64/alternative.patch',
    arch: ['arm64'],
    kind: 'an alternative',
    expect: 'built',
    changed: ['p2m_restore_state'],
  },
  {
    file: 'arm64/assembly.patch',
    arch: ['arm64'],
    kind: 'a function in assembly',
    expect: 'built',
    changed: ['clear_page'],
  },
];
