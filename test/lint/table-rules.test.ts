import { describe, expect, it } from 'vitest';
import { finding } from '../../src/base/index.ts';
import { altCallEncoding } from '../../src/lint/rules/alt-call-encoding.ts';
import { alternativeEntry } from '../../src/lint/rules/alternative-entry.ts';
import { alternativeIbt } from '../../src/lint/rules/alternative-ibt.ts';
import { alternativeRelative } from '../../src/lint/rules/alternative-relative.ts';
import { bugTrap } from '../../src/lint/rules/bug-trap.ts';
import { earlyHookTrap } from '../../src/lint/rules/early-hook-trap.ts';
import { trapTableOutside } from '../../src/lint/rules/trap-table-outside.ts';
import type { AlternativeSpec, CodeSpec, FieldSpec, PayloadSpec, SectionSpec } from '../../src/synth/index.ts';
import { alternatives, bugFrames, exTable } from '../../src/synth/payload-tables.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { debian } from '../run/xen.ts';
import { built, lint, messages } from './support.ts';

/** Sixteen NOPs and a ret. */
const CODE: readonly CodeSpec[] = [{ symbol: 'lp_new_fn', hex: `${'90'.repeat(16)}c3` }];
const FEATURE_LM = 93;

const releaseOf = (version: string) => RELEASES.find((each) => each.version === version) ?? expect.fail(version);

/** A payload with one alternative. */
const alternative = (given: Partial<AlternativeSpec>, sections: readonly SectionSpec[] = []): Uint8Array =>
  built({
    code: CODE,
    sections: [
      ...alternatives([{ feature: FEATURE_LM, site: 'lp_new_fn', origLen: 5, repl: '0f1f440000', ...given }]),
      ...sections,
    ],
  });

describe('alternative-entry', () => {
  const said = (given: Partial<AlternativeSpec>, release = '4.17.7') =>
    messages(alternativeEntry, alternative(given), { release });

  it('accepts sound entries', async () => {
    for (const release of ['4.11.0', '4.17.7', '4.22.0']) {
      for (const given of [{}, { origLen: 3, padLen: 2 }, { repl: '' }, { at: 12 }]) {
        expect(await said(given, release), `${release} ${JSON.stringify(given)}`).toEqual([]);
      }
    }
  });

  it.each([
    ['a replacement that is longer than the original', { origLen: 4 }, 'the replacement has 5 bytes, the original 4'],
    ['a feature that does not exist', { feature: 700 }, 'feature 700 does not exist'],
    ['more than the buffer holds', { padLen: 250 }, 'Xen can replace at most 254'],
    ['an original outside of the code', { at: 20 }, "is not in the payload's code"],
    ['padding past the end', { at: 12, padLen: 10 }, 'the padding of 10 bytes runs past the end'],
    ['an entry that is marked as done', { priv: 1 }, 'Xen silently skips the entry'],
  ])('finds %s', async (_what, given, words) => {
    expect((await said(given)).join('\n')).toContain(words);
  });

  it('reports what the release does with it', async () => {
    expect((await said({ feature: 700 }, '4.17.7'))[0]).toContain('4.17.7 panics at upload');
    expect((await said({ feature: 720 }, '4.20.0'))[0]).toContain('Xen refuses the payload');
    expect((await said({ at: 20 }, '4.17.3'))[0]).toContain('4.17.3 writes there without a check');
    expect((await said({ feature: 0x8000 | FEATURE_LM }, '4.17.5'))[0]).toContain('does not support ALT_FLAG_NOT');
    expect(await said({ feature: 0x8000 | FEATURE_LM }, '4.17.6')).toEqual([]);
    expect(await said({ priv: 1 }, '4.12.0')).toEqual([]);
  });

  it('does not repeat a refusal by Xen', async () => {
    const loader = [finding('bad-alternative', { message: '', where: { section: '.altinstructions' } })];
    expect(await lint(alternativeEntry, alternative({ at: 20 }), { loader })).toEqual([]);
  });
});

describe('alternative-relative', () => {
  /** The replacement with a field that a relocation fills. */
  const withField = (repl: string, field: FieldSpec): Uint8Array => {
    const [code, table] = alternatives([
      { feature: FEATURE_LM, site: 'lp_new_fn', origLen: repl.length / 2, repl },
    ]) as [SectionSpec, SectionSpec];
    return built({ code: CODE, sections: [{ ...code, fields: [field] }, table] });
  };
  const call: FieldSpec = { at: 1, symbol: 'memcpy', addend: -4, type: 4 };

  it('accepts the call and the jump that Xen retargets', async () => {
    expect(await messages(alternativeRelative, withField('e800000000', call))).toEqual([]);
    expect(await messages(alternativeRelative, withField('e900000000', call))).toEqual([]);
  });

  it('finds references that Xen copies unchanged', async () => {
    expect((await messages(alternativeRelative, withField('90e800000000', { ...call, at: 2 })))[0]).toContain(
      'at byte 2',
    );
    expect(await messages(alternativeRelative, withField('0f8400000000', { ...call, at: 2 }))).toHaveLength(1);
    expect(await messages(alternativeRelative, withField('488b0500000000', { ...call, at: 3 }))).toHaveLength(1);
  });

  it('accepts the return thunk, which 4.21 retargets', async () => {
    const thunk = withField('90e900000000', { at: 2, symbol: '__x86_return_thunk', addend: -4, type: 4 });
    expect(await messages(alternativeRelative, thunk, { release: '4.20.0' })).toHaveLength(1);
    expect(await messages(alternativeRelative, thunk, { release: '4.21.0' })).toEqual([]);
  });
});

