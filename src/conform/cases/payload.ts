import { SHN_COMMON } from '../../elf/index.ts';
import type { CodeSpec, EditSpec, FunctionSpec, PayloadSpec } from '../../synth/index.ts';
import { alternatives, bugFrames, exTable } from '../../synth/index.ts';
import { type ConformCase, type ConformStep, onX86 } from '../case.ts';

/** Cases about what is in a payload: functions, expectations, NOPs, metadata, notes, symbols, tables about code. */

const XC = 'xen_changeset';
/** Starts with an ENDBR64 in builds with CONFIG_XEN_IBT. */
const ENDBR = 'common/livepatch.c#livepatch_printall';
/** A function of some hundred bytes that nothing runs on a host without HVM guests. */
const BIG = 'hvm_hap_nested_page_fault';
/** X86_FEATURE_ALWAYS, and one that no processor has. */
const ALWAYS = 93;
const ABSENT = 639;

const upload = (name: string, payload: PayloadSpec): ConformCase => ({
  name,
  payloads: { p: payload },
  steps: [{ upload: 'p' }],
});
const edited = (name: string, ...edits: EditSpec[]): ConformCase => upload(name, { edits });
const upAndDown: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }];
const whole = (name: string, payload: PayloadSpec): ConformCase => ({
  name,
  payloads: { p: payload },
  steps: [...upAndDown, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }],
});
const withFunction = (func: FunctionSpec): PayloadSpec => ({ functions: [func] });
const nop = (name: string, newSize: number): PayloadSpec => ({
  code: [],
  functions: [{ name, old: name, new: null, newSize }],
});
const expectation = (name: string, func: FunctionSpec): ConformCase => ({
  name: `expectation-${name}`,
  payloads: { p: withFunction(func) },
  steps: [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { apply: 'p', flags: 1 }, { revert: 'p' }],
});
const metadata = (name: string, modinfo: string): ConformCase => ({
  name: `metadata-${name}`,
  payloads: { p: { modinfo } },
  steps: [{ upload: 'p' }, { list: { idx: 0, nr: 0 } }, { list: { idx: 0, nr: 4 } }, { apply: 'p' }, { revert: 'p' }],
});

/** Undefined instructions in front of a return: places for alternatives. */
const site = (bytes: number): CodeSpec[] => [
  { symbol: 'lp_new_fn', returns: 'x' },
  { symbol: 'lp_site', hex: `${'0b'.repeat(bytes)}c3`, local: true },
];

const NOTES = ['.note.gnu.build-id', '.livepatch.depends', '.livepatch.xen_depends'] as const;

