import { describe, expect, it } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { ActionName } from '../../src/xen/index.ts';
import { rcOf } from '../support/answers.ts';
import {
  CHANGESET,
  COMPILE_DATE,
  EXTRA_VERSION,
  expectation,
  hostWith,
  id,
  lines,
  memory,
  patch,
  payloadFor,
  stack,
  status,
} from './state-support.ts';
import { act, apply, digest, replace, revert, unload, upload } from './support.ts';

/** A stack of three payloads, and one that depends on the hypervisor itself. */
const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };
const B = { buildId: id(0xb2), functions: [patch(CHANGESET)], depends: id(0xa1) };
const C = { buildId: id(0xc3), functions: [patch(COMPILE_DATE)], depends: id(0xb2) };
const CUMULATIVE = { buildId: id(0xd4), functions: [patch(EXTRA_VERSION), patch(CHANGESET)] };

const EINVAL = -22;
const EBUSY = -16;
const EAGAIN = -11;

/** The result of the hypercall, and the outcome of the action. */
async function step(target: SimulatedTarget, name: string, action: ActionName, flags = 0) {
  const rc = rcOf(target.schedule(name, action, { flags }));
  const pending = await status(target, name);
  target.idle();
  return { rc, pending, after: await status(target, name), console: lines(target) };
}

describe('state and rc of a payload (facts 3.7)', () => {
  it('UNLOAD of a CHECKED payload: unloaded', async () => {
    const target = hostWith({ a: A });
    expect(await step(target, 'a', 'unload')).toEqual({ rc: 0, pending: null, after: null, console: [] });
  });

  it('UNLOAD of an APPLIED payload: EINVAL, silent, nothing changes', async () => {
    const target = hostWith({ a: A }, { applied: ['a'] });
    const state = ['APPLIED', 0];
    expect(await step(target, 'a', 'unload')).toEqual({ rc: EINVAL, pending: state, after: state, console: [] });
  });

  it('REVERT of a CHECKED payload: success without effect', async () => {
    const target = hostWith({ a: A });
    const state = ['CHECKED', 0];
    expect(await step(target, 'a', 'revert')).toEqual({ rc: 0, pending: state, after: state, console: [] });
  });

  it('REVERT of a payload that is not on top: EBUSY, rc unchanged', async () => {
    const target = hostWith({ a: A, b: B }, { applied: ['a', 'b'] });
    const state = ['APPLIED', 0];
    const console = ["livepatch: a: can't unload. Top is b"];
    expect(await step(target, 'a', 'revert')).toEqual({ rc: EBUSY, pending: state, after: state, console });
  });

  it('REVERT of the payload on top: EAGAIN while pending, then CHECKED', async () => {
    const target = hostWith({ a: A }, { applied: ['a'] });
    expect(await step(target, 'a', 'revert')).toEqual({
      rc: 0,
      pending: ['APPLIED', EAGAIN],
      after: ['CHECKED', 0],
      console: ['livepatch: a: Reverting', 'livepatch: a finished REVERT with rc=0'],
    });
  });

  it('APPLY of an APPLIED payload: success without effect', async () => {
    const target = hostWith({ a: A }, { applied: ['a'] });
    const state = ['APPLIED', 0];
    expect(await step(target, 'a', 'apply')).toEqual({ rc: 0, pending: state, after: state, console: [] });
  });

  it('APPLY of a reverted payload with data: the call returns 0, the payload says EINVAL', async () => {
    const target = hostWith({ a: { ...A, data: 8 } }, { applied: ['a'] });
    expect(revert(target, 'a').rc).toBe(0);
    const state = ['CHECKED', EINVAL];
    const console = ["livepatch: a: can't revert as payload has .data. Please unload"];
    expect(await step(target, 'a', 'apply')).toEqual({ rc: 0, pending: state, after: state, console });
    expect(stack(target)).toEqual([]);
  });

  it('APPLY of a payload with another dependency: EINVAL, rc unchanged', async () => {
    const target = hostWith({ b: B });
    const state = ['CHECKED', 0];
    const console = ['livepatch: b: check against hypervisor build-id failed'];
    expect(await step(target, 'b', 'apply')).toEqual({ rc: EINVAL, pending: state, after: state, console });
  });

  it('APPLY with a failed expectation: its errno, rc unchanged', async () => {
    const expect_ = { expectation: expectation([1, 2, 3]) };
    const target = hostWith({ a: { ...A, functions: [patch(EXTRA_VERSION, expect_)] } });
    const state = ['CHECKED', 0];
    const console = [
      'livepatch: a: Verifying enabled expectations for all functions',
      'livepatch: xen_extra_version: expectation failed: expected:010203, actual:488d05',
      'livepatch: a: expectations of xen_extra_version failed (rc=-22), aborting!',
    ];
    expect(await step(target, 'a', 'apply')).toEqual({ rc: EINVAL, pending: state, after: state, console });
  });

  it('APPLY: EAGAIN while pending, then APPLIED', async () => {
    const target = hostWith({ a: { ...A, modinfo: ['author=me', 'XSA=1'] } });
    expect(await step(target, 'a', 'apply')).toEqual({
      rc: 0,
      pending: ['CHECKED', EAGAIN],
      after: ['APPLIED', 0],
      console: [
        'livepatch: a: Verifying enabled expectations for all functions',
        'livepatch: a: Applying 1 functions',
        'livepatch: module metadata:',
        'livepatch:   author=me',
        'livepatch:   XSA=1',
        'livepatch: a finished APPLY with rc=0',
      ],
    });
  });

  it('REPLACE of an APPLIED payload: success without effect', async () => {
    const target = hostWith({ a: A }, { applied: ['a'] });
    const state = ['APPLIED', 0];
    expect(await step(target, 'a', 'replace')).toEqual({ rc: 0, pending: state, after: state, console: [] });
  });

  it('REPLACE of a CHECKED payload: EAGAIN while pending, then APPLIED', async () => {
    const target = hostWith({ a: A, d: CUMULATIVE }, { applied: ['a'] });
    expect(await step(target, 'd', 'replace')).toEqual({
      rc: 0,
      pending: ['CHECKED', EAGAIN],
      after: ['APPLIED', 0],
      console: [
        'livepatch: a: Reverting',
        'livepatch: d: Verifying enabled expectations for all functions',
        'livepatch: d: Applying 2 functions',
        'livepatch: d finished REPLACE with rc=0',
      ],
    });
    expect(await status(target, 'a')).toEqual(['CHECKED', 0]);
  });

  it.each(['apply', 'revert', 'replace', 'unload'] as const)('%s of an unknown name: ENOENT', (action) => {
    expect(act(hostWith({ a: A }), 'nobody', action)).toMatchObject({ rc: -2, errno: 'ENOENT', console: [] });
  });
});

