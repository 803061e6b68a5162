import { describe, expect, it } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { LIVEPATCH_FUNC_APPLIED, LIVEPATCH_FUNC_NOT_APPLIED } from '../../src/xen/index.ts';
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
  poke,
  WRITABLE,
} from './state-support.ts';
import { act, apply, digest, loaded, pagesOf, processorNamed, revert, unload } from './support.ts';

/** Layouts of `struct livepatch_func` (facts 1.4) as ranges of tags. */
const V1 = ['4.11.0-4.13.5'];
const V2A = ['4.14.0-4.14.4', '4.15.0-4.15.2', '4.16.0'];
const V2B = ['4.14.5-4.14.6', '4.15.3-4.15.7', '4.16.1-4.16.7', '4.17.0-4.17.2', '4.18.0'];
const V2C = ['4.17.3-4.17.7', '4.18.1-4.22.0'];

/** ENDBR64 at a function's start is preserved. */
const ENDBR = [...V2B, ...V2C];

const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION), patch(KERNEL_DUMP_STATE)], funcsFlags: WRITABLE };

/** Changes of `.livepatch.funcs` by offset, after and before. */
function changes(before: string, after: string): Record<number, string> {
  const found: Record<number, string> = {};
  for (let at = 0; at < before.length / 2; at++) {
    const byte = after.slice(2 * at, 2 * at + 2);
    if (byte !== before.slice(2 * at, 2 * at + 2)) found[at] = byte;
  }
  return found;
}

const funcs = (target: SimulatedTarget) => {
  const { addr, size } = loaded(target, 'a').funcs;
  return memory(target, addr, size);
};

/** Bytes `at` … as {@link changes} shows them; zero bytes do not differ from the file. */
const bytes = (at: number, hex: string): Record<number, string> =>
  Object.fromEntries(
    (hex.match(/../g) ?? []).map((byte, i) => [at + i, byte] as const).filter(([, byte]) => byte !== '00'),
  );

describe('every release has one of the four layouts', () => {
  it.each(ALL_RELEASES)('%s', (release) => {
    expect([V1, V2A, V2B, V2C].filter((ranges) => among(release, ranges))).toHaveLength(1);
  });
});

describe('where a release keeps the state of a function', () => {
  it.each(ALL_RELEASES)('%s', (release) => {
    const target = hostWith({ a: A }, { release });
    const first = memory(target, EXTRA_VERSION.address, 8);
    const second = memory(target, KERNEL_DUMP_STATE.address, 16);
    const offset = among(release, ENDBR) ? 4 : 0;
    const before = funcs(target);
    expect(apply(target, 'a').rc).toBe(0);

    // The jump, and the five original bytes that it overwrote.
    expect(memory(target, EXTRA_VERSION.address, 1)).toBe('e9');
    expect(memory(target, EXTRA_VERSION.address + 5n, 3)).toBe(first.slice(10));
    expect(memory(target, KERNEL_DUMP_STATE.address, offset)).toBe(second.slice(0, 2 * offset));
    expect(memory(target, KERNEL_DUMP_STATE.address + BigInt(offset), 1)).toBe('e9');

    const saved1 = first.slice(0, 10);
    const saved2 = second.slice(2 * offset, 2 * offset + 10);
    if (among(release, V1)) {
      expect(changes(before, funcs(target))).toEqual({ ...bytes(33, saved1), ...bytes(64 + 33, saved2) });
    } else if (among(release, V2A)) {
      expect(changes(before, funcs(target))).toEqual({
        ...bytes(33, saved1),
        64: '01',
        ...bytes(104 + 33, saved2),
        [104 + 64]: '01',
      });
    } else if (among(release, V2B)) {
      expect(changes(before, funcs(target))).toEqual({
        ...bytes(33, saved1),
        64: '01',
        ...bytes(104 + 33, saved2),
        [104 + 64]: '01',
        [104 + 65]: '04',
      });
    } else {
      expect(funcs(target)).toBe(before);
    }

    const { fstate } = loaded(target, 'a');
    expect([fstate.at(0).applied, fstate.at(1).applied]).toEqual([LIVEPATCH_FUNC_APPLIED, LIVEPATCH_FUNC_APPLIED]);
    expect(revert(target, 'a').rc).toBe(0);
    expect([fstate.at(0).applied, fstate.at(1).applied]).toEqual([
      LIVEPATCH_FUNC_NOT_APPLIED,
      LIVEPATCH_FUNC_NOT_APPLIED,
    ]);
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe(first);
    expect(memory(target, KERNEL_DUMP_STATE.address, 16)).toBe(second);
    if (among(release, V2C)) expect(funcs(target)).toBe(before);
    // The flag is reset; the saved bytes and the offset stay.
    if (among(release, [...V2A, ...V2B])) {
      expect(changes(before, funcs(target))[64]).toBe(undefined);
      expect(changes(before, funcs(target))[104 + 64]).toBe(undefined);
      expect(changes(before, funcs(target))[33]).toBe(first.slice(0, 2));
    }
  });
});

