import { describe, expect, it } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import { CHANGESET, EXTRA_VERSION, hostWith, id, memory, patch, poke, stack, WRITABLE } from './state-support.ts';
import { apply, loaded, releaseNamed, replace, revert, unload } from './support.ts';

const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };
const CUMULATIVE = { buildId: id(0xd4), functions: [patch(EXTRA_VERSION), patch(CHANGESET)] };

const EBUSY = -16;

describe('the consistency check', () => {
  const inconsistent = (name: string, func: string) =>
    `livepatch: ${name}: Payload has a function: '${func}' with inconsistent applied state.`;
  /** A release that keeps the flag in the payload: the byte at 64 of an entry. */
  const release = '4.17.2';
  const flagged = { ...A, funcsFlags: WRITABLE };
  const flag = (target: SimulatedTarget, index = 0) => loaded(target, 'a').funcs.addr + BigInt(104 * index + 64);

  it('panics if a function is applied after a failed APPLY', () => {
    const target = hostWith({ a: flagged }, { release, domainsWithWaitqueue: [1] });
    poke(target, flag(target), [1]);
    const { rc, panic } = apply(target, 'a');
    expect(rc).toBeNull();
    expect(panic).toBe("livepatch: partially applied payload 'a'!");
    const text = target.hypervisor.machine.console.lines.map((line) => line.text);
    expect(text).toContain(inconsistent('a', 'xen_extra_version'));
  });

  it('prints noname for a function without a name', () => {
    const functions = [{ name: null, oldAddr: EXTRA_VERSION.name, oldSize: 8 }];
    const target = hostWith({ a: { ...flagged, functions } }, { release, domainsWithWaitqueue: [1] });
    poke(target, flag(target), [1]);
    apply(target, 'a');
    const text = target.hypervisor.machine.console.lines.map((line) => line.text);
    expect(text).toContain(inconsistent('a', 'noname'));
  });
});

describe('an applied byte in the file', () => {
  const spec = (release: string) => ({
    ...A,
    release,
    funcsFlags: WRITABLE,
    more: (builder: PayloadBuilder) => {
      const funcs = builder.writer.sections.find(({ name }) => name === '.livepatch.funcs');
      if (funcs !== undefined) funcs.data[64] = 1;
    },
  });

  it.each(['4.14.0', '4.14.4', '4.15.2', '4.16.0', '4.14.5', '4.16.7', '4.17.2', '4.18.0'])(
    '%s treats the function as patched, and the payload is APPLIED',
    (release) => {
      const target = hostWith({ a: spec(release) }, { release });
      const before = memory(target, EXTRA_VERSION.address, 8);
      expect(apply(target, 'a')).toMatchObject({
        rc: 0,
        console: expect.arrayContaining([
          'livepatch: common_livepatch_apply: xen_extra_version has been already applied before',
        ]),
      });
      expect(loaded(target, 'a').state).toBe('APPLIED');
      expect(memory(target, EXTRA_VERSION.address, 8)).toBe(before);
      // Revert restores the file's `opaque` bytes as if they were saved instructions.
      revert(target, 'a');
      expect(memory(target, EXTRA_VERSION.address, 8)).toBe(`0000000000${before.slice(10)}`);
    },
  );

  it.each(['4.17.3', '4.18.1', '4.19.0', '4.22.0'])('%s ignores it', (release) => {
    const target = hostWith({ a: spec(release) }, { release });
    const before = memory(target, EXTRA_VERSION.address, 8);
    expect(apply(target, 'a').rc).toBe(0);
    expect(memory(target, EXTRA_VERSION.address, 1)).toBe('e9');
    revert(target, 'a');
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(before);
  });
});

describe('a function listed twice in one payload', () => {
  it('keeps the first entry’s jump after the revert, because functions are reverted in the order of application', () => {
    const target = hostWith({ a: { ...A, functions: [patch(EXTRA_VERSION), patch(EXTRA_VERSION)] } });
    apply(target, 'a');
    const text = loaded(target, 'a').text.addr;
    expect(revert(target, 'a').rc).toBe(0);
    const jump = (to: bigint) => {
      const bytes = Buffer.alloc(5);
      bytes[0] = 0xe9;
      bytes.writeInt32LE(Number(to - (EXTRA_VERSION.address + 5n)), 1);
      return bytes.toString('hex');
    };
    expect(memory(target, EXTRA_VERSION.address, 5)).toBe(jump(text));
    // The jump's target is unmapped after the unload.
    unload(target, 'a');
    expect(memory(target, EXTRA_VERSION.address, 5)).toBe(jump(text));
    expect(target.hypervisor.machine.space.permissionAt(text)).toBe(undefined);
  });
});

describe('the waitqueue check', () => {
  const refusal = [
    'livepatch: d7 found with active waitqueue',
    'livepatch: a: Safety checks failed: -16',
    'livepatch: a finished APPLY with rc=-16',
  ];

  it.each(['4.11.3', '4.11.4', '4.12.2', '4.13.0', '4.14.0', '4.17.7', '4.22.0'])('%s refuses to apply', (release) => {
    const target = hostWith({ a: A }, { release, domainsWithWaitqueue: [7, 9] });
    expect(apply(target, 'a').rc).toBe(EBUSY);
    expect(stack(target)).toEqual([]);
    // Only there: before the functions are counted.
    const text = target.hypervisor.machine.console.lines.map((line) => line.text);
    expect(text).not.toContain('livepatch: a: Applying 1 functions');
    const printed = releaseNamed(release).errorsLogged === 'printk' ? refusal : refusal.slice(2);
    expect(text.slice(-printed.length)).toEqual(printed);
  });

  it.each(['4.11.2', '4.12.1'])('%s makes no such check', (release) => {
    expect(apply(hostWith({ a: A }, { release, domainsWithWaitqueue: [7] }), 'a').rc).toBe(0);
  });

  it('does not apply to a revert', () => {
    const waiting: number[] = [];
    const target = hostWith({ a: A }, { applied: ['a'], domainsWithWaitqueue: waiting });
    waiting.push(7);
    expect(revert(target, 'a')).toMatchObject({ rc: 0 });
  });

  it('makes REPLACE fail after everything is reverted', () => {
    const waiting: number[] = [];
    const target = hostWith({ a: A, d: CUMULATIVE }, { applied: ['a'], domainsWithWaitqueue: waiting });
    waiting.push(7);
    expect(replace(target, 'd').rc).toBe(EBUSY);
    expect(stack(target)).toEqual([]);
  });
});