const functionCases: readonly ConformCase[] = [
  ...[0, 1, 3, 255].map((version) => upload(`function-version-${version}`, withFunction({ version }))),
  ...[0, 1, 4, 5].map((oldSize) => upload(`function-old-size-${oldSize}`, withFunction({ oldSize }))),
  upload('function-unknown', withFunction({ name: 'no_such_function' })),
  upload('function-name-empty', withFunction({ name: '' })),
  upload('function-name-null', withFunction({ name: null, oldSize: 12 })),
  // `%s` does not follow a pointer into the first page.
  upload('function-name-in-first-page', withFunction({ name: { hex: '1a8' }, old: XC, oldSize: 12 })),
  upload('function-name-wild', withFunction({ name: { hex: '12345678' } })),
  whole('function-by-relocation', withFunction({ old: 'xen_extra_version' })),
  whole('function-by-relocation-without-name', withFunction({ old: 'xen_extra_version', name: null, oldSize: 12 })),
  whole('function-new-size-0', withFunction({ newSize: 0 })),
  whole('function-pad-not-zero', withFunction({ pad: 'ff'.repeat(39) })),
  whole('functions-five', {
    functions: ['xen_extra_version', 'xen_compile_date', 'xen_compile_time', 'xen_compiler', XC].map((name) => ({
      name,
    })),
  }),
  whole('functions-overlapping', {
    code: [
      { symbol: 'lp_a', returns: 'a' },
      { symbol: 'lp_b', returns: 'b' },
    ],
    functions: [
      { name: XC, new: 'lp_a' },
      { name: XC, new: 'lp_b' },
    ],
  }),
  upload('functions-seventy', {
    functions: Array.from({ length: 70 }, (_, i) => ({ name: XC, new: null, newSize: (i % 12) + 1 })),
  }),
  whole('function-new-in-hypervisor', withFunction({ name: XC, new: 'xen_deny' })),
  upload('function-too-far', withFunction({ new: { hex: 'ffff830000000000' } })),
  upload('function-new-low', withFunction({ new: { hex: '1' } })),
  upload('function-old-unmapped', withFunction({ old: { addr: 'xen_extra_version', plus: 0x400_0000 } })),
  upload('function-old-not-canonical', withFunction({ old: { hex: '1234567890abcdef' } })),
  upload('functions-none', { functions: [] }),
  upload('functions-not-allocated', { funcsFlags: '' }),
  edited('functions-size-103', { section: '.livepatch.funcs', field: 'sh_size', value: 103 }),
  upload('functions-size-136', { edits: [{ section: '.livepatch.funcs', field: 'sh_size', value: 136 }] }),
  {
    name: 'function-on-own-payload',
    payloads: {
      p: {
        code: [
          { symbol: 'lp_own', hex: `b801000000c3${'00'.repeat(10)}` },
          { symbol: 'lp_new', returns: 'n' },
        ],
        functions: [{ name: 'lp_own', old: 'lp_own', new: 'lp_new', oldSize: 16 }],
      },
    },
    steps: upAndDown,
    // Where the writable mapping of the text lies, at which it dies.
    deathVaries: ['arm64', 'arm32'],
  },
];

const endbrCases: readonly ConformCase[] = [8, 9].map((oldSize) => ({
  only: ['x86_64'],
  name: `endbr-old-size-${oldSize}`,
  payloads: { p: withFunction({ name: ENDBR, oldSize }) },
  steps: [...upAndDown, { unload: 'p' }],
  noDump: true,
  watch: [ENDBR],
}));

const nopCases: readonly ConformCase[] = [
  ...[1, 5, 9, 12].map((size) => whole(`nop-${size}`, nop(XC, size))),
  ...[13, 31].map((size) => whole(`nop-${size}`, nop(BIG, size))),
  whole('nop-0', nop(XC, 0)),
  upload('nop-32', nop(BIG, 32)),
  upload('nop-larger-than-old', { code: [], functions: [{ name: XC, old: XC, new: null, newSize: 13, oldSize: 12 }] }),
  ...[4, 5, 13].map(
    (size): ConformCase => ({
      name: `nop-endbr-${size}`,
      only: ['x86_64'],
      payloads: { p: nop(ENDBR, size) },
      steps: upAndDown,
      noDump: true,
      watch: [ENDBR],
    }),
  ),
  ...[0, 3].map(
    (size): ConformCase => ({
      name: `nop-endbr-${size}`,
      only: ['x86_64'],
      payloads: { p: nop(ENDBR, size) },
      steps: [{ upload: 'p' }, { apply: 'p' }],
      noDump: true,
      deathVaries: true,
    }),
  ),
  {
    name: 'nop-old-unmapped',
    payloads: {
      p: {
        code: [],
        functions: [{ new: null, newSize: 5, oldSize: 12, old: { addr: 'xen_extra_version', plus: 0x400_0000 } }],
      },
    },
    steps: [{ upload: 'p' }, { apply: 'p' }],
  },
];

