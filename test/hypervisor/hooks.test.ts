import { describe, expect, it } from 'vitest';
import { SHF_ALLOC } from '../../src/elf/index.ts';
import type { HookKind } from '../../src/xen/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import { MutableElf } from './mutable-elf.ts';
import {
  EXTRA_VERSION,
  expectation,
  hostWith,
  id,
  memory,
  patch,
  payloadFor,
  type StatePayload,
} from './state-support.ts';
import { apply, bootHost, loaded, revert, upload } from './support.ts';

const A: StatePayload = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };
const ORIGINAL = '488d05201e0000c3';

const VERIFYING = 'livepatch: a: Verifying enabled expectations for all functions';
const APPLYING = 'livepatch: a: Applying 1 functions';

const hooked = (kind: HookKind, count = 1): StatePayload => ({ ...A, hooks: { [kind]: count } });

describe('without a processor the first hook ends the simulation', () => {
  it.each([
    ['preapply', [VERIFYING, 'livepatch: a: Calling pre-apply hook function'], false],
    ['apply', [VERIFYING, 'livepatch: a: Calling apply action hook function'], false],
    ['load', [VERIFYING, APPLYING], false],
    ['postapply', [VERIFYING, APPLYING, 'livepatch: a: Calling post-apply hook function with rc=0'], true],
  ] as const)('%s', (kind, console, patched) => {
    const target = hostWith({ a: hooked(kind) });
    const outcome = apply(target, 'a');
    expect(outcome).toMatchObject({ console, hook: kind, panic: null });
    expect(outcome.rc).toBeNull();
    const { text } = loaded(target, 'a');
    const hook = target.hookReached();
    expect(hook).toMatchObject({ payload: 'a', kind, symbol: `${kind}_0` });
    expect(hook?.address).toBeGreaterThanOrEqual(text.addr);
    expect(memory(target, EXTRA_VERSION.address, 8) === ORIGINAL).toBe(!patched);
  });

  it.each([
    ['prerevert', ['livepatch: a: Calling pre-revert hook function'], true],
    ['revert', ['livepatch: a: Calling revert action hook function'], true],
    ['unload', ['livepatch: a: Reverting'], false],
    ['postrevert', ['livepatch: a: Reverting', 'livepatch: a: Calling post-revert hook function with rc=0'], false],
  ] as const)('%s', (kind, console, patched) => {
    const target = hostWith({ a: hooked(kind) }, { applied: ['a'] });
    expect(revert(target, 'a')).toMatchObject({ console, hook: kind, panic: null });
    expect(target.hookReached()).toMatchObject({ payload: 'a', kind, symbol: `${kind}_0` });
    expect(memory(target, EXTRA_VERSION.address, 8) === ORIGINAL).toBe(!patched);
  });

  it('after that the host accepts no more calls', async () => {
    const target = hostWith({ a: hooked('load') });
    apply(target, 'a');
    await expect(target.get('a')).rejects.toThrow('the host is down');
  });

  it('the pre-apply hook runs after the checks of build-ids and expectations', () => {
    const wrong = { ...hooked('preapply'), functions: [patch(EXTRA_VERSION, { expectation: expectation([1]) })] };
    expect(apply(hostWith({ a: wrong }), 'a')).toMatchObject({ errno: 'EINVAL', hook: null });
    expect(apply(hostWith({ a: { ...hooked('preapply'), depends: id(9) } }), 'a')).toMatchObject({
      errno: 'EINVAL',
      hook: null,
    });
  });

  it('the post-apply hook runs even if the action failed', () => {
    const target = hostWith({ a: hooked('postapply') }, { domainsWithWaitqueue: [1] });
    const outcome = apply(target, 'a');
    expect(outcome.hook).toBe('postapply');
    expect(outcome.console.at(-1)).toBe('livepatch: a: Calling post-apply hook function with rc=-16');
  });

  it('the apply hook replaces the waitqueue check', () => {
    const target = hostWith({ a: hooked('apply') }, { domainsWithWaitqueue: [1] });
    expect(apply(target, 'a')).toMatchObject({ hook: 'apply' });
  });

  it.each(['postapply', 'apply', 'load'] as const)('the %s hook does not run after a timeout', (kind) => {
    const target = hostWith({ a: hooked(kind) }, { cpus: [{}, { arrivesAfter: 'never' }] });
    expect(apply(target, 'a')).toMatchObject({ rc: -16, hook: null });
  });

  it.each(['postrevert', 'unload', 'prerevert', 'revert'] as const)('apply does not run the %s hook', (kind) => {
    expect(apply(hostWith({ a: hooked(kind) }), 'a')).toMatchObject({ rc: 0, hook: null });
  });
});

