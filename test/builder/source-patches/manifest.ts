/**
 * Patches against the hypervisor that `xenFromSource` builds, and what is to become of each. The folder of a patch is its
 * architecture, or `common` where all have the code.
 */
import { COMMON } from './common.ts';
import { ARM64, X86_64 } from './own.ts';
import { BOTH, type SourcePatch } from './source-patch.ts';

export type * from './source-patch.ts';

/** Those of which a live patch can be built. */
export const BUILT: readonly SourcePatch[] = [...COMMON, ...X86_64, ...ARM64];

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
    file: 'x86_64/assembly-shared.patch',
    arch: ['x86_64'],
    kind: 'assembly in one section with other functions',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'common_interrupt',
      words: /^common_interrupt shares the section \.text\.entry with other functions/,
    },
  },
  {
    file: 'common/struct-grows.patch',
    arch: BOTH,
    kind: 'a structure that grows',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'rangeset',
      words: /^the patch changes the layout of struct rangeset .* new member printed at 0x60; size 96 → 104 bytes\. /,
    },
  },
  {
    file: 'common/struct-padding.patch',
    arch: BOTH,
    kind: 'a structure that grows into its padding',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'keyhandler',
      words: /^the patch changes the layout of struct keyhandler .* new member shown at 0x14\. /,
    },
  },
  {
    file: 'common/struct-moved.patch',
    arch: BOTH,
    kind: 'members that change places',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'rangeset',
      words:
        /^the patch changes the layout of struct rangeset .* flags moved from 0x5c to 0x3c; name moved from 0x[0-9a-f]+ to 0x40/,
    },
  },
  {
    file: 'common/per-cpu-added.patch',
    arch: BOTH,
    kind: 'new per-CPU data',
    expect: 'refused',
    changed: [],
    refusal: { symbol: 'per_cpu__shown', words: /^per_cpu__shown is a new per-CPU variable/ },
  },
  {
    file: 'common/data-value.patch',
    arch: BOTH,
    kind: 'another initial value',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'timer_slop',
      words: /^the initial value of timer_slop changed: 60000 instead of 50000$/,
    },
  },
  {
    file: 'common/data-string.patch',
    arch: BOTH,
    kind: 'another string that data points at',
    expect: 'refused',
    changed: [],
    refusal: {
      symbol: 'key_table',
      words: /^the initial value of key_table changed at \+0x[0-9a-f]+: it points to "/,
    },
  },
];

/** All of them. */
export const SOURCE_PATCHES: readonly SourcePatch[] = [...BUILT, ...UNCHANGED, ...REFUSED];
