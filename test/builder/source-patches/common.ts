/** Patches of common code, of which a live patch can be built. */
import { foreignDomctl, key, noEventChannelOp, noFeatures } from '../support/looks.ts';
import type { Effect } from '../support/source-host.ts';
import { BOTH, type SourcePatch } from './source-patch.ts';

/** The compiler for arm64 keeps other addresses in registers of this function, which is in the same file, when names in it change. */
const ARM64_TOO = { arm64: ['dump_domains'] };

const help = (after: RegExp): Effect => ({ look: key('h'), before: /-> showing installed handlers\n/, after });

/** In the order of what they take. */
export const COMMON: readonly SourcePatch[] = [
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
    arch: ['arm64'],
    kind: 'one of a file that is compiled once',
    expect: 'built',
    changed: ['do_xen_version'],
    effect: { look: noFeatures, before: /^-22$/, after: /^-2$/ },
  },
  {
    file: 'common/compat.patch',
    arch: ['x86_64'],
    kind: 'a function that is compiled for 32-bit guests, too',
    expect: 'built',
    changed: ['do_xen_version', 'compat_xen_version'],
    effect: { look: noFeatures, before: /^-22$/, after: /^-2$/ },
  },
  {
    file: 'common/warning.patch',
    arch: BOTH,
    kind: 'a bug frame that is met',
    expect: 'built',
    changed: ['show_handlers'],
    effect: {
      look: key('h'),
      before: /-> showing installed handlers\n key/,
      after: /-> showing installed handlers\nXen WARN at common\/keyhandler\.c:133\n/,
    },
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
];