describe('a payload in a release with private state', () => {
  it.each(ALL_RELEASES.filter((release) => among(release, V2C)))('%s: no action writes to its pages', (release) => {
    const spec = { ...A, data: 64, modinfo: ['a=b'] };
    const other = { buildId: id(0xd4), functions: [patch(CHANGESET)], funcsFlags: WRITABLE };
    const target = hostWith({ a: spec, d: other }, { release });
    const before = pagesOf(target.hypervisor, loaded(target, 'a'));
    for (const [name, action] of [
      ['a', 'apply'],
      ['a', 'unload'],
      ['a', 'apply'],
      ['d', 'replace'],
      ['a', 'replace'],
      ['a', 'revert'],
      ['a', 'apply'],
      ['a', 'replace'],
      ['a', 'revert'],
    ] as const) {
      act(target, name, action);
      expect(pagesOf(target.hypervisor, loaded(target, 'a')), `${action} ${name}`).toEqual(before);
    }
  });

  it('the opaque bytes and the expectation stay as in the file', () => {
    const spec = {
      ...A,
      more: (builder: { writer: { sections: { name: string; data: Uint8Array }[] } }) => {
        builder.writer.sections.find(({ name }) => name === '.livepatch.funcs')?.data.fill(0x5a, 33, 72);
      },
    };
    const target = hostWith({ a: spec });
    apply(target, 'a');
    expect(funcs(target).slice(66, 144)).toBe('5a'.repeat(39));
    revert(target, 'a');
    expect(memory(target, EXTRA_VERSION.address, 8)).toBe('488d05201e0000c3');
  });
});

describe('after a complete cycle', () => {
  it.each(ALL_RELEASES)('%s: the machine is as booted', (release) => {
    const target = hostWith({}, { release });
    const before = digest(target);
    const again = hostWith({ a: A }, { release, applied: ['a'] });
    revert(again, 'a');
    unload(again, 'a');
    expect(digest(again)).toBe(before);
    expect(again.hypervisor.regions).toHaveLength(1);
  });
});

describe('ENDBR64', () => {
  /** `jmp` at the function plus `offset` to a payload's text. */
  const jump = (from: bigint, to: bigint): string => {
    const code = Buffer.alloc(5);
    code[0] = 0xe9;
    code.writeInt32LE(Number(to - from - 5n), 1);
    return code.toString('hex');
  };
  const one = { buildId: id(0xa1), functions: [patch(KERNEL_DUMP_STATE)] };

  it.each(ALL_RELEASES)('%s: the jump follows it or replaces it', (release) => {
    const target = hostWith({ a: one }, { release, applied: ['a'] });
    const { addr } = loaded(target, 'a').text;
    const at = KERNEL_DUMP_STATE.address;
    const kept = `f30f1efa${jump(at + 4n, addr)}`;
    const lost = `${jump(at, addr)}9ede0000`.slice(0, 18);
    const original = 'f30f1efa8b159ede0000400fb6f731c0';
    const expected = among(release, ENDBR) ? kept : lost.slice(0, 10) + original.slice(10, 18);
    expect(memory(target, at, 9)).toBe(expected);
    expect(loaded(target, 'a').fstate.at(0).patchOffset).toBe(among(release, ENDBR) ? 4 : 0);
  });

  /** The poison is recognised since 4.17; up to then the jump overwrites it. */
  it.each(ALL_RELEASES)('%s: the poison that replaces it', (release) => {
    const target = hostWith({ a: one }, { release });
    poke(target, KERNEL_DUMP_STATE.address, [0x66, 0x0f, 0x1f, 0x01]);
    expect(apply(target, 'a').rc).toBe(0);
    const kept = among(release, ['4.17.0-4.22.0']);
    expect(memory(target, KERNEL_DUMP_STATE.address, 4)).toBe(
      kept ? '660f1f01' : jump(KERNEL_DUMP_STATE.address, loaded(target, 'a').text.addr).slice(0, 8),
    );
    revert(target, 'a');
    expect(memory(target, KERNEL_DUMP_STATE.address, 4)).toBe('660f1f01');
  });

  it('is checked when the payload is applied, not when it is loaded', () => {
    const target = hostWith({ a: { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] } });
    poke(target, EXTRA_VERSION.address, [0xf3, 0x0f, 0x1e, 0xfa]);
    apply(target, 'a');
    expect(memory(target, EXTRA_VERSION.address, 5)).toBe('f30f1efae9');
    // Past the function's eight bytes: nothing checks this again.
    expect(memory(target, EXTRA_VERSION.address + 8n, 1)).not.toBe('0f');
  });
});

