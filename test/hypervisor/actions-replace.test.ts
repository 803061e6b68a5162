import { describe, expect, it } from 'vitest';
import {
  CHANGESET,
  COMPILE_DATE,
  EXTRA_VERSION,
  expectation,
  hostWith,
  id,
  memory,
  patch,
  stack,
  status,
} from './state-support.ts';
import { apply, loaded, replace, revert } from './support.ts';

/** A stack of three payloads, and one that depends on the hypervisor itself. */
const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };
const B = { buildId: id(0xb2), functions: [patch(CHANGESET)], depends: id(0xa1) };
const C = { buildId: id(0xc3), functions: [patch(COMPILE_DATE)], depends: id(0xb2) };
const CUMULATIVE = { buildId: id(0xd4), functions: [patch(EXTRA_VERSION), patch(CHANGESET)] };

const EINVAL = -22;

describe('REPLACE', () => {
  const below = { a: A, b: B, c: C };

  it.each([[['a']], [['a', 'b']], [['a', 'b', 'c']]])('of the stack %j reverts the last first', (applied) => {
    const target = hostWith({ ...below, d: CUMULATIVE }, { applied });
    const { rc, console } = replace(target, 'd');
    expect(rc).toBe(0);
    expect(console).toEqual([
      ...[...applied].reverse().map((name) => `livepatch: ${name}: Reverting`),
      'livepatch: d: Verifying enabled expectations for all functions',
      'livepatch: d: Applying 2 functions',
      'livepatch: d finished REPLACE with rc=0',
    ]);
    expect(stack(target)).toEqual(['d']);
    for (const name of applied) expect(loaded(target, name)).toMatchObject({ state: 'CHECKED', rc: 0 });
  });

  it('of nothing is an APPLY', () => {
    const target = hostWith({ d: CUMULATIVE });
    expect(replace(target, 'd')).toMatchObject({ rc: 0 });
    expect(stack(target)).toEqual(['d']);
  });

  it('compares with the hypervisor’s build-id, whatever is applied', () => {
    const target = hostWith({ a: A, b: B }, { applied: ['a'] });
    expect(replace(target, 'b')).toMatchObject({
      errno: 'EINVAL',
      console: ['livepatch: b: check against hypervisor build-id failed'],
    });
    expect(stack(target)).toEqual(['a']);
  });

  it('with a failed expectation leaves the host without any payload and reports it', async () => {
    const wrong = { expectation: expectation([0xff]) };
    const target = hostWith(
      { ...below, d: { ...CUMULATIVE, functions: [patch(EXTRA_VERSION, wrong)] } },
      { applied: ['a', 'b'] },
    );
    expect(replace(target, 'd')).toMatchObject({
      rc: EINVAL,
      console: [
        'livepatch: b: Reverting',
        'livepatch: a: Reverting',
        'livepatch: d: Verifying enabled expectations for all functions',
        'livepatch: xen_extra_version: expectation failed: expected:ff, actual:48',
        'livepatch: d: expectations of xen_extra_version failed (rc=-22), aborting!',
        'livepatch: d: SYSTEM MIGHT BE INSECURE: Replace action has been aborted after reverting ALL payloads!',
        'livepatch: d finished REPLACE with rc=-22',
      ],
    });
    expect(stack(target)).toEqual([]);
    expect(await status(target, 'd')).toEqual(['CHECKED', EINVAL]);
  });

  it('checks expectations after the others are reverted', () => {
    const original = { expectation: expectation([0x48, 0x8d, 0x05]) };
    const target = hostWith(
      { a: A, d: { ...CUMULATIVE, functions: [patch(EXTRA_VERSION, original)] } },
      { applied: ['a'] },
    );
    expect(replace(target, 'd')).toMatchObject({ rc: 0 });
  });

  it('reapplies a payload that APPLY refuses, with its dirty data', () => {
    const target = hostWith({ a: { ...A, data: 8 } }, { applied: ['a'] });
    const { addr } = loaded(target, 'a').rw;
    target.hypervisor.machine.space.write(addr, Uint8Array.of(0xd1, 0xd2));
    revert(target, 'a');
    expect(apply(target, 'a')).toMatchObject({ rc: EINVAL });
    expect(replace(target, 'a')).toMatchObject({ rc: 0 });
    expect(stack(target)).toEqual(['a']);
    expect(memory(target, addr, 2)).toBe('d1d2');
  });

  it.each(['preapply', 'postapply', 'prerevert', 'postrevert'] as const)('is refused with a %s hook', (kind) => {
    const hooked = { ...CUMULATIVE, hooks: { [kind]: 1 } };
    const target = hostWith({ a: A, d: hooked }, { applied: ['a'] });
    const line = 'livepatch: d: REPLACE action is not supported on livepatches with vetoing hooks!';
    expect(replace(target, 'd')).toMatchObject({ errno: 'EOPNOTSUPP', console: [line] });
    expect(stack(target)).toEqual(['a']);
    expect(loaded(target, 'd').rc).toBe(0);
  });

  it.each(['prerevert', 'postrevert'] as const)('is refused if an applied payload has a %s hook', (kind) => {
    const target = hostWith({ a: { ...A, hooks: { [kind]: 1 } }, d: CUMULATIVE }, { applied: ['a'] });
    const line = 'livepatch: d: REPLACE action is not supported on livepatches with vetoing hooks!';
    expect(replace(target, 'd')).toMatchObject({ errno: 'EOPNOTSUPP', console: [line] });
  });

  it.each(['load', 'unload', 'apply', 'revert'] as const)('accepts a %s hook', (kind) => {
    const target = hostWith({ d: { ...CUMULATIVE, hooks: { [kind]: 1 } } });
    const { errno, hook } = replace(target, 'd');
    expect(errno).toBe(null);
    // Hooks for apply run then; those for revert do not.
    expect(hook).toBe(kind === 'load' || kind === 'apply' ? kind : null);
  });
});