describe('releases up to 4.13', () => {
  it.each(['4.11.4', '4.12.4', '4.13.5'])('%s has load and unload hooks only', (release) => {
    const kinds = ['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'] as const;
    for (const kind of kinds) {
      // Any number of pointers: the section has no meaning there.
      const target = hostWith({ a: hooked(kind, 3) }, { release });
      expect(apply(target, 'a')).toMatchObject({ rc: 0, hook: null });
      expect(revert(target, 'a')).toMatchObject({ rc: 0, hook: null });
    }
    expect(apply(hostWith({ a: hooked('load', 2) }, { release }), 'a')).toMatchObject({ hook: 'load' });
    expect(revert(hostWith({ a: hooked('unload') }, { release, applied: ['a'] }), 'a')).toMatchObject({
      hook: 'unload',
    });
  });
});

describe('null pointers', () => {
  const nulls = (kind: string, count: number): StatePayload => ({
    ...A,
    more: (builder: PayloadBuilder) => {
      builder.fields(`.livepatch.hooks.${kind}`, 8 * count, SHF_ALLOC, 8);
    },
  });

  it.each(['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'])(
    'a single %s hook: not called',
    (kind) => {
      const target = hostWith({ a: nulls(kind, 1) });
      expect(apply(target, 'a')).toMatchObject({ rc: 0, hook: null, panic: null });
      expect(revert(target, 'a')).toMatchObject({ rc: 0, hook: null, panic: null });
    },
  );

  it('a load hook: the host jumps to 0 while it applies', () => {
    const target = hostWith({ a: nulls('load', 1) });
    expect(apply(target, 'a')).toMatchObject({ panic: 'FATAL PAGE FAULT', hook: null });
    expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0x10, address: 0n });
  });

  it('an unload hook: the host jumps to 0 while it reverts', () => {
    const target = hostWith({ a: nulls('unload', 1) }, { applied: ['a'] });
    expect(revert(target, 'a')).toMatchObject({ panic: 'FATAL PAGE FAULT', hook: null });
    expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0x10, address: 0n });
  });
});

describe('hook sections that are not loaded', () => {
  const unloaded = (kind: HookKind, release: string): Uint8Array => {
    const elf = new MutableElf(payloadFor({ ...hooked(kind), release }));
    return elf.section(`.livepatch.hooks.${kind}`, 'flags', 0).bytes;
  };

  it.each(['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'] as const)(
    '4.17.7: a %s hook is never called',
    (kind) => {
      const target = bootHost({ release: '4.17.7' });
      expect(upload(target, 'a', unloaded(kind, '4.17.7')).rc).toBe(0);
      expect(apply(target, 'a')).toMatchObject({ rc: 0, hook: null });
      expect(revert(target, 'a')).toMatchObject({ rc: 0, hook: null });
    },
  );

  it('4.17.7: load and unload hooks are called through a null pointer', () => {
    const load = bootHost({ release: '4.17.7' });
    expect(upload(load, 'a', unloaded('load', '4.17.7')).rc).toBe(0);
    expect(apply(load, 'a').panic).toBe('FATAL PAGE FAULT');
    expect(load.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0, address: 0n });
    const unload = bootHost({ release: '4.17.7' });
    expect(upload(unload, 'a', unloaded('unload', '4.17.7')).rc).toBe(0);
    expect(apply(unload, 'a').rc).toBe(0);
    expect(revert(unload, 'a').panic).toBe('FATAL PAGE FAULT');
  });
});

describe('a hook pointer into data', () => {
  it('faults at the instruction fetch', () => {
    const target = hostWith({
      a: {
        ...A,
        more: (builder: PayloadBuilder) => {
          const text = builder.text('.rodata.none', 'no_code', 'data');
          builder.fields('.livepatch.hooks.load', 8, SHF_ALLOC, 8).pointer(0, { symbol: text }).finish(builder.writer);
        },
      },
    });
    const at = loaded(target, 'a').symtab.find(({ name }) => name === 'no_code')?.value;
    expect(apply(target, 'a').panic).toBe('FATAL PAGE FAULT');
    expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0x11, address: at });
  });
});
