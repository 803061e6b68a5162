import { describe, expect, it } from 'vitest';
import type { CpuOptions } from '../../src/machine/index.ts';
import { rcOf } from '../support/answers.ts';
import { EXTRA_VERSION, hostWith, id, lines, memory, patch, stack, status } from './state-support.ts';
import { apply, revert } from './support.ts';

const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };

/** 30 ms, the timeout if 0 is given. */
const DEFAULT_TIMEOUT = 30_000_000;
const EBUSY = -16;

/** A host whose CPUs are healthy except for those named. */
const host = (count: number, special: Readonly<Record<number, CpuOptions>> = {}, debugBuild = false) =>
  hostWith({ a: A }, { cpus: Array.from({ length: count }, (_, cpu) => special[cpu] ?? {}), debugBuild });

describe('the rendezvous', () => {
  it.each([1, 2, 8])('of %i healthy CPUs performs the action', async (count) => {
    const target = host(count);
    expect(apply(target, 'a')).toMatchObject({
      rc: 0,
      console: [
        'livepatch: a: Verifying enabled expectations for all functions',
        'livepatch: a: Applying 1 functions',
        'livepatch: a finished APPLY with rc=0',
      ],
    });
    expect(target.hypervisor.machine.clock.now).toBeLessThan(DEFAULT_TIMEOUT);
    for (const cpu of target.hypervisor.machine.cpus) expect(cpu.interruptsEnabled).toBe(true);
  });

  it('of one CPU takes no time', () => {
    const target = host(1);
    apply(target, 'a', { timeout: 1 });
    expect(target.hypervisor.machine.clock.now).toBe(0);
    expect(stack(target)).toEqual(['a']);
  });

  it.each([
    ['late, but in time', { arrivesAfter: DEFAULT_TIMEOUT - 1_000_000 }],
    ['a microsecond before the deadline', { arrivesAfter: DEFAULT_TIMEOUT - 1_000 }],
    ['slow to disable its interrupts', { disablesIrqsAfter: DEFAULT_TIMEOUT - 1_000_000 }],
  ] as const)('waits for a CPU: %s', (_what, options) => {
    const target = host(4, { 2: options });
    expect(apply(target, 'a').rc).toBe(0);
    expect(target.hypervisor.machine.clock.now).toBeGreaterThan(DEFAULT_TIMEOUT - 2_000_000);
  });

  it.each([
    ['late beyond the deadline', { 2: { arrivesAfter: DEFAULT_TIMEOUT + 1 } }, 'CPU', '2/3'],
    ['stuck before it comes', { 2: { arrivesAfter: 'never' } }, 'CPU', '2/3'],
    ['stuck with its interrupts on', { 3: { disablesIrqsAfter: 'never' } }, 'IRQ', '2/3'],
    ['in time, but slow to disable its interrupts', { 3: { disablesIrqsAfter: DEFAULT_TIMEOUT } }, 'IRQ', '2/3'],
  ] as const)('gives up on a CPU that is %s', async (_what, special, phase, counts) => {
    const target = host(4, special);
    const original = memory(target, EXTRA_VERSION.address, 8);
    expect(apply(target, 'a')).toMatchObject({
      rc: EBUSY,
      console: [
        'livepatch: a: Verifying enabled expectations for all functions',
        `livepatch: a: Timed out on semaphore in ${phase} quiesce phase ${counts}`,
        'livepatch: a finished APPLY with rc=-16',
      ],
    });
    expect(await status(target, 'a')).toEqual(['CHECKED', EBUSY]);
    expect(stack(target)).toEqual([]);
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(original);
    expect(target.hypervisor.machine.clock.now).toBe(DEFAULT_TIMEOUT);
    for (const cpu of target.hypervisor.machine.cpus) expect(cpu.interruptsEnabled).toBe(true);
  });

  it('counts the CPUs that arrived', () => {
    const never = { arrivesAfter: 'never' } as const;
    const two = host(2, { 1: never });
    expect(apply(two, 'a').console).toContain('livepatch: a: Timed out on semaphore in CPU quiesce phase 0/1');
    const eight = host(8, { 1: never, 4: never, 5: never });
    expect(apply(eight, 'a').console).toContain('livepatch: a: Timed out on semaphore in CPU quiesce phase 4/7');
  });

  it('has one deadline for both phases', () => {
    const target = host(2, { 1: { arrivesAfter: 20_000_000, disablesIrqsAfter: 20_000_000 } });
    expect(apply(target, 'a').console).toContain('livepatch: a: Timed out on semaphore in IRQ quiesce phase 0/1');
    expect(target.hypervisor.machine.clock.now).toBe(DEFAULT_TIMEOUT);
  });

  it.each([
    [0, 29_000_000, 0],
    [0, 31_000_000, EBUSY],
    [10_000_000, 9_000_000, 0],
    [10_000_000, 11_000_000, EBUSY],
    [50_000_000, 31_000_000, 0],
    [0xffff_ffff, 4_000_000_000, 0],
  ])('timeout %i, arrival after %i ns: rc %i', (timeout, arrivesAfter, rc) => {
    expect(apply(host(2, { 1: { arrivesAfter } }), 'a', { timeout }).rc).toBe(rc);
  });

  it('succeeds at the second attempt', () => {
    const target = host(2, { 1: { arrivesAfter: 35_000_000 } });
    expect(apply(target, 'a').rc).toBe(EBUSY);
    expect(apply(target, 'a', { timeout: 40_000_000 }).rc).toBe(0);
    expect(stack(target)).toEqual(['a']);
  });

  it('leaves the payload APPLIED if it fails during a revert', async () => {
    const target = host(2, { 1: { arrivesAfter: 35_000_000 } });
    apply(target, 'a', { timeout: 40_000_000 });
    const patched = memory(target, EXTRA_VERSION.address, 8);
    expect(revert(target, 'a')).toMatchObject({
      rc: EBUSY,
      console: [
        'livepatch: a: Timed out on semaphore in CPU quiesce phase 0/1',
        'livepatch: a finished REVERT with rc=-16',
      ],
    });
    expect(await status(target, 'a')).toEqual(['APPLIED', EBUSY]);
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(patched);
  });

  it('accepts another payload’s action even after a failure', () => {
    const target = host(2, { 1: { arrivesAfter: 'never' } });
    apply(target, 'a');
    expect(target.hypervisor.work).toBe(null);
    expect(rcOf(target.schedule('a', 'apply'))).toBe(0);
  });

  it('prints more in a debug build', () => {
    const target = host(4, {}, true);
    target.schedule('a', 'apply', { timeout: 1_000_000 });
    expect(lines(target)).toContain('common/livepatch.c: livepatch: a: timeout is 1000000ns');
    target.idle();
    expect(lines(target)).toEqual([
      'common/livepatch.c: livepatch: a: CPU0 - IPIing the other 3 CPUs',
      'livepatch: a: Applying 1 functions',
      'livepatch: a finished APPLY with rc=0',
    ]);
    const alone = host(1, {}, true);
    alone.schedule('a', 'apply');
    expect(lines(alone)).toContain('common/livepatch.c: livepatch: a: timeout is 30000000ns');
    alone.idle();
    expect(lines(alone)[0]).toBe('livepatch: a: Applying 1 functions');
  });

  it.each(['4.11.0', '4.13.0', '4.13.1', '4.22.0'])('times out with the same text under %s', (release) => {
    const target = hostWith({ a: A }, { release, cpus: [{}, { arrivesAfter: 'never' }], debugBuild: true });
    const { console } = apply(target, 'a');
    const line = 'livepatch: a: Timed out on semaphore in CPU quiesce phase 0/1';
    // Up to 4.12 errors start with the file’s name, which dprintk adds.
    const prefix = release.startsWith('4.11') ? 'common/livepatch.c: ' : '';
    expect(console.slice(-2)).toEqual([prefix + line, 'livepatch: a finished APPLY with rc=-16']);
  });
});