describe('NOPs', () => {
  const nop = (newSize: number, func = EXTRA_VERSION) => ({
    buildId: id(0xa1),
    functions: [{ name: func.name, code: null, newSize, oldSize: 31 }],
  });
  /** The two families, from the tables of facts 4.1. */
  const P6 = { 1: '90', 4: '0f1f4000', 7: '0f1f8000000000', 9: '660f1f840000000000', 11: '660f1f8400000000006690' };
  const K8 = { 1: '90', 4: '66666690', 7: '66666690666690', 9: '666690666690666690', 11: '6666906666906666906690' };

  it.each([
    ['intel-skylake', P6],
    ['intel-sapphire-rapids', P6],
    ['amd-zen2', P6],
    // AMD family 15.
    ['qemu-max', K8],
  ] as const)('of %s', (name, family) => {
    for (const [length, expected] of Object.entries(family)) {
      const target = hostWith({ a: nop(Number(length)) }, { processor: processorNamed(name), applied: ['a'] });
      expect(memory(target, EXTRA_VERSION.address, Number(length)), length).toBe(expected);
      expect(memory(target, EXTRA_VERSION.address + BigInt(length), 2), length).not.toMatch(/^90|^66/);
    }
  });

  it.each([
    [5, '90'],
    [13, '666690666690666690'],
    [31, '666690666690666690'.repeat(3)],
  ])('%i bytes after an ENDBR64', (newSize, expected) => {
    const target = hostWith({ a: nop(newSize, KERNEL_DUMP_STATE) }, { applied: ['a'] });
    expect(memory(target, KERNEL_DUMP_STATE.address, 4)).toBe('f30f1efa');
    expect(memory(target, KERNEL_DUMP_STATE.address + 4n, newSize - 4)).toBe(expected);
  });

  it('of 4 bytes on an ENDBR64: APPLIED, and nothing is written', () => {
    const target = hostWith({ a: nop(4, KERNEL_DUMP_STATE) });
    const before = digest(target);
    expect(apply(target, 'a')).toMatchObject({ rc: 0 });
    expect(digest(target)).toBe(before);
    expect(loaded(target, 'a').fstate.at(0).applied).toBe(LIVEPATCH_FUNC_APPLIED);
  });

  it.each([0, 1, 3])('of %i bytes on an ENDBR64: the length wraps, and the machine resets', (newSize) => {
    const target = hostWith({ a: nop(newSize, KERNEL_DUMP_STATE) });
    const { rc, console } = apply(target, 'a');
    expect(rc).toBeNull();
    expect(console.at(-1)).toBe('livepatch: a: Applying 1 functions');
    // A triple fault prints nothing.
    expect(target.hypervisor.stopped?.panic).toMatchObject({ screen: [], errorCode: null, address: null });
  });

  it.each(['4.14.4', '4.15.2', '4.16.0', '4.13.5'])('%s has no such arithmetic', (release) => {
    const target = hostWith({ a: nop(3, KERNEL_DUMP_STATE) }, { release, applied: ['a'] });
    expect(memory(target, KERNEL_DUMP_STATE.address, 4)).toBe('666690fa');
  });
});
