import type { PayloadSpec } from '../../synth/index.ts';
import type { ConformCase, ConformStep } from '../case.ts';

/** Cases about the life of payloads: actions, states, stacks, replacing, placement. */

const XC = 'xen_changeset';
const NODEPS = 1;

const cycle = (name = 'p'): ConformStep[] => [{ upload: name }, { apply: name }, { revert: name }, { unload: name }];

/** Three that build on each other. */
const chain: Readonly<Record<string, PayloadSpec>> = {
  a: {},
  b: { depends: '@a', code: [{ symbol: 'fn_b', returns: '-B' }] },
  c: { depends: '@b', code: [{ symbol: 'fn_c', returns: '-C' }] },
};
const chainUp: readonly ConformStep[] = ['a', 'b', 'c'].flatMap((name): ConformStep[] => [
  { upload: name },
  { apply: name },
  { extra: true },
]);

const replacement: PayloadSpec = { code: [{ symbol: 'fn_r', returns: '-R' }] };
const data: PayloadSpec = { sections: [{ name: '.data', flags: 'AW', hex: '0700000000000000', align: 8 }] };

/** A payload of this many pages that patches nothing that matters. */
const pages = (count: number, id: number): PayloadSpec => ({
  code: [],
  functions: [{ name: XC, old: XC, new: null, newSize: 1 }],
  buildId: id.toString(16).padStart(2, '0').repeat(20),
  ...(count > 1 && { sections: [{ name: '.bss', flags: 'AW', type: 'nobits', size: (count - 1) * 4096 } as const] }),
});

