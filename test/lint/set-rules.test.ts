import { describe, expect, it } from 'vitest';
import { finding } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { ambiguousSymbol } from '../../src/lint/rules/ambiguous-symbol.ts';
import { dependencyChain } from '../../src/lint/rules/dependency-chain.ts';
import { linksToPayload } from '../../src/lint/rules/links-to-payload.ts';
import { replaceHooks } from '../../src/lint/rules/replace-hooks.ts';
import { symbolCollision } from '../../src/lint/rules/symbol-collision.ts';
import { unresolvedSymbol } from '../../src/lint/rules/unresolved-symbol.ts';
import { openSimulation } from '../../src/run/index.ts';
import type { PayloadSpec } from '../../src/synth/index.ts';
import { built, coreNamed, lint, messages, sameFiles } from './support.ts';

const ID = { a: 'aa'.repeat(20), b: 'bb'.repeat(20), c: 'cc'.repeat(20) };

describe('symbol-collision', () => {
  const named = (symbol: string, more: PayloadSpec = {}): Uint8Array =>
    built({
      code: [
        { symbol: 'lp_new_fn', returns: 'x' },
        { symbol, hex: 'c3' },
      ],
      ...more,
    });

  it('finds names of the hypervisor', async () => {
    expect((await messages(symbolCollision, named('memcpy')))[0]).toContain('the hypervisor also has a symbol memcpy');
    expect(await messages(symbolCollision, named('lp_helper'))).toEqual([]);
    // The new version of a function may have its name.
    const overrides = built({ code: [{ symbol: 'memcpy', hex: 'c3' }], functions: [{ name: 'memcpy' }] });
    expect(await messages(symbolCollision, overrides)).toEqual([]);
    const offset = (await lint(symbolCollision, named('memcpy')))[0]?.where.offset ?? expect.fail();
    const loader = [finding('duplicate-symbol', { message: '', where: { offset, symbol: 'memcpy' } })];
    expect(await lint(symbolCollision, named('memcpy'), { loader })).toEqual([]);
  });

  it('finds names of another payload of the set', async () => {
    const set = { before: [named('lp_helper')] };
    const [message] = await messages(symbolCollision, named('lp_helper'), set);
    expect(message).toContain('lp_helper is also a new symbol of before0.livepatch');
    // Both override the same function under the same name, which is no new symbol.
    expect(await messages(symbolCollision, named('lp_other'), set)).toEqual([]);
    expect(
      await messages(symbolCollision, named('lp_helper'), { after: [named('lp_helper', { xenDepends: ID.a })] }),
    ).toEqual([]);
  });
});

describe('links-to-payload', () => {
  const user = (depends: string): Uint8Array =>
    built({ code: [{ symbol: 'lp_new_fn', jumpTo: 'lp_provided' }], depends });
  const provider = built({
    code: [
      { symbol: 'lp_first', returns: 'x' },
      { symbol: 'lp_provided', hex: 'c3' },
    ],
    buildId: ID.a,
  });

  it('finds a symbol of a payload that may be missing', async () => {
    const set = { before: [provider] };
    expect((await messages(linksToPayload, user('xen'), set))[0]).toContain(
      'lp_provided is defined by before0.livepatch',
    );
    expect(await messages(linksToPayload, user(ID.a), set)).toEqual([]);
    expect(await messages(linksToPayload, user('xen'))).toEqual([]);
    expect(await messages(unresolvedSymbol, user('xen'), set)).toEqual([]);
  });
});

describe('unresolved-symbol', () => {
  it('reports every name, with the nearest ones', async () => {
    const fields = ['memcpyy', 'no_such_thing_anywhere'].map((symbol, i) => ({ at: 8 * i, symbol }));
    const payload = built({ sections: [{ name: '.rodata.names', flags: 'A', size: 16, fields }] });
    const found = await messages(unresolvedSymbol, payload);
    expect(found).toHaveLength(2);
    expect(found[0]).toContain('Nearest: memcpy');
    expect(found[1]).toContain('It belongs to another build');
    const said = (symbol: string) => [finding('unknown-symbol', { message: '', where: { symbol } })];
    // A symbol that Xen reported is repeated only to suggest names.
    expect(await messages(unresolvedSymbol, payload, { loader: said('no_such_thing_anywhere') })).toHaveLength(1);
    expect(await messages(unresolvedSymbol, payload, { loader: said('memcpyy') })).toHaveLength(2);
    expect(await messages(unresolvedSymbol, built({}))).toEqual([]);
  });
});

