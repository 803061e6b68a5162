import { describe, expect, it } from 'vitest';
import type { LintRule } from '../../src/lint/index.ts';
import { compiler } from '../../src/lint/rules/compiler.ts';
import { debugSections } from '../../src/lint/rules/debug-sections.ts';
import { duplicateSection } from '../../src/lint/rules/duplicate-section.ts';
import { largePayload } from '../../src/lint/rules/large-payload.ts';
import { loaderCrash } from '../../src/lint/rules/loader-crash.ts';
import { longSymbol } from '../../src/lint/rules/long-symbol.ts';
import { metadata } from '../../src/lint/rules/metadata.ts';
import { nondeterministic } from '../../src/lint/rules/nondeterministic.ts';
import { reapply } from '../../src/lint/rules/reapply.ts';
import { stateInFile } from '../../src/lint/rules/state-in-file.ts';
import { wrongFlags } from '../../src/lint/rules/wrong-flags.ts';
import type { EditSpec, PayloadSpec, SectionSpec } from '../../src/synth/index.ts';
import { compileC, link } from '../support/gcc.ts';
import { built, checked, lint, messages } from './support.ts';

const said = (rule: LintRule, spec: PayloadSpec, release?: string): Promise<string[]> =>
  messages(rule, built(spec, release), release === undefined ? {} : { release });
const section = (name: string, text: string, flags = 'A'): SectionSpec => ({
  name,
  flags,
  hex: Buffer.from(text, 'latin1').toString('hex'),
});

describe('loader-crash', () => {
  const edited = (...edits: EditSpec[]): PayloadSpec => ({ edits });
  const hook = (kind: string, symbol?: string): PayloadSpec => ({
    sections: [
      {
        name: `.livepatch.hooks.${kind}`,
        flags: 'A',
        size: 8,
        ...(symbol !== undefined && { fields: [{ at: 0, symbol }] }),
      },
      section('.rodata.x', 'x'),
    ],
  });

  it.each<[string, PayloadSpec, string]>([
    ['no string table', edited({ section: '.symtab', field: 'sh_link', value: 0 }), 'sh_link of .symtab is section 0'],
    ['relocations of section 0', edited({ section: '.rela.text', field: 'sh_info', value: 0 }), 'relocates section 0'],
    ['alignment 0', edited({ section: '.text', field: 'sh_addralign', value: 0 }), 'has alignment 0'],
    [
      'an offset that overflows',
      edited({ section: '.rodata.str1.1', field: 'sh_size', value: { hex: 'fffffffffffffff0' } }),
      'overflow',
    ],
    ['functions that are not loaded', { funcsFlags: '' }, '.livepatch.funcs is not loaded'],
    ['empty metadata', { sections: [section('.modinfo', '')] }, 'is empty'],
    ['a load hook that is NULL', hook('load'), 'is NULL: Xen calls it'],
    ['a hook in data', hook('preapply', '.rodata.x'), 'is not in code'],
    ['neither a name nor an address', { functions: [{ name: null }] }, 'its name points to NULL'],
    ['an address where nothing is', { functions: [{ old: { hex: '1234' } }] }, 'which is not in the hypervisor'],
    ['an address of data', { functions: [{ old: 'console_loglvl' }] }, 'which is data'],
  ])('finds %s', async (_what, spec, words) => {
    expect((await said(loaderCrash, spec)).join('\n')).toContain(words);
  });

  it('accepts what is only unusual', async () => {
    for (const spec of [
      {},
      hook('load', 'lp_new_fn'),
      hook('preapply'),
      { functions: [{ old: 'xen_extra_version' }] },
    ]) {
      expect(await said(loaderCrash, spec)).toEqual([]);
    }
    expect(await said(loaderCrash, { functions: [{ name: null, old: 'xen_extra_version' }] })).toEqual([]);
  });

  it('predicts that the host panics', async () => {
    for (const spec of [
      edited({ section: '.symtab', field: 'sh_link', value: 0 }),
      hook('load'),
      { functions: [{ name: null }] },
    ]) {
      const report = await checked([{ file: 'x', name: 'x', bytes: built(spec) }]);
      expect(report.payloads[0]?.verdict).toBe('unsafe');
      expect(report.payloads[0]?.findings.map(({ rule }) => rule)).toContain('loader-crash');
    }
  });
});