describe('alternative-ibt', () => {
  it('reports payloads with alternatives on the releases that walk freed memory', async () => {
    const payload = alternative({});
    const on = (release: string, bytes = payload) =>
      messages(alternativeIbt, bytes, { simulation: { ...debian, release: releaseOf(release) } });
    expect(await on('4.17.3')).toHaveLength(1);
    expect(await on('4.17.4')).toEqual([]);
    expect(await on('4.16.7')).toEqual([]);
    expect(await on('4.17.3', built({}))).toEqual([]);
  });
});

describe('alt-call-encoding', () => {
  const old = (modrm: string): Uint8Array => {
    const sections = alternatives([{ feature: FEATURE_LM, site: 'lp_new_fn', origLen: 6, repl: 'e8fbffffff' }]);
    return built({ code: [{ symbol: 'lp_new_fn', hex: `ff${modrm}00000000c3` }], sections });
  };
  const sites = built({
    code: [{ symbol: 'lp_new_fn', hex: 'ff1500000000c3' }],
    sections: [{ name: '.alt_call_sites', flags: 'A', size: 4, fields: [{ at: 0, symbol: 'lp_new_fn', type: 2 }] }],
  });
  const said = (bytes: Uint8Array, release: string) => messages(altCallEncoding, bytes, { release });

  it('finds each encoding on the releases of the other', async () => {
    expect((await said(old('15'), '4.21.0'))[0]).toContain('in the encoding of 4.13 to 4.20');
    expect(await said(old('15'), '4.20.0')).toEqual([]);
    // call *(%rax…) is not the marker.
    expect(await said(old('10'), '4.21.0')).toEqual([]);
    expect((await said(sites, '4.20.0'))[0]).toContain('they stay indirect');
    expect(await said(sites, '4.21.0')).toEqual([]);
  });
});

/** Builds a payload with a bug frame for byte 4 of its function. */
const withFrame = (code: string, sites = [{ symbol: 'lp_new_fn', at: 4, line: 1234 }]): PayloadSpec => ({
  code: [{ symbol: 'lp_new_fn', hex: code }],
  sections: [
    bugFrames(1, sites, 'lp_file'),
    { name: '.rodata.file', flags: 'A', hex: '2f612e6300', symbols: [{ name: 'lp_file', at: 0 }] },
  ],
});

describe('bug-trap', () => {
  const said = (code: string, release: string) => messages(bugTrap, built(withFrame(code)), { release });

  it('checks the trap of each release', async () => {
    expect(await said('909090900f0bc3', '4.21.0')).toEqual([]);
    expect(await said('90909090d690c3', '4.22.0')).toEqual([]);
    expect((await said('909090900f0bc3', '4.22.0'))[0]).toContain('which holds 0f: the trap of 4.22.0 is d6');
    expect((await said('90909090d690c3', '4.21.0'))[0]).toContain('(/a.c:1234)');
    expect(await said('90909090', '4.21.0')).toHaveLength(1);
  });
});

describe('trap-table-outside', () => {
  it('finds frames and entries for code outside the payload', async () => {
    const frame = (symbol: string) =>
      messages(trapTableOutside, built(withFrame('909090900f0bc3', [{ symbol, at: 4, line: 1 }])));
    expect(await frame('lp_new_fn')).toEqual([]);
    expect((await frame('memcpy'))[0]).toContain('the frame is for memcpy+0x4');
    const entry = (symbol: string, cont = 4) =>
      messages(trapTableOutside, built({ code: CODE, sections: [exTable([{ symbol, at: 0, cont }])] }));
    expect(await entry('lp_new_fn')).toEqual([]);
    expect((await entry('memcpy'))[0]).toContain('so a fault there stays fatal');
    expect((await entry('.livepatch.funcs'))[0]).toContain('which is not the payload');
  });
});

describe('early-hook-trap', () => {
  const hooks = (kind: string, hook: string): Uint8Array =>
    built({
      ...withFrame('909090900f0bc3'),
      code: [
        { symbol: 'lp_new_fn', hex: '909090900f0bc3' },
        { symbol: 'lp_other', hex: 'c3' },
      ],
      sections: [
        ...(withFrame('').sections ?? []),
        { name: `.livepatch.hooks.${kind}`, flags: 'A', size: 8, fields: [{ at: 0, symbol: hook }] },
      ],
    });

  it('reports hooks that run while the tables are not registered', async () => {
    const said = (kind: string, hook: string, release: string) =>
      messages(earlyHookTrap, hooks(kind, hook), { release });
    expect((await said('preapply', 'lp_new_fn', '4.17.3'))[0]).toContain(
      'the preapply hook lp_new_fn has an entry in .bug_frames.1',
    );
    expect(await said('postrevert', 'lp_new_fn', '4.16.7')).toHaveLength(1);
    expect(await said('preapply', 'lp_other', '4.17.3')).toEqual([]);
    expect(await said('postapply', 'lp_new_fn', '4.17.3')).toEqual([]);
    expect(await said('preapply', 'lp_new_fn', '4.17.4')).toEqual([]);
  });
});