describe('ambiguous-symbol', () => {
  it('finds ambiguous names', async () => {
    const name = coreNamed('dump_state');
    const looked = built({ functions: [{ name, oldSize: 16 }] });
    const used = built({ code: [{ symbol: 'lp_new_fn', jumpTo: name }] });
    // One in each of two files: two different names.
    for (const payload of [looked, used]) expect(await messages(ambiguousSymbol, payload)).toEqual([]);
    const simulation = openSimulation(sameFiles(), { gunzip });
    expect((await messages(ambiguousSymbol, looked, { simulation }))[0]).toContain(
      'the hypervisor has 2 symbols named arch/x86/domain.c#dump_state, at 0xffff82d0402000',
    );
    expect(await lint(ambiguousSymbol, used, { simulation })).toMatchObject([
      { where: { section: '.symtab', symbol: name } },
    ]);
    expect(await messages(ambiguousSymbol, built({}), { simulation })).toEqual([]);
  });
});

describe('dependency-chain', () => {
  const one = (buildId: string, depends: string, more: PayloadSpec = {}): Uint8Array =>
    built({ buildId, depends, ...more });
  const said = (bytes: Uint8Array, before: Uint8Array[] = [], after: Uint8Array[] = []) =>
    messages(dependencyChain, bytes, { before, after });

  it('accepts a chain in order', async () => {
    const [a, b, c] = [one(ID.a, 'xen'), one(ID.b, ID.a), one(ID.c, ID.b)];
    expect(await said(a, [], [b, c])).toEqual([]);
    expect(await said(b, [a], [c])).toEqual([]);
    expect(await said(c, [a, b])).toEqual([]);
  });

  it('finds a wrong order', async () => {
    expect((await said(one(ID.b, ID.a), [], [one(ID.a, 'xen')]))[0]).toContain(
      'it depends on after0.livepatch, which comes after it',
    );
  });

  it('finds cycles', async () => {
    expect((await said(one(ID.b, ID.a), [one(ID.a, ID.b)]))[0]).toContain('in a cycle: x.livepatch, before0.livepatch');
    expect((await said(one(ID.c, ID.b), [one(ID.a, ID.c), one(ID.b, ID.a)]))[0]).toContain('in a cycle');
    // The top one is not in the cycle, but depends on it.
    expect((await said(one(ID.c, ID.b), [one(ID.a, ID.b), one(ID.b, ID.a)]))[0]).toContain('in a cycle');
    expect((await said(one(ID.a, ID.a)))[0]).toContain('depends on itself');
  });

  it('finds equal build-ids, and payloads for different hypervisors', async () => {
    expect((await said(one(ID.a, 'xen'), [one(ID.a, 'xen')]))[0]).toContain('before0.livepatch has the same build-id');
    expect((await said(one(ID.b, ID.a), [one(ID.a, 'xen', { xenDepends: ID.c })]))[0]).toContain(
      'no host accepts both',
    );
  });
});

describe('replace-hooks', () => {
  const hooked = (kind: string, depends = 'xen'): Uint8Array =>
    built({
      depends,
      sections: [{ name: `.livepatch.hooks.${kind}`, flags: 'A', size: 8, fields: [{ at: 0, symbol: 'lp_new_fn' }] }],
    });

  it('reports only cumulative payloads', async () => {
    const set = { after: [built({})] };
    expect((await messages(replaceHooks, hooked('prerevert'), set))[0]).toContain('Xen refuses REPLACE');
    expect(await messages(replaceHooks, hooked('apply'), set)).toEqual([]);
    expect(await messages(replaceHooks, hooked('load'), set)).toEqual([]);
    expect(await messages(replaceHooks, hooked('prerevert'))).toEqual([]);
    expect(await messages(replaceHooks, hooked('prerevert', ID.a), set)).toEqual([]);
    expect(await messages(replaceHooks, hooked('prerevert'), { ...set, release: '4.13.0' })).toEqual([]);
  });
});
