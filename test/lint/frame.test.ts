import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import type { RuleId } from '../../src/catalogue/index.ts';
import { type LintRule, MAX_PER_RULE, runLint } from '../../src/lint/index.ts';
import { funcsReadOnly } from '../../src/lint/rules/funcs-read-only.ts';
import { built, checked, exampleFile, lint, linted, messages, miniature } from './support.ts';

const speaks: LintRule = {
  id: 'long-symbol',
  coveredBy: ['verify'],
  *check() {
    yield { message: 'here', where: { section: '.text', offset: 4 } };
  },
};

describe('runLint', () => {
  const payload = built({});

  it('adds rule, severity and file', async () => {
    expect(await lint(speaks, payload)).toEqual([
      {
        rule: 'long-symbol',
        severity: 'warning',
        message: 'here',
        where: { file: 'x.livepatch', section: '.text', offset: 4 },
      },
    ]);
  });

  it('applies the user’s levels', async () => {
    const severities = async (level: 'off' | 'warn' | 'error') =>
      (await lint(speaks, payload, { levels: new Map([['long-symbol', level]]) })).map(({ severity }) => severity);
    expect(await severities('off')).toEqual([]);
    expect(await severities('warn')).toEqual(['warning']);
    expect(await severities('error')).toEqual(['error']);
  });

  it('does not repeat what the loader reported about the place', async () => {
    const said = (rule: RuleId, offset?: number) => ({
      rule,
      severity: 'error' as const,
      message: '',
      where: { file: 'x', ...(offset !== undefined && { offset }) },
    });
    expect(await lint(speaks, payload, { loader: [said('verify', 4)] })).toEqual([]);
    expect(await lint(speaks, payload, { loader: [said('verify')] })).toEqual([]);
    expect(await lint(speaks, payload, { loader: [said('verify', 5), said('overlap', 4)] })).toHaveLength(1);
  });

  it('loads a disassembler only for a rule that needs one', async () => {
    const { image, release, processor } = miniature();
    const one = linted(payload);
    const input = { payload: one, set: [one], image, release, processor, loader: [] };
    let loaded = 0;
    const loadDisassembler = async () => {
      loaded++;
      return {
        disassemble: () => [{ kind: 'bad' as const, offset: 0, size: 1 }],
        sizes: (_arch: unknown, code: Uint8Array) => new Uint8Array(code.length),
      };
    };
    const reads: LintRule = {
      ...speaks,
      id: 'metadata',
      *check(context) {
        yield { message: 'before', where: {} };
        yield { message: context.instructions(new Uint8Array(1), 0)[0]?.kind ?? '', where: {} };
      },
    };
    await runLint([speaks], input, { loadDisassembler });
    expect(loaded).toBe(0);
    const found = await runLint([speaks, reads, reads], input, { loadDisassembler });
    expect(loaded).toBe(1);
    expect(found.map(({ message }) => message)).toEqual(['here', 'before', 'bad', 'before', 'bad']);
    for (const options of [
      {},
      { loadDisassembler: () => Promise.reject(new XspliceError('ETOOL', 'it is not there')) },
    ]) {
      const without = await runLint([reads, speaks], input, options);
      expect(without.map(({ rule, severity }) => [rule, severity])).toEqual([
        ['lint-not-run', 'note'],
        ['long-symbol', 'warning'],
      ]);
    }
  });

  it('limits the number of findings', async () => {
    const many: LintRule = {
      ...speaks,
      *check() {
        for (let i = 0; i < 1000; i++) yield { message: `${i}`, where: {} };
      },
    };
    const found = await lint(many, payload);
    expect(found).toHaveLength(MAX_PER_RULE + 1);
    expect(found.at(-1)?.message).toBe(`${1000 - MAX_PER_RULE} more of this kind`);
  });
});

describe('check', () => {
  it('calls a payload unsafe if lint finds an error, and lists that last', async () => {
    const verdict = async (level: 'warn' | 'error', name = 'data') => {
      const options = { levels: new Map([['reapply', level]] as const) };
      return (await checked([exampleFile(name)], options)).payloads[0];
    };
    expect((await verdict('warn'))?.verdict).toBe('accepted');
    expect(await verdict('error')).toMatchObject({ verdict: 'unsafe', errno: null, findings: [{ rule: 'reapply' }] });
    const refused = await verdict('error', 'unknown-symbol');
    expect(refused?.verdict).toBe('refused');
    expect(refused?.findings[0]?.rule).toBe('unknown-symbol');
    // Rules have nothing to check in a file that is not ELF.
    expect((await verdict('error', 'not-elf'))?.findings.map(({ rule }) => rule)).toEqual(['not-elf']);
  });
});

describe('funcs-read-only', () => {
  it('reports only the releases that panic', async () => {
    for (const release of ['4.16.4', '4.16.7', '4.17.1', '4.17.2', '4.18.0']) {
      expect(await messages(funcsReadOnly, built({}, release), { release })).toHaveLength(1);
      expect(await messages(funcsReadOnly, built({ funcsFlags: 'WA' }, release), { release })).toEqual([]);
    }
    for (const release of ['4.16.3', '4.17.0', '4.17.3', '4.18.1', '4.22.0']) {
      expect(await messages(funcsReadOnly, built({}, release), { release })).toEqual([]);
    }
  });

  it('predicts that the host panics', async () => {
    const rules = async (name: string) =>
      (await checked([exampleFile(name)], { release: '4.18.0' })).payloads.map(({ verdict, findings }) => [
        verdict,
        ...findings.map(({ rule }) => rule),
      ])[0];
    expect(await rules('hello')).toEqual(expect.arrayContaining(['unsafe', 'host-panic', 'funcs-read-only']));
    const writable = await rules('writable');
    expect(writable?.[0]).toBe('accepted');
    expect(writable).not.toContain('funcs-read-only');
  });
});
