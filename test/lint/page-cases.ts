import type { LintRuleId } from '../../src/catalogue/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { openSimulation } from '../../src/run/index.ts';
import {
  buildPayload,
  type FunctionSpec,
  type PayloadSpec,
  type SectionSpec,
  xenFacts,
} from '../../src/synth/index.ts';
import { alternatives, bugFrames, exTable } from '../../src/synth/payload-tables.ts';
import { exampleBytes } from '../support/examples.ts';
import { alteredBytes, built, coreNamed, imageBytes, sameFiles } from './support.ts';

/** The payloads of a page's transcript, in this order, with the fault in the last one. */
export interface PageCase {
  readonly payloads: Readonly<Record<string, Uint8Array>>;
  /** Default: the miniature hypervisor. */
  readonly xen?: Uint8Array;
  readonly release?: string;
  readonly cpu?: string;
}

/** One payload, `x.livepatch`. */
const one = (spec: PayloadSpec, more: Omit<PageCase, 'payloads'> = {}): PageCase => ({
  payloads: { x: built(spec, more.release) },
  ...more,
});

/** Makes an entry for a place in the hypervisor: a symbol plus an offset in bytes. */
const patching = (symbol: string, plus = 0, more: FunctionSpec = {}): PayloadSpec => ({
  functions: [{ name: symbol, old: { addr: symbol, plus }, oldSize: 8, ...more }],
});

const text = (name: string, content: string, flags = 'A'): SectionSpec => ({
  name,
  flags,
  hex: Buffer.from(content, 'latin1').toString('hex'),
});

const hook = (kind: string, symbol = 'lp_hook'): SectionSpec => ({
  name: `.livepatch.hooks.${kind}`,
  flags: 'A',
  size: 8,
  fields: [{ at: 0, symbol }],
});

const NEW_CODE = { symbol: 'lp_new_fn', returns: 'x' };
const NOPS = { symbol: 'lp_new_fn', hex: `${'90'.repeat(16)}c3` };
const LM = { feature: 93, site: 'lp_new_fn' };
const ID = { a: 'aa'.repeat(20), b: 'bb'.repeat(20) };
const jump = (symbol: string): PayloadSpec => ({
  code: [{ symbol: 'lp_new_fn', hex: 'e900000000', fields: [{ at: 1, symbol, addend: -4, type: 4 }] }],
});

/** Makes a payload with a WARN. */
const warning = (code: string, symbol = 'lp_new_fn'): PayloadSpec => ({
  code: [{ symbol: 'lp_new_fn', hex: code }],
  sections: [
    bugFrames(1, [{ symbol, at: 4, line: 1234 }], 'lp_file'),
    { ...text('.rodata.file', 'common/domain.c\0'), symbols: [{ name: 'lp_file', at: 0 }] },
  ],
});

const helper = built({ code: [NEW_CODE, { symbol: 'lp_helper', hex: 'c3' }] });

/** The replacement of an alternative, with a call that is not its first instruction. */
function lateCall(): PayloadSpec {
  const [code, table] = alternatives([{ ...LM, origLen: 6, repl: '90e800000000' }]) as [SectionSpec, SectionSpec];
  const fields = [{ at: 2, symbol: 'memcpy', addend: -4, type: 4 }];
  return { code: [NOPS], sections: [{ ...code, fields }, table] };
}

const R_AARCH64_PREL32 = 261;

/** A payload for the miniature hypervisor of arm64, with a WARN. */
function armWarning(): PageCase {
  const xen = exampleBytes('arm64/miniature-xen');
  const { image, release } = openSimulation(xen, { gunzip });
  const spec: PayloadSpec = {
    code: [{ symbol: 'lp_new_fn', hex: '1f2003d5200020d4c0035fd6' }],
    sections: [
      {
        name: '.bug_frames.1',
        flags: 'A',
        hex: '000000000000000000000000d2040000',
        align: 4,
        fields: [
          { at: 0, symbol: 'lp_new_fn', addend: 4, type: R_AARCH64_PREL32 },
          { at: 4, symbol: 'lp_file', addend: 4, type: R_AARCH64_PREL32 },
        ],
      },
      { ...text('.rodata.file', 'common/domain.c\0'), symbols: [{ name: 'lp_file', at: 0 }] },
    ],
  };
  return { xen, payloads: { x: buildPayload(spec, { xen: xenFacts(image, release) }) } };
}