describe('state-in-file', () => {
  const entry = (pad: string): PayloadSpec => ({ functions: [{ pad }] });
  it('checks the byte by release', async () => {
    const applied = `${'00'.repeat(31)}01`;
    expect((await said(stateInFile, entry(applied), '4.16.0'))[0]).toContain(
      'assumes that the function is already patched',
    );
    // Later, the byte is padding; and Xen writes the saved instructions before it reads them.
    expect(await said(stateInFile, entry(applied), '4.19.0')).toEqual([]);
    expect(await said(stateInFile, entry(`ff${'00'.repeat(31)}`), '4.16.0')).toEqual([]);
    expect(await said(stateInFile, entry('00'.repeat(39)), '4.16.0')).toEqual([]);
    expect(await said(stateInFile, {}, '4.13.0')).toEqual([]);
  });
});

describe('metadata', () => {
  it('finds strings that break a line', async () => {
    expect(await said(metadata, { modinfo: 'author=me\0xsa=444\0' })).toEqual([]);
    expect((await said(metadata, { modinfo: 'a=1\0\0b=2\0' }))[0]).toContain('an empty string');
    expect((await said(metadata, { modinfo: 'a=1\nb=2\0' }))[0]).toContain('a control character');
    expect((await said(metadata, { modinfo: 'a=1' }))[0]).toContain('the last string has no NUL');
    expect((await said(metadata, { modinfo: 'a=1\0' }, '4.13.0'))[0]).toContain('4.13.0 does not support metadata');
  });
});

describe('duplicate-section', () => {
  it('finds a second section with a name that Xen looks up', async () => {
    const frames = { name: '.bug_frames.1', flags: 'A', size: 8 };
    expect((await said(duplicateSection, { sections: [frames, frames] }))[0]).toContain(
      'ignores the 8 bytes of the other',
    );
    expect(await said(duplicateSection, { sections: [frames, { ...frames, name: '.bug_frames.2' }] })).toEqual([]);
    expect(await said(duplicateSection, { sections: [section('.rodata.x', 'a'), section('.rodata.x', 'b')] })).toEqual(
      [],
    );
  });
});

describe('long-symbol', () => {
  it('counts like Xen', async () => {
    const symbol = (length: number): PayloadSpec => ({ code: [{ symbol: 'f'.repeat(length), returns: 'x' }] });
    expect((await said(longSymbol, symbol(127)))[0]).toContain('has 127 characters, but Xen keeps 126');
    expect(await said(longSymbol, symbol(126))).toEqual([]);
  });
});

describe('large-payload', () => {
  it('finds files near and over the limits', async () => {
    const grown = (growTo: number): PayloadSpec => ({ edits: [{ growTo }] });
    expect(await said(largePayload, grown(0x1c_0000))).toEqual([]);
    expect((await said(largePayload, grown(0x1c_0001)))[0]).toContain('the next fix may not fit');
    expect((await said(largePayload, grown(0x20_0001)))[0]).toContain('Xen refuses it (EINVAL)');
    const many = (count: number): PayloadSpec => ({
      sections: Array.from({ length: count }, (_, i) => section(`.rodata.${i}`, 'x')),
    });
    expect((await said(largePayload, many(900)))[0]).toContain("Xen's limit is 1023");
    expect(await said(largePayload, many(800))).toEqual([]);
  });
});

describe('reapply', () => {
  it('checks the sections that matter', async () => {
    const data = { name: '.data', flags: 'WA', size: 4 };
    expect((await said(reapply, { sections: [data] }))[0]).toContain('.data is writable');
    expect(await said(reapply, { funcsFlags: 'WA', sections: [{ ...data, size: 0 }] })).toEqual([]);
    const hook = { name: '.livepatch.hooks.load', flags: 'WA', size: 8, fields: [{ at: 0, symbol: 'lp_new_fn' }] };
    expect((await said(reapply, { sections: [hook] }))[0]).toContain(
      'Make .livepatch.hooks.load read-only to allow it',
    );
  });
});

describe('debug-sections', () => {
  it('finds debug information', async () => {
    const object = (flag: string): Uint8Array => link([compileC('int lp_new_fn(void) { return 3; }', [flag])], ['-r']);
    expect((await messages(debugSections, object('-g')))[0]).toContain('bytes of debug information');
    expect(await messages(debugSections, object('-g0'))).toEqual([]);
  });
});