describe('while an action is pending', () => {
  it.each(['apply', 'revert', 'replace', 'unload'] as const)('%s of the same payload: EBUSY', async (action) => {
    const target = hostWith({ a: A });
    expect(rcOf(target.schedule('a', 'apply'))).toBe(0);
    expect(rcOf(target.schedule('a', action))).toBe(EBUSY);
    expect(await status(target, 'a')).toEqual(['CHECKED', EAGAIN]);
    target.idle();
    expect(await status(target, 'a')).toEqual(['APPLIED', 0]);
  });

  it('an action on another payload: EBUSY, and that payload keeps EAGAIN until its next action', async () => {
    const other = { buildId: id(0xe5), functions: [patch(COMPILE_DATE)] };
    const target = hostWith({ a: A, e: other });
    target.schedule('a', 'apply');
    expect(rcOf(target.schedule('e', 'apply'))).toBe(EBUSY);
    target.idle();
    // Nothing is pending any more, but the payload's rc stays at EAGAIN.
    expect(await status(target, 'e')).toEqual(['CHECKED', EAGAIN]);
    target.idle();
    expect(await status(target, 'e')).toEqual(['CHECKED', EAGAIN]);
    expect(apply(target, 'e', { flags: 1 }).rc).toBe(0);
    expect(await status(target, 'e')).toEqual(['APPLIED', 0]);
  });

  it.each(['revert', 'replace'] as const)('%s of another payload is stuck at EAGAIN, too', async (action) => {
    const target = hostWith({ a: A, d: CUMULATIVE, e: { buildId: id(0xe5), functions: [patch(COMPILE_DATE)] } });
    if (action === 'revert') apply(target, 'd');
    expect(rcOf(target.schedule('a', 'apply', { flags: 1 }))).toBe(0);
    expect(rcOf(target.schedule('d', action))).toBe(EBUSY);
    expect((await status(target, 'd'))?.[1]).toBe(EAGAIN);
  });

  it('refusals before schedule_work take precedence over EBUSY', () => {
    const target = hostWith({ a: A, b: B });
    target.schedule('a', 'apply');
    // Nothing is applied yet: the dependency is the hypervisor.
    expect(rcOf(target.schedule('b', 'apply'))).toBe(EINVAL);
  });

  it('another payload can be unloaded', async () => {
    const target = hostWith({ a: A, b: B });
    target.schedule('a', 'apply');
    expect(rcOf(target.schedule('b', 'unload'))).toBe(0);
    expect(await status(target, 'b')).toBe(null);
    target.idle();
    expect(stack(target)).toEqual(['a']);
  });
});