export const LIFE_CASES: readonly ConformCase[] = [
  {
    name: 'good-cycle',
    payloads: { p: {} },
    steps: [
      { upload: 'p' },
      { get: 'p' },
      { list: { idx: 0, nr: 0 } },
      { list: { idx: 0, nr: 8 } },
      { extra: true },
      { apply: 'p' },
      { extra: true },
      { dump: true },
      { list: { idx: 0, nr: 8 } },
      { revert: 'p' },
      { extra: true },
      { apply: 'p' },
      { revert: 'p' },
      { unload: 'p' },
      { get: 'p' },
      { list: { idx: 0, nr: 0 } },
    ],
  },
  {
    name: 'wrong-state',
    payloads: { p: {} },
    steps: [
      { revert: 'p' },
      { apply: 'p' },
      { unload: 'p' },
      { replace: 'p' },
      { get: 'p' },
      { upload: 'p' },
      { revert: 'p' },
      { apply: 'p' },
      { apply: 'p' },
      { replace: 'p' },
      { unload: 'p' },
      { upload: 'p' },
      { revert: 'p' },
      { revert: 'p' },
      { unload: 'p' },
      { unload: 'p' },
    ],
  },
  {
    name: 'timeout-1ns',
    payloads: { p: {} },
    steps: [{ upload: 'p' }, { apply: 'p', timeout: 1 }, { get: 'p' }, { revert: 'p' }],
  },
  {
    name: 'data-reapply',
    payloads: {
      p: data,
      q: {
        code: [{ symbol: 'fn_q', returns: 'q' }],
        sections: [{ name: '.bss', flags: 'AW', type: 'nobits', size: 64 }],
      },
    },
    steps: [
      ...cycle(),
      { upload: 'p' },
      { apply: 'p' },
      { revert: 'p' },
      { apply: 'p' },
      { get: 'p' },
      { replace: 'p' },
      { revert: 'p' },
      { unload: 'p' },
      { upload: 'q' },
      { apply: 'q' },
      { revert: 'q' },
      { apply: 'q' },
    ],
  },
  {
    name: 'data-empty-reapply',
    payloads: { p: { sections: [{ name: '.data.empty', flags: 'AW' }] } },
    steps: [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }],
  },
  {
    name: 'funcs-writable',
    payloads: { p: { funcsFlags: 'AW' } },
    steps: [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: 'depends-wrong',
    payloads: { p: { depends: '00'.repeat(20) } },
    steps: [{ upload: 'p' }, { apply: 'p' }, { apply: 'p', flags: NODEPS }, { revert: 'p' }],
  },
  {
    name: 'depends-other-length',
    payloads: { p: { depends: '0011223344556677' } },
    steps: [{ upload: 'p' }, { apply: 'p' }, { replace: 'p' }],
  },
  {
    name: 'depends-on-loaded-only',
    payloads: chain,
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { apply: 'b' },
      { apply: 'a' },
      { apply: 'b' },
      { revert: 'a' },
      { revert: 'b' },
      { revert: 'a' },
    ],
  },
  {
    name: 'depends-not-top',
    payloads: { ...chain, d: { depends: '@a', ...replacement } },
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { upload: 'd' },
      { apply: 'a' },
      { apply: 'b' },
      { apply: 'd' },
      { apply: 'd', flags: NODEPS },
      { revert: 'b' },
    ],
  },
  {
    name: 'nodeps-flags',
    payloads: { ...chain, w: { depends: '00'.repeat(20), code: [{ symbol: 'fn_w', returns: 'w' }] } },
    steps: [
      { upload: 'b' },
      { apply: 'b' },
      { apply: 'b', flags: NODEPS },
      { upload: 'a' },
      { apply: 'a' },
      { apply: 'a', flags: 0xffff_fffe },
      { apply: 'a', flags: 0xffff_ffff },
      { upload: 'w' },
      { apply: 'w', flags: NODEPS },
      { list: { idx: 0, nr: 8 } },
      { revert: 'b' },
      { revert: 'w' },
      { revert: 'a' },
      { revert: 'b' },
    ],
  },
  {
    name: 'stack-of-three',
    payloads: chain,
    steps: [
      ...chainUp,
      { revert: 'a' },
      { revert: 'b' },
      { unload: 'a' },
      { list: { idx: 0, nr: 8 } },
      { revert: 'c' },
      { revert: 'a' },
      { revert: 'b' },
      { revert: 'a' },
      { unload: 'b' },
      { upload: 'b' },
      { unload: 'a' },
      { unload: 'c' },
      { upload: 'a' },
      { upload: 'c' },
      { apply: 'a' },
      { apply: 'b' },
      { apply: 'c' },
    ],
  },
  {
    name: 'replace-over-stack',
    payloads: { ...chain, r: replacement },
    steps: [
      ...chainUp,
      { upload: 'r' },
      { apply: 'r' },
      { replace: 'r' },
      { extra: true },
      { list: { idx: 0, nr: 8 } },
      { replace: 'r' },
      { revert: 'r' },
      { extra: true },
      { unload: 'b' },
      { upload: 'b' },
    ],
  },
  {
    name: 'replace-nothing-applied',
    payloads: { r: replacement },
    steps: [{ upload: 'r' }, { replace: 'r' }, { revert: 'r' }, { replace: 'r' }, { unload: 'r' }],
  },
  {
    name: 'replace-depends-not-xen',
    payloads: chain,
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { apply: 'a' },
      { replace: 'b' },
      { replace: 'b', flags: NODEPS },
      { get: 'b' },
    ],
  },
  {
    name: 'replace-expectation-fails',
    payloads: { ...chain, r: { ...replacement, functions: [{ name: XC, expect: { len: 2, data: '0000' } }] } },
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { upload: 'r' },
      { apply: 'a' },
      { apply: 'b' },
      { replace: 'r' },
      { list: { idx: 0, nr: 8 } },
    ],
  },
  {
    name: 'replace-dirty-data',
    payloads: { a: data, r: replacement },
    steps: [
      { upload: 'a' },
      { apply: 'a' },
      { upload: 'r' },
      { replace: 'r' },
      { apply: 'a' },
      { replace: 'a' },
      { list: { idx: 0, nr: 8 } },
    ],
  },
  {
    name: 'holes-are-used-again',
    payloads: Object.fromEntries([3, 1, 2, 1, 4, 3, 2].map((count, i) => [`p${i}`, pages(count, 0x10 + i)])),
    steps: [
      ...['p0', 'p1', 'p2'].map((name): ConformStep => ({ upload: name })),
      { unload: 'p1' },
      { upload: 'p3' },
      { unload: 'p0' },
      { upload: 'p4' },
      { upload: 'p5' },
      { upload: 'p6' },
      { unload: 'p3' },
      { unload: 'p2' },
      ...['p0', 'p1', 'p2', 'p3'].map((name): ConformStep => ({ upload: name })),
      ...['p4', 'p5', 'p6', 'p0', 'p1', 'p2', 'p3'].map((name): ConformStep => ({ unload: name })),
      { upload: 'p2' },
    ],
  },
  {
    name: 'refused-upload-leaves-no-trace',
    payloads: { bad: { xenDepends: '00'.repeat(20) }, ok: {} },
    steps: [
      { upload: 'bad' },
      { upload: 'ok' },
      { upload: 'bad' },
      { unload: 'ok' },
      { upload: 'bad' },
      { upload: 'ok' },
    ],
  },
  {
    name: 'same-name',
    payloads: { p: {}, q: replacement },
    steps: [{ upload: 'p' }, { upload: 'q', as: 'p' }, { upload: 'p' }],
  },
  {
    name: 'same-build-id',
    payloads: { a: { buildId: '01'.repeat(20) }, b: { ...replacement, buildId: '01'.repeat(20) } },
    steps: [{ upload: 'a' }, { upload: 'b' }, { unload: 'a' }, { upload: 'b' }],
  },
];
