import { describe, expect, it } from 'vitest';
import { SHF_ALLOC } from '../../src/elf/index.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import {
  ALL_RELEASES,
  among,
  CHANGESET,
  EXTRA_VERSION,
  hostWith,
  id,
  KERNEL_DUMP_STATE,
  memory,
  patch,
  stack,
  WRITABLE,
} from './state-support.ts';
import { apply, loaded, processorNamed, revert, unload } from './support.ts';

/** Releases that write to a payload's `.livepatch.funcs` without making it writable (facts 6.2). */
const PANICKING = ['4.16.4-4.16.7', '4.17.1', '4.17.2', '4.18.0'];

const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION), patch(CHANGESET)] };

describe('a read-only .livepatch.funcs', () => {
  it('kills exactly seven releases', () => {
    expect(ALL_RELEASES.filter((release) => among(release, PANICKING))).toEqual([
      '4.16.4',
      '4.16.5',
      '4.16.6',
      '4.16.7',
      '4.17.1',
      '4.17.2',
      '4.18.0',
    ]);
  });

  it.each(ALL_RELEASES)('%s', (release) => {
    const target = hostWith({ a: { ...A, funcsFlags: SHF_ALLOC } }, { release });
    const original = memory(target, EXTRA_VERSION.address, 8);
    const { rc, panic } = apply(target, 'a');
    const { stopped } = target.hypervisor;
    if (among(release, PANICKING)) {
      expect(rc).toBeNull();
      expect(panic).toBe('FATAL PAGE FAULT');
      expect(stopped?.panic).toMatchObject({ errorCode: 3, address: loaded(target, 'a').funcs.addr + 0x41n });
      // The host dies before anything is patched.
      expect(memory(target, EXTRA_VERSION.address, 8)).toBe(original);
      return;
    }
    expect({ rc, panic }).toEqual({ rc: 0, panic: null });
    expect(memory(target, EXTRA_VERSION.address, 1)).toBe('e9');
    expect(revert(target, 'a').rc).toBe(0);
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(original);
    expect(apply(target, 'a').rc).toBe(0);
    expect(revert(target, 'a').rc).toBe(0);
    expect(unload(target, 'a').rc).toBe(0);
  });

  it.each(['4.16.4', '4.17.2', '4.18.0'])(
    '%s dies of a NOP of length 0, too: the offset is stored first',
    (release) => {
      const functions = [{ name: KERNEL_DUMP_STATE.name, code: null, newSize: 4, oldSize: 28 }];
      const target = hostWith({ a: { ...A, functions, funcsFlags: SHF_ALLOC } }, { release });
      expect(apply(target, 'a').panic).toBe('FATAL PAGE FAULT');
    },
  );

  it.each(['4.16.4', '4.17.1', '4.17.2', '4.18.0'])('%s accepts it until it is applied', (release) => {
    const hook = { buildId: id(0xa1), functions: [], hooks: { postapply: 1 } } as const;
    const target = hostWith({ a: hook }, { release });
    expect(apply(target, 'a')).toMatchObject({ panic: null, hook: 'postapply' });
  });
});

describe('a writable .livepatch.funcs', () => {
  it.each(ALL_RELEASES)('%s applies, reverts and applies again', (release) => {
    const target = hostWith({ a: { ...A, funcsFlags: WRITABLE } }, { release });
    for (let i = 0; i < 2; i++) {
      expect(apply(target, 'a')).toMatchObject({ rc: 0, panic: null });
      expect(revert(target, 'a')).toMatchObject({ rc: 0, panic: null });
    }
  });
});

describe('permissions after apply', () => {
  /** Permissions of the core's parts and of a payload's pages. */
  const permissions = (target: SimulatedTarget) =>
    Object.fromEntries(
      [
        ['core text', EXTRA_VERSION.address],
        ['core rodata', 0xffff82d040202000n],
        ['core data', 0xffff82d040205800n],
        ['text', loaded(target, 'a').text.addr],
        ['rw', loaded(target, 'a').rw.addr],
        ['ro', loaded(target, 'a').ro.addr],
      ].map(([name, address]) => {
        const found = target.hypervisor.machine.space.permissionAt(address as bigint);
        return [name, `${found?.write === true ? 'w' : '-'}${found?.execute === true ? 'x' : '-'}`];
      }),
    );

  it.each(ALL_RELEASES)('%s: the window is closed again', (release) => {
    const target = hostWith({ a: { ...A, data: 8 } }, { release });
    const closed = { 'core text': '-x', 'core rodata': '--', 'core data': 'w-', text: '-x', rw: 'w-', ro: '--' };
    expect(permissions(target)).toEqual(closed);
    apply(target, 'a');
    expect(permissions(target)).toEqual(closed);
    expect(target.hypervisor.machine.space.writeProtect).toBe(true);
    revert(target, 'a');
    expect(permissions(target)).toEqual(closed);
    expect(target.hypervisor.machine.space.writeProtect).toBe(true);
  });
});