const expectationCases: readonly ConformCase[] = [
  ...[0, 1, 5, 8].map((len) => expectation(`holds-${len}`, { expect: { len, data: { of: 'xen_extra_version' } } })),
  ...onX86([expectation('holds-31', { name: BIG, expect: { len: 31, data: { of: BIG } } })]),
  expectation('fails', { expect: { len: 8, data: '488d0418ba1600e9' } }),
  expectation('fails-31', { name: BIG, expect: { len: 31, data: '00'.repeat(31) } }),
  expectation('fails-without-name', {
    name: null,
    old: 'xen_extra_version',
    oldSize: 12,
    expect: { len: 3, data: '000000' },
  }),
  expectation('longer-than-old', { oldSize: 12, expect: { len: 13, data: { of: 'xen_extra_version' } } }),
  expectation('reserved-bits', { expect: { len: 3, rsv: 1, data: { of: 'xen_extra_version' } } }),
  expectation('disabled', { expect: { enabled: false, len: 31, rsv: 3, data: 'ff'.repeat(31) } }),
  {
    name: 'expectation-sees-trampoline',
    payloads: {
      a: {},
      b: {
        depends: '@a',
        code: [{ symbol: 'fn_b', returns: 'b' }],
        functions: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }],
      },
    },
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { apply: 'a' },
      { apply: 'b' },
      { revert: 'a' },
      { apply: 'b', flags: 1 },
      { revert: 'b' },
    ],
  },
];

const metadataCases: readonly ConformCase[] = [
  metadata('two-strings', 'author=me\0desc=test payload\0'),
  metadata('only-nuls', '\0\0\0'),
  metadata('unterminated', 'author=me'),
  metadata('unprintable', 'a=\x01\xff\x1b[1m\0line1\nline2\0'),
  metadata('long', `${'x'.repeat(300)}\0y=1\0`),
  upload('metadata-size-0', { modinfo: 'a=1\0', edits: [{ section: '.modinfo', field: 'sh_size', value: 0 }] }),
];

const symbolCases: readonly ConformCase[] = [
  upload('symbol-undefined', {
    sections: [
      { name: '.data.rel', flags: 'AW', size: 8, align: 8, fields: [{ at: 0, symbol: 'no_such_symbol_in_xen' }] },
    ],
  }),
  upload('symbol-of-hypervisor', {
    code: [{ symbol: 'do_xen_version', returns: 'x' }],
    functions: [{ new: 'do_xen_version' }, { name: XC, new: 'do_xen_version' }],
  }),
  {
    name: 'symbol-overrides-hypervisor',
    payloads: {
      p: {
        code: [
          { symbol: 'lp_new_fn', returns: 'x' },
          { symbol: 'do_xen_version', hex: 'c3' },
        ],
      },
    },
    steps: [{ upload: 'p' }],
  },
  {
    name: 'symbol-of-other-payload',
    payloads: {
      a: {
        code: [
          { symbol: 'fn_a', returns: 'a' },
          { symbol: 'lp_twice', hex: 'c3' },
        ],
      },
      b: {
        code: [
          { symbol: 'fn_b', returns: 'b' },
          { symbol: 'lp_twice', hex: '90c3' },
        ],
      },
    },
    steps: [{ upload: 'a' }, { upload: 'b' }, { unload: 'a' }, { upload: 'b' }, { upload: 'a' }],
  },
  {
    name: 'symbol-from-other-payload',
    payloads: {
      a: {
        code: [
          { symbol: 'fn_a', returns: 'a' },
          { symbol: 'lp_shared', hex: 'c3' },
        ],
      },
      u: { code: [{ symbol: 'fn_u', jumpTo: 'lp_shared' }] },
    },
    steps: [
      { upload: 'u' },
      { upload: 'a' },
      { upload: 'u' },
      { apply: 'u' },
      { unload: 'a' },
      { revert: 'u' },
      { unload: 'u' },
      { upload: 'u' },
    ],
  },
  upload('symbol-common', { symbols: [{ name: 'lp_common', shndx: SHN_COMMON, value: 8, size: 8 }] }),
  edited('symbol-shndx-1000', { symbol: 'lp_new_fn', field: 'st_shndx', value: 1000 }),
  edited('symbol-name-outside', { symbol: 'lp_new_fn', field: 'st_name', value: 0xffff }),
];