describe('stacking', () => {
  it('applies in the order of the build-ids and reverts in reverse, and restores the machine', () => {
    const target = hostWith({});
    const before = digest(target);
    const three = hostWith({ a: A, b: B, c: C });
    expect(apply(three, 'c').rc).toBe(EINVAL);
    for (const name of ['a', 'b', 'c']) expect(apply(three, name).rc).toBe(0);
    expect(stack(three)).toEqual(['a', 'b', 'c']);
    expect(revert(three, 'b').console).toEqual(["livepatch: b: can't unload. Top is c"]);
    for (const name of ['c', 'b', 'a']) expect(revert(three, name).rc).toBe(0);
    for (const name of ['b', 'a', 'c']) expect(unload(three, name).rc).toBe(0);
    expect(digest(three)).toBe(before);
  });

  it('names the payload below in the refusal', () => {
    const target = hostWith({ a: A, c: C }, { applied: ['a'] });
    expect(apply(target, 'c')).toMatchObject({
      errno: 'EINVAL',
      console: ['livepatch: c: check against a build-id failed'],
    });
  });

  it('compares the lengths of build-ids, too', () => {
    const target = hostWith({ a: A, b: { ...B, depends: id(0xa1).subarray(0, 19) } }, { applied: ['a'] });
    expect(apply(target, 'b').console).toEqual(['livepatch: b: check against a build-id failed']);
  });

  it('NODEPS skips the build-id check', () => {
    const target = hostWith({ a: A, c: C }, { applied: ['a'] });
    expect(apply(target, 'c', { flags: 1 })).toMatchObject({ rc: 0 });
    expect(stack(target)).toEqual(['a', 'c']);
  });

  it('REPLACE ignores NODEPS', () => {
    const target = hostWith({ a: A, b: B }, { applied: ['a'] });
    expect(replace(target, 'b', { flags: 1 })).toMatchObject({
      errno: 'EINVAL',
      console: ['livepatch: b: check against hypervisor build-id failed'],
    });
  });

  it.each(['4.11.4', '4.12.4', '4.13.5'])('%s has no NODEPS', (release) => {
    const target = hostWith({ c: C }, { release, debugBuild: true });
    expect(apply(target, 'c', { flags: 1 })).toMatchObject({ errno: 'EINVAL' });
  });

  it.each([2, 4, 0x8000_0000, 0xffff_fffe])('ignores unknown flag 0x%s', (flags) => {
    const target = hostWith({ a: A, c: C });
    expect(apply(target, 'c', { flags })).toMatchObject({ errno: 'EINVAL' });
    expect(apply(target, 'a', { flags })).toMatchObject({ rc: 0 });
  });

  it('a second patch of a function takes effect, and revert restores the first', () => {
    const second = { buildId: id(0xb2), depends: id(0xa1) };
    const target = hostWith({ a: A, b: second });
    const original = memory(target, EXTRA_VERSION.address, 8);
    apply(target, 'a');
    const first = memory(target, EXTRA_VERSION.address, 8);
    apply(target, 'b');
    expect(memory(target, EXTRA_VERSION.address, 5)).not.toBe(first.slice(0, 10));
    expect(memory(target, EXTRA_VERSION.address + 5n, 3)).toBe(original.slice(10));
    revert(target, 'b');
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(first);
    revert(target, 'a');
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(original);
  });
});

describe('names and build-ids', () => {
  it('a name is in use while its payload is loaded', () => {
    const target = hostWith({ a: A });
    expect(upload(target, 'a', payloadFor(CUMULATIVE))).toMatchObject({ errno: 'EEXIST', console: [] });
  });

  it('a build-id is, too, under any name', () => {
    const target = hostWith({ hello: { buildId: id(7) } }, { debugBuild: true });
    const spec = { buildId: id(7), functions: [patch(CHANGESET)] };
    const outcome = upload(target, 'again', payloadFor(spec));
    expect(outcome).toMatchObject({ errno: 'EEXIST' });
    expect(outcome.console.at(-1)).toBe('common/livepatch.c: livepatch: again: Already loaded as hello!');
  });

  it('both are free again after the unload', () => {
    const target = hostWith({ hello: A });
    unload(target, 'hello');
    expect(upload(target, 'hello', payloadFor(A)).rc).toBe(0);
  });
});