describe('nondeterministic', () => {
  const text = (value: string): Promise<string[]> =>
    said(nondeterministic, { sections: [section('.rodata.s', `${value}\0`)] });

  it('finds dates, times and paths', async () => {
    expect((await text('built Nov 25 2026'))[0]).toContain('the date "Nov 25 2026"');
    expect((await text('at 18:53:07.'))[0]).toContain('the time "18:53:07"');
    expect((await text('/builddir/xen-4.17.7/xen/common/domain.c'))[0]).toContain('the path');
    for (const value of ['common/domain.c', 'May 2026', '1:2:3', '00:00:00:00', 'xen/home/x', 'March 3 2020']) {
      expect(await text(value), value).toEqual([]);
    }
  });

  it('finds file symbols that depend on the machine', async () => {
    const object = (name: string): Uint8Array =>
      link([compileC(`__asm__(".file \\"${name}\\""); int lp_new_fn(void) { return 3; }`)], ['-r']);
    expect(await messages(nondeterministic, object('/tmp/x/a.c'))).toHaveLength(1);
    expect(await messages(nondeterministic, object('common/a.c'))).toEqual([]);
  });
});

describe('wrong-flags', () => {
  const object = (source: string, ...flags: string[]): Uint8Array =>
    link([compileC(source, ['-O2', '-fno-pic', '-mcmodel=kernel', ...flags])], ['-r']);
  const keeps = 'int lp_new_fn(int n) { volatile int kept[4]; kept[n & 3] = n; return kept[0]; }';
  const copies = 'struct s { long a[4]; }; void lp_new_fn(struct s *to, struct s *from) { *to = *from; }';

  it('finds uses of the red zone', async () => {
    expect((await messages(wrongFlags, object(keeps, '-mno-sse')))[0]).toContain('with -mno-red-zone');
    expect(await messages(wrongFlags, object(keeps, '-mno-sse', '-mno-red-zone'))).toEqual([]);
    // smp_mb().
    const barrier = 'int lp_new_fn(void) { __asm__ volatile("lock addl $0, -4(%rsp)"); return 0; }';
    expect(await messages(wrongFlags, object(barrier))).toEqual([]);
  });

  it('finds uses of vector registers', async () => {
    expect((await messages(wrongFlags, object(copies, '-msse2')))[0]).toContain('with -mno-sse -mno-mmx');
    expect(await messages(wrongFlags, object(copies, '-mno-sse', '-mno-mmx'))).toEqual([]);
  });

  it('ignores immediates', async () => {
    // movabs whose immediate has the bytes of both forms.
    expect(await said(wrongFlags, { code: [{ symbol: 'lp_new_fn', hex: '48b80f104424f8900f2890c3' }] })).toEqual([]);
  });
});

describe('compiler', () => {
  it('compares compilers', async () => {
    const by = (text: string): PayloadSpec => ({ sections: [section('.comment', `\0${text}\0`, 'MS')] });
    expect((await said(compiler, by('GCC: (GNU) 13.2.1')))[0]).toContain(
      'built with GCC 13.2.1, the hypervisor with GCC 12.2.0',
    );
    expect(await said(compiler, by('clang version 14.0.6 (x)'))).toHaveLength(1);
    expect(await said(compiler, by('GCC: (Debian 12.2.0-14+deb12u1) 12.2.0'))).toEqual([]);
    expect(await said(compiler, {})).toEqual([]);
  });

  it('recognises flags by the symbols and relocations that they cause', async () => {
    const source = 'int lp_new_fn(int n) { char a[64]; __builtin_memset(a, n, n); return a[n]; }';
    const object = (...flags: string[]): Uint8Array => link([compileC(source, ['-O1', ...flags])], ['-r']);
    const protector = await messages(compiler, object('-fstack-protector-strong', '-fno-pic', '-mcmodel=kernel'));
    expect(protector.join('\n')).toContain('-fno-stack-protector');
    const pic = 'extern int console_loglvl; int lp_new_fn(void) { return console_loglvl; }';
    const found = await lint(compiler, link([compileC(pic, ['-fPIC', '-O1'])], ['-r']));
    expect(found.map(({ message }) => message).join('\n')).toMatch(/R_X86_64_\w*GOTPCRELX? against console_loglvl/);
    expect(await messages(compiler, object('-fno-stack-protector', '-fno-pic', '-mcmodel=kernel'))).toEqual([]);
  });
});