/** Cases by rule. The missing rules need debug data or a hypervisor with CET-IBT. */
export const PAGE_CASES: Readonly<Partial<Record<LintRuleId, () => PageCase>>> = {
  'loader-crash': () => one({ edits: [{ section: '.symtab', field: 'sh_link', value: 0 }] }),
  'funcs-read-only': () => one({}, { release: '4.18.0' }),
  'state-in-file': () => one({ functions: [{ pad: `${'00'.repeat(31)}01` }] }, { release: '4.16.0' }),
  'alternative-entry': () =>
    one({ code: [NOPS], sections: alternatives([{ ...LM, origLen: 4, repl: '0f1f440000' }]) }, { release: '4.17.7' }),
  'alternative-relative': () => one(lateCall()),
  'alt-call-encoding': () =>
    one(
      {
        code: [{ symbol: 'lp_new_fn', hex: 'ff1500000000c3' }],
        sections: alternatives([{ ...LM, origLen: 6, repl: 'e8fbffffff' }]),
      },
      { release: '4.21.0' },
    ),
  'init-reference': () => one(jump('kernel_init')),
  'trampoline-too-long': () => one(patching('memcpy', 12)),
  'branch-into-patch': () => one({ functions: [{}] }, { xen: alteredBytes({ 0x180: 'e9fe030000c39090' }) }),
  'branch-inside-function': () => one({ functions: [{}] }, { xen: alteredBytes({ 0x587: 'ebfa' }) }),
  'nop-range': () => one(patching('nag_administrator', 0, { new: null, newSize: 5, oldSize: 16 })),
  overlap: () => one({ functions: [{}, {}] }),
  'expectation-alternative': () =>
    one(patching('cpu_has_long_mode', 0, { expect: { len: 5, enabled: true, data: { of: 'cpu_has_long_mode' } } })),
  'trap-site-patched': () => one(patching('copy_byte_from_guest', 5)),
  'trap-table-outside': () => one({ code: [NOPS], sections: [exTable([{ symbol: 'memcpy', at: 0, cont: 4 }])] }),
  'bug-trap': () => one(warning('909090900f0bc3'), { release: '4.22.0' }),
  'payload-bug-frame': armWarning,
  'early-hook-trap': () => {
    const spec = warning('909090900f0bc3');
    return one({ ...spec, sections: [...(spec.sections ?? []), hook('preapply', 'lp_new_fn')] }, { release: '4.17.3' });
  },
  'endbr-missing': () =>
    one(
      { code: [NEW_CODE, { symbol: 'lp_hook', hex: 'c3' }], sections: [hook('load')] },
      { cpu: 'intel-sapphire-rapids' },
    ),
  'hook-writes-read-only': () => {
    const fields = [{ at: 2, symbol: coreNamed('pm_idle'), addend: -8, type: 2 }];
    return one({
      code: [NEW_CODE, { symbol: 'lp_hook', hex: 'c7050000000001000000c3', fields }],
      sections: [hook('preapply')],
    });
  },
  'wrong-flags': () => one({ code: [{ symbol: 'lp_new_fn', hex: '897c24f8c3' }] }),
  'patching-path': () => one(patching('memcpy')),
  'never-returns': () => one(patching('startup_cpu_idle_loop')),
  'symbol-collision': () => ({ payloads: { v1: helper, v2: helper } }),
  'unresolved-symbol': () => one(jump('memcpyy')),
  'ambiguous-symbol': () => one({ functions: [{ name: coreNamed('dump_state'), oldSize: 16 }] }, { xen: sameFiles() }),
  'links-to-payload': () => ({
    payloads: {
      first: built({ code: [NEW_CODE, { symbol: 'lp_provided', hex: 'c3' }], buildId: ID.a }),
      second: built({ code: [{ symbol: 'lp_new_fn', jumpTo: 'lp_provided' }], buildId: ID.b }),
    },
  }),
  'dependency-chain': () => ({
    payloads: { second: built({ buildId: ID.b, depends: ID.a }), first: built({ buildId: ID.a, depends: 'xen' }) },
  }),
  'replace-hooks': () => ({
    payloads: {
      v1: built({ buildId: ID.a }),
      v2: built({ buildId: ID.b, sections: [hook('prerevert', 'lp_new_fn')] }),
    },
  }),
  'relocation-reach': () => one({ ...jump('lp_low'), symbols: [{ name: 'lp_low', shndx: 0xfff1, value: 0x1000 }] }),
  metadata: () => one({ modinfo: 'a=1\nb=2\0' }),
  'duplicate-section': () => {
    const frames = { name: '.bug_frames.1', flags: 'A', size: 8 };
    return one({ sections: [frames, frames] });
  },
  'long-symbol': () => one({ code: [{ symbol: 'f'.repeat(127), returns: 'x' }] }),
  'large-payload': () => one({ edits: [{ growTo: 0x20_0001 }] }),
  reapply: () => one({ sections: [{ name: '.data', flags: 'WA', size: 4 }] }),
  'debug-sections': () => one({ sections: [{ name: '.debug_info', flags: '', size: 404304 }] }),
  nondeterministic: () => one({ sections: [text('.rodata.s', 'built Nov 25 2026\0')] }),
  compiler: () => one({ sections: [text('.comment', '\0GCC: (GNU) 13.2.1\0', 'MS')] }),
};

/** Returns the image of a case. */
export const xenOf = ({ xen }: PageCase): Uint8Array => xen ?? imageBytes;
