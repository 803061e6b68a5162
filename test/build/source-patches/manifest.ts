/**
 * Patches against the hypervisor that `xenFromSource` builds, and what is to become of each. The folder of a patch is its
 * architecture, or `common` where all have the code.
 */
import type { SourceArch } from '../../support/source-xen.ts';
import { badSelector, foreignDomctl, key, noEventChannelOp, noFeatures, roundedTsc } from '../support/looks.ts';
import type { Effect, Says } from '../support/source-host.ts';

/** Architectures whose live patches are built in the tests. */
export type PatchArch = Exclude<SourceArch, 'arm32'>;

/** Why nothing can be built. */
export interface ExpectedRefusal {
  /** The variable or structure that it is about. */
  readonly symbol: string;
  /** What the reason has to say. */
  readonly words: RegExp;
}

/** A patch, and what is to become of it. */
export interface SourcePatch {
  /** Below this folder. */
  readonly file: string;
  readonly arch: readonly PatchArch[];
  /** What is special about it. */
  readonly kind: string;
  readonly expect: 'built' | 'unchanged' | 'refused';
  /** Functions that are replaced. */
  readonly changed: readonly string[];
  /** The same, on an architecture whose compiler lets it change more. */
  readonly alsoChanged?: Partial<Record<PatchArch, readonly string[]>>;
  /** Functions that were not there. */
  readonly added?: readonly string[];
  /** Functions that differ in line numbers alone where these are not held still. */
  readonly lineOnly?: readonly string[];
  readonly refusal?: ExpectedRefusal;
  /** What a remark has to say. */
  readonly remark?: RegExp;
  /** What dom0 can see of it. */
  readonly effect?: Effect;
  readonly says?: Says;
}

const BOTH: readonly PatchArch[] = ['x86_64', 'arm64'];
const X86: readonly PatchArch[] = ['x86_64'];
const ARM64: readonly PatchArch[] = ['arm64'];

/** The compiler for arm64 keeps other addresses in registers of this function, which is in the same file, when names in it change. */
const ARM64_TOO = { arm64: ['dump_domains'] };

const help = (after: RegExp): Effect => ({ look: key('h'), before: /-> showing installed handlers\n/, after });