describe('a function of another payload', () => {
  const second = (name: string) => ({
    buildId: id(0xb2),
    depends: id(0xa1),
    functions: [{ name, oldAddr: 0n, oldSize: 16 }],
  });

  const first = {
    ...A,
    more: (build: PayloadBuilder) => {
      build.code('.text.helper', 'helper_of_a', new Uint8Array(16).fill(0x90));
    },
  };

  it.each(ALL_RELEASES)('%s patches it: its text is in the window once it is applied', (release) => {
    const target = hostWith({ a: first, b: second('helper_of_a') }, { release, applied: ['a'] });
    const helper = loaded(target, 'a').symtab.find(({ name }) => name === 'helper_of_a')?.value as bigint;
    expect(apply(target, 'b')).toMatchObject({ rc: 0, panic: null });
    expect(memory(target, helper, 1)).toBe('e9');
    expect(revert(target, 'b')).toMatchObject({ rc: 0, panic: null });
    expect(memory(target, helper, 5)).toBe('9090909090');
  });

  /** Regions are registered at load since a57b4074ab, at apply before; W1 and W2 use no regions. */
  const LOADED_ONLY_FAULTS = ['4.16.4-4.16.7', '4.17.1-4.17.3', '4.18.0'];

  it.each(ALL_RELEASES)('%s: if it is only loaded', (release) => {
    const target = hostWith({ a: first, b: second('helper_of_a') }, { release });
    const helper = loaded(target, 'a').symtab.find(({ name }) => name === 'helper_of_a')?.value as bigint;
    const { panic } = apply(target, 'b', { flags: 1 });
    if (among(release, ['4.11.0-4.13.5'])) {
      // Without NODEPS it is not applied.
      expect(stack(target)).toEqual([]);
      return;
    }
    expect(panic).toBe(among(release, LOADED_ONLY_FAULTS) ? 'FATAL PAGE FAULT' : null);
    if (panic !== null) expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 3, address: helper });
  });
});

describe('CET', () => {
  /** IBT without shadow stacks: a clear CR0.WP is #GP while CR4.CET is set. */
  const ibtOnly = {
    ...processorNamed('intel-sapphire-rapids'),
    cet: { shadowStacks: false, indirectBranchTracking: true },
  };
  const W2 = ['4.14.0-4.14.6', '4.15.0-4.15.7', '4.16.0-4.16.3', '4.17.0'];
  const DYING = ['4.14.5-4.14.6', '4.15.3-4.15.7', '4.16.1-4.16.3', '4.17.0'];

  it.each(ALL_RELEASES)('%s on a host with IBT alone', (release) => {
    const target = hostWith({ a: A }, { release, processor: ibtOnly });
    const { panic } = apply(target, 'a');
    expect(panic).toBe(among(release, DYING) ? 'GENERAL PROTECTION FAULT' : null);
    if (panic === null) expect(revert(target, 'a')).toMatchObject({ rc: 0, panic: null });
  });

  it.each(ALL_RELEASES)('%s on a host with shadow stacks', (release) => {
    for (const name of ['intel-sapphire-rapids', 'amd-zen4']) {
      const target = hostWith({ a: A }, { release, processor: processorNamed(name) });
      const outcome = apply(target, 'a');
      expect(outcome, name).toMatchObject({ rc: 0, panic: null });
      // 92167e9430 up to 8676092a0f: patching is unsafe there.
      const harmful = among(release, W2);
      expect(outcome.findings.some(({ rule }) => rule === 'cet-patching')).toBe(harmful);
    }
  });

  it.each(ALL_RELEASES)('a debug build of %s on a host with shadow stacks', (release) => {
    const target = hostWith({ a: A }, { release, processor: processorNamed('amd-zen4'), debugBuild: true });
    const { panic } = apply(target, 'a');
    const assertion =
      "Assertion 'local_irq_is_enabled() || cpumask_subset(mask, cpumask_of(cpu))' failed at arch/x86/smp.c:?";
    expect(panic).toBe(among(release, W2) ? assertion.slice(0, 127) : null);
  });
});
