import { describe, expect, it } from 'vitest';
import {
  ALL_RELEASES,
  among,
  CHANGESET,
  EXTRA_VERSION,
  expectation,
  hostWith,
  id,
  KERNEL_DUMP_STATE,
  patch,
  poke,
  type StatePayload,
} from './state-support.ts';
import { apply, loaded } from './support.ts';

/** The functions' first bytes, from `objdump -d`. */
const EXTRA_VERSION_BYTES = [0x48, 0x8d, 0x05, 0x20, 0x1e, 0x00, 0x00, 0xc3];
const DUMP_STATE_BYTES = [0xf3, 0x0f, 0x1e, 0xfa, 0x8b, 0x15];

const one = (bytes: Uint8Array, more: object = {}): StatePayload => ({
  buildId: id(0xa1),
  functions: [patch(EXTRA_VERSION, { expectation: bytes, ...more })],
});

const VERIFYING = 'livepatch: a: Verifying enabled expectations for all functions';
const failed = (name: string, rc: number) => `livepatch: a: expectations of ${name} failed (rc=${rc}), aborting!`;

describe('expectations', () => {
  it.each(ALL_RELEASES)('%s', (release) => {
    const right = hostWith({ a: one(expectation(EXTRA_VERSION_BYTES)) }, { release, loglvl: 'all' });
    expect(apply(right, 'a').rc).toBe(0);
    const wrong = hostWith({ a: one(expectation([0x48, 0x8d, 0x06])) }, { release, loglvl: 'all' });
    const { errno, console } = apply(wrong, 'a');
    if (among(release, ['4.11.0-4.13.5'])) {
      // The entry has no expectation.
      expect(errno).toBe(null);
      expect(console).not.toContain(VERIFYING);
      return;
    }
    expect(errno).toBe('EINVAL');
    expect(console).toEqual([
      VERIFYING,
      'livepatch: xen_extra_version: expectation failed: expected:488d06, actual:488d05',
      failed('xen_extra_version', -22),
    ]);
  });

  it.each([0, 1, 7, 8])('of %i matching bytes', (length) => {
    const target = hostWith({ a: one(expectation(EXTRA_VERSION_BYTES.slice(0, length))) });
    expect(apply(target, 'a')).toMatchObject({ rc: 0 });
  });

  it('of 31 bytes', () => {
    const text = [
      ...EXTRA_VERSION_BYTES,
      0x0f,
      0x1f,
      0x84,
      0,
      0,
      0,
      0,
      0,
      ...[0x48, 0x8d, 0x05, 0x13, 0x1e, 0, 0, 0xc3],
    ];
    const bytes = [...text, 0x0f, 0x1f, 0x84, 0, 0, 0, 0];
    expect(apply(hostWith({ a: one(expectation(bytes), { oldSize: 31 }) }), 'a')).toMatchObject({ rc: 0 });
  });

  it.each([
    ['longer than the function', expectation(EXTRA_VERSION_BYTES), { oldSize: 7 }, 'ERANGE', -34],
    ['with reserved bits', expectation(EXTRA_VERSION_BYTES, { rsv: 1 }), {}, 'EINVAL', -22],
    [
      'with reserved bits and longer than the function',
      expectation(EXTRA_VERSION_BYTES, { rsv: 2 }),
      { oldSize: 7 },
      'EINVAL',
      -22,
    ],
  ] as const)('%s', (_what, bytes, more, errno, rc) => {
    const target = hostWith({ a: one(bytes, more) });
    expect(apply(target, 'a')).toMatchObject({ errno, console: [VERIFYING, failed('xen_extra_version', rc)] });
    expect(loaded(target, 'a')).toMatchObject({ state: 'CHECKED', rc: 0 });
  });

  it('of a function that has lost its address: EFAULT', () => {
    const target = hostWith({ a: one(expectation(EXTRA_VERSION_BYTES)) });
    poke(target, loaded(target, 'a').funcs.addr + 16n, [0, 0, 0, 0, 0, 0, 0, 0]);
    expect(apply(target, 'a')).toMatchObject({
      errno: 'EFAULT',
      console: [VERIFYING, failed('xen_extra_version', -14)],
    });
  });

  it('are ignored unless enabled', () => {
    const bytes = expectation([1, 2, 3], { rsv: 3 });
    bytes[0] = (bytes[0] as number) & 0xfe;
    expect(apply(hostWith({ a: one(bytes, { oldSize: 5 }) }), 'a')).toMatchObject({ rc: 0 });
  });

  it('compare at the function’s start, not after its ENDBR64', () => {
    const at = (bytes: readonly number[]) => ({
      buildId: id(0xa1),
      functions: [patch(KERNEL_DUMP_STATE, { expectation: expectation(bytes) })],
    });
    expect(apply(hostWith({ a: at(DUMP_STATE_BYTES) }), 'a').rc).toBe(0);
    expect(apply(hostWith({ a: at(DUMP_STATE_BYTES.slice(4)) }), 'a').errno).toBe('EINVAL');
  });

  it('compare with current memory, including another payload’s jump', () => {
    const below = { buildId: id(0xb1), functions: [patch(EXTRA_VERSION)] };
    const target = hostWith(
      { below, a: { ...one(expectation(EXTRA_VERSION_BYTES)), depends: id(0xb1) } },
      { applied: ['below'] },
    );
    expect(apply(target, 'a')).toMatchObject({ errno: 'EINVAL' });
  });

  it('stop at the first failure', () => {
    const functions = [
      patch(EXTRA_VERSION, { expectation: expectation(EXTRA_VERSION_BYTES) }),
      patch(CHANGESET, { expectation: expectation([1]) }),
      patch(KERNEL_DUMP_STATE, { expectation: expectation([2]) }),
    ];
    expect(apply(hostWith({ a: { buildId: id(0xa1), functions } }), 'a').console).toEqual([
      VERIFYING,
      'livepatch: xen_changeset: expectation failed: expected:01, actual:48',
      failed('xen_changeset', -22),
    ]);
  });

  it('of a function without a name', () => {
    const functions = [{ name: null, oldAddr: EXTRA_VERSION.name, oldSize: 8, expectation: expectation([1]) }];
    expect(apply(hostWith({ a: { buildId: id(0xa1), functions } }), 'a').console).toEqual([
      VERIFYING,
      'livepatch: <NULL>: expectation failed: expected:01, actual:48',
      failed('unknown', -22),
    ]);
  });

  it('are announced even without any functions', () => {
    const target = hostWith({ a: { buildId: id(0xa1), functions: [], hooks: { postrevert: 1 } } });
    expect(apply(target, 'a').console).toEqual([
      VERIFYING,
      'livepatch: a: Applying 0 functions',
      'livepatch: a finished APPLY with rc=0',
    ]);
  });

  it('of memory that is no longer mapped: the host dies', () => {
    const target = hostWith({ a: one(expectation(EXTRA_VERSION_BYTES)) });
    // Init memory is freed after boot.
    const gone = 0xffff82d040203000n;
    poke(target, loaded(target, 'a').funcs.addr + 16n, [0x00, 0x30, 0x20, 0x40, 0xd0, 0x82, 0xff, 0xff]);
    expect(apply(target, 'a').panic).toBe('FATAL PAGE FAULT');
    expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0, address: gone });
  });
});