/** Those of which a live patch can be built. */
export const BUILT: readonly SourcePatch[] = [
  {
    file: 'common/one-function.patch',
    arch: BOTH,
    kind: 'one static function',
    expect: 'built',
    changed: ['show_handlers'],
    effect: help(/-> showing the handlers of a patched Xen\n/),
  },
  {
    file: 'common/errno.patch',
    arch: BOTH,
    kind: 'one global function',
    expect: 'built',
    changed: ['do_event_channel_op'],
    effect: { look: noEventChannelOp, before: /^-38$/, after: /^-95$/ },
  },
  {
    file: 'common/domctl.patch',
    arch: BOTH,
    kind: 'a large function, with a constant in a mergeable section',
    expect: 'built',
    changed: ['do_domctl'],
    effect: { look: foreignDomctl, before: /^-13$/, after: /^-95$/ },
  },
  {
    file: 'common/header-inline.patch',
    arch: BOTH,
    kind: 'an inline function of a header',
    expect: 'built',
    changed: ['schedule_dump'],
    effect: { look: key('r'), before: /^Scheduler: .*\n(?!Settings of)/m, after: /^Settings of credit2:$/m },
  },
  {
    file: 'common/static-local-added.patch',
    arch: BOTH,
    kind: 'a static local added',
    expect: 'built',
    changed: ['show_handlers'],
    effect: help(/^help is shown for the 1\. time$/m),
  },
  {
    file: 'common/static-local-removed.patch',
    arch: BOTH,
    kind: 'static locals removed',
    expect: 'built',
    changed: ['read_clocks'],
    remark: /(sum|max)dif_cycles/,
    effect: {
      look: key('t'),
      before: /^Synced cycles skew: max=\d+ avg=\d+ samples=[13] /m,
      // What stays has kept its value: this is the second sample.
      after: /^Synced cycles skew: samples=2 current=/m,
    },
  },
  {
    file: 'common/printk-once-removed.patch',
    arch: BOTH,
    kind: 'the static local of a block removed',
    expect: 'built',
    changed: ['timer_softirq_action'],
    remark: /once_/,
  },
  {
    file: 'common/new-global.patch',
    arch: BOTH,
    kind: 'a new global function, called from another object',
    expect: 'built',
    changed: ['show_handlers'],
    alsoChanged: ARM64_TOO,
    added: ['xen_version_summary'],
    effect: help(/^version 0x40011\.5\n/m),
  },
  {
    file: 'common/new-file.patch',
    arch: BOTH,
    kind: 'a new file',
    expect: 'built',
    changed: ['show_handlers'],
    alsoChanged: ARM64_TOO,
    added: ['show_handlers_end'],
    effect: help(/^end 1 of the help: \d+ handlers$/m),
  },
  {
    file: 'common/hooks.patch',
    arch: BOTH,
    kind: 'hooks',
    expect: 'built',
    changed: ['show_handlers'],
    added: ['hook_loaded', 'hook_unloaded'],
    effect: help(/-> showing handlers, with hooks\n/),
    says: { apply: /^the help is about to be patched$/m, revert: /^the help is as it was$/m },
  },
  {
    file: 'common/switch-table.patch',
    arch: BOTH,
    kind: 'new tables of switches',
    expect: 'built',
    changed: ['show_handlers'],
    added: ['kind_of_key', 'number_of_key'],
    effect: help(/-> 21, one of eight\n/),
  },
  {
    file: 'common/const-table.patch',
    arch: BOTH,
    kind: 'a constant table of pointers, changed',
    expect: 'built',
    // The function that names the table was inlined here.
    changed: ['livepatch_printall'],
    effect: { look: key('x'), before: /^(?!.*state=IN FORCE)/s, after: /^ name=patch state=IN FORCE\(2\)/m },
  },
  {
    file: 'common/constants.patch',
    arch: BOTH,
    kind: 'literals and a constant array, copied',
    expect: 'built',
    changed: ['show_handlers'],
    alsoChanged: ARM64_TOO,
    added: ['words_of_key'],
    effect: help(/^sixteen letters 0x1122334455667788 42$/m),
  },
  {
    file: 'common/compat.patch',
    arch: ARM64,
    kind: 'one of a file that is compiled once',
    expect: 'built',
    changed: ['do_xen_version'],
    effect: { look: noFeatures, before: /^-22$/, after: /^-2$/ },
  },
  {
    file: 'common/compat.patch',
    arch: X86,
    kind: 'a function that is compiled for 32-bit guests, too',
    expect: 'built',
    changed: ['do_xen_version', 'compat_xen_version'],
    effect: { look: noFeatures, before: /^-22$/, after: /^-2$/ },
  },
  {
    file: 'common/init-and-function.patch',
    arch: BOTH,
    kind: '__init code, left out',
    expect: 'built',
    changed: ['show_handlers'],
    remark: /init/,
    effect: help(/-> showing handlers, __init left out\n/),
  },
  {
    file: 'x86_64/compat-only.patch',
    arch: X86,
    kind: 'a function for 32-bit guests alone',
    expect: 'built',
    changed: ['compat_common_vcpu_op'],
  },
  {
    file: 'x86_64/fixup.patch',
    arch: X86,
    kind: 'a function with a fix-up',
    expect: 'built',
    changed: ['do_set_segment_base'],
    effect: { look: badSelector, before: /^rc 0$/, after: /^rc 0\nselector 0xfff3 of d0v0 cannot be loaded$/ },
  },
  {
    file: 'x86_64/fixup-asm.patch',
    arch: X86,
    kind: 'a change in a fix-up alone',
    expect: 'built',
    changed: ['do_set_segment_base'],
  },
  {
    file: 'x86_64/fixup-many.patch',
    arch: X86,
    kind: 'two fix-ups of several in an object',
    expect: 'built',
    changed: ['resource_access'],
    effect: { look: roundedTsc, before: /^exact$/, after: /^rounded$/ },
  },
  {
    file: 'x86_64/alternative.patch',
    arch: X86,
    kind: 'an alternative',
    expect: 'built',
    changed: ['cache_flush'],
  },
  {
    file: 'x86_64/alternative-replacement.patch',
    arch: X86,
    kind: 'the replacement of an alternative alone',
    expect: 'built',
    changed: ['cache_flush'],
  },
  {
    file: 'x86_64/alternative-call.patch',
    arch: X86,
    kind: 'an indirect call that alternatives make direct',
    expect: 'built',
    changed: ['send_IPI_mask'],
  },
  {
    file: 'x86_64/existing-switch-table.patch',
    arch: X86,
    kind: 'the table of a switch alone',
    expect: 'built',
    changed: ['check_guest_io_breakpoint'],
  },
  {
    file: 'x86_64/per-cpu-static-removed.patch',
    arch: X86,
    kind: 'a static local of per-CPU data removed',
    expect: 'built',
    changed: ['flush_tlb'],
    remark: /flush_cpumask/,
  },
  {
    file: 'x86_64/line-numbers.patch',
    arch: X86,
    kind: 'lines that are in the code of later functions',
    expect: 'built',
    changed: ['p2m_get_gfn_type_access'],
    lineOnly: ['change_type_range', 'set_typed_p2m_entry', 'p2m_add_page', 'p2m_altp2m_get_or_propagate'],
  },
  {
    file: 'arm64/alternative.patch',
    arch: ARM64,
    kind: 'an alternative',
    expect: 'built',
    changed: ['p2m_restore_state'],
  },
];

/** Those that change nothing that runs. */
export const UNCHANGED: readonly SourcePatch[] = [
  {
    file: 'common/lines-only.patch',
    arch: BOTH,
    kind: 'lines that move',
    expect: 'unchanged',
    changed: [],
  },
  {
    file: 'common/init-only.patch',
    arch: BOTH,
    kind: '__init code alone',
    expect: 'unchanged',
    changed: [],
    remark: /init/,
  },
];

/** Those that no live patch can carry. */
export const REFUSED: readonly SourcePatch[] = [
  {
    file: 'common/struct-grows.patch',
    arch: BOTH,
    kind: 'a structure that grows',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'rangeset', words: /grow|size|layout/i },
  },
  {
    file: 'common/struct-padding.patch',
    arch: BOTH,
    kind: 'a structure that grows into its padding',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'rangeset', words: /printed|padding|layout/i },
  },
  {
    file: 'common/struct-moved.patch',
    arch: BOTH,
    kind: 'members that change places',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'rangeset', words: /flags|name|layout/i },
  },
  {
    file: 'common/per-cpu-added.patch',
    arch: BOTH,
    kind: 'new per-CPU data',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'per_cpu__shown', words: /per-cpu/i },
  },
  {
    file: 'common/data-value.patch',
    arch: BOTH,
    kind: 'another initial value',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'timer_slop', words: /data|value/i },
  },
  {
    file: 'common/data-string.patch',
    arch: BOTH,
    kind: 'another string that data points at',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'key_table', words: /data|value/i },
  },
];

/** All of them. */
export const SOURCE_PATCHES: readonly SourcePatch[] = [...BUILT, ...UNCHANGED, ...REFUSED];