const noteCases: readonly ConformCase[] = [
  upload('no-build-id', { buildId: null }),
  upload('no-depends', { depends: null }),
  upload('no-xen-depends', { xenDepends: null }),
  upload('xen-depends-wrong', { xenDepends: '00'.repeat(20) }),
  upload('build-id-of-two-bytes', { buildId: '0102' }),
  ...NOTES.flatMap((section) => {
    const short = section.replace(/^\.(note\.gnu\.|livepatch\.)/, '');
    return [
      edited(`note-${short}-size-12`, { section, field: 'sh_size', value: 12 }),
      edited(`note-${short}-type`, { bytes: section, at: 8, hex: '04' }),
      edited(`note-${short}-owner`, { bytes: section, at: 12, hex: '474e58' }),
      edited(`note-${short}-descsz-21`, { bytes: section, at: 4, hex: '15' }),
    ];
  }),
];

const tableCases: readonly ConformCase[] = [
  whole('alternatives', {
    code: site(40),
    sections: alternatives([
      { feature: ALWAYS, site: 'lp_site', origLen: 3, repl: 'b00190' },
      { feature: ALWAYS, site: 'lp_site', at: 3, origLen: 12, repl: '90' },
      { feature: ABSENT, site: 'lp_site', at: 15, origLen: 2, padLen: 9, repl: 'f4'.repeat(11) },
      { feature: 0x8000 | ABSENT, site: 'lp_site', at: 26, origLen: 4, repl: 'f4f4' },
    ]),
  }),
  upload('alternatives-size-15', { code: site(4), sections: [{ name: '.altinstructions', flags: 'A', size: 15 }] }),
  upload('alternatives-feature-672', {
    code: site(4),
    sections: alternatives([{ feature: 672, site: 'lp_site', origLen: 1, repl: '90' }]),
  }),
  upload('alternatives-replacement-longer', {
    code: site(4),
    sections: alternatives([{ feature: ALWAYS, site: 'lp_site', origLen: 1, repl: '9090' }]),
  }),
  upload('alternatives-outside-text', {
    code: site(4),
    sections: alternatives([{ feature: ALWAYS, site: 'xen_extra_version', origLen: 1, repl: '90' }]),
  }),
  whole('bug-frames', {
    code: site(16),
    sections: [bugFrames(1, [{ symbol: 'lp_site', at: 2, line: 1234 }], '.rodata.str1.1')],
  }),
  ...[0, 1, 2, 3].map((n) =>
    upload(`bug-frames-${n}-size-12`, { sections: [{ name: `.bug_frames.${n}`, flags: 'A', size: 12 }] }),
  ),
  whole('exception-table', {
    code: site(16),
    sections: [exTable([3, 1, 2].map((at) => ({ symbol: 'lp_site', at, cont: at + 8 })))],
  }),
  // The sort's first look is at the last parent of the heap.
  upload('exception-table-not-allocated', { sections: [{ name: '.ex_table', flags: '', size: 48, align: 4 }] }),
  upload('exception-table-size-12', { sections: [{ name: '.ex_table', flags: 'A', size: 12 }] }),
  upload('hook-preapply-size-12', { sections: [{ name: '.livepatch.hooks.preapply', flags: 'A', size: 12 }] }),
  whole('hook-preapply-null', { sections: [{ name: '.livepatch.hooks.preapply', flags: 'A', size: 8, align: 8 }] }),
  {
    name: 'hook-load-null',
    payloads: { p: { sections: [{ name: '.livepatch.hooks.load', flags: 'A', size: 8, align: 8 }] } },
    steps: [{ upload: 'p' }, { apply: 'p' }],
  },
];

export const PAYLOAD_CASES: readonly ConformCase[] = [
  ...functionCases,
  ...endbrCases,
  ...nopCases,
  ...expectationCases,
  ...metadataCases,
  ...symbolCases,
  ...noteCases,
  ...tableCases,
];
