import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wordBytes } from '../../src/arch/arm/patch.ts';
import { ARM32, ARM64, type Cpu, type CpuExit, type CpuTrace } from '../../src/arch/index.ts';
import { PAGE_KINDS, PAGE_SIZE } from '../../src/arch/page-table.ts';
import { AddressSpace, PhysicalMemory } from '../../src/machine/index.ts';
import { openCpu } from './support.ts';

/** Running code that changed, and where a run stops, on arm64 and arm32. */

/** Above 2 GiB: no address may get a sign. */
const CODE = 0x9000_0000n;
const ALIAS = 0xa000_0000n;
const STACK = 0xb000_0000n;
const RETURN = 0xc000_0000n;

const CALLEE = 0x20;
const OTHER = 0x40;
const WRITER = 0x60;

const returned: CpuExit = { kind: 'stop', address: RETURN };

describe.each([
  {
    arch: ARM64,
    first: 'x0',
    second: 'x1',
    // stp fp, lr, [sp, #-16]!; bl +0x20; ldp fp, lr, [sp], #16; ret
    caller: [0xa9bf_7bfd, 0x9400_0007, 0xa8c1_7bfd, 0xd65f_03c0],
    // mov x0, #n
    move: (n: number) => 0xd280_0000 + (n << 5),
    ret: 0xd65f_03c0,
    // b +0x20
    branch: 0x1400_0008,
    // str w1, [x0]
    store: 0xb900_0001,
    loop: 0x1400_0000,
  },
  {
    arch: ARM32,
    first: 'r0',
    second: 'r1',
    // push {r4, lr}; bl +0x20; pop {r4, pc}
    caller: [0xe92d_4010, 0xeb00_0005, 0xe8bd_8010],
    move: (n: number) => 0xe3a0_0000 + n,
    ret: 0xe12f_ff1e,
    branch: 0xea00_0006,
    store: 0xe580_1000,
    loop: 0xeaff_fffe,
  },
])('on $arch.name', ({ arch, first, second, caller, move, ret, branch, store, loop }) => {
  let space: AddressSpace;
  let code: Uint8Array;
  let cpu: Cpu;
  const opened: Cpu[] = [];

  const open = (given: { trace?: CpuTrace; stopAt?: readonly bigint[] } = {}): Cpu => {
    const { stopAt = [], trace } = given;
    const made = openCpu({ arch: arch.name, space, stopAt, ...(trace !== undefined && { trace }) });
    made.set('sp', STACK + BigInt(PAGE_SIZE));
    opened.push(made);
    return made;
  };
  const call = (on: Cpu, offset = 0, instructions = 1000): CpuExit => {
    on.allow(10_000);
    on.set('lr', RETURN);
    on.set('pc', CODE + BigInt(offset));
    return on.run({ until: RETURN, instructions });
  };
  const result = (on: Cpu): bigint => {
    expect(call(on)).toEqual(returned);
    return on.get(first);
  };
  const place = (at: number, ...words: readonly number[]): void => {
    for (const [i, word] of words.entries()) code.set(wordBytes(word), at + 4 * i);
  };

  beforeEach(() => {
    space = new AddressSpace(arch.pageTables, new PhysicalMemory());
    code = new Uint8Array(PAGE_SIZE);
    space.map(CODE, code, PAGE_KINDS.RX);
    expect(space.alias(ALIAS, CODE, 1, PAGE_KINDS.RW)).toBe(true);
    space.map(STACK, new Uint8Array(2 * PAGE_SIZE), PAGE_KINDS.RW);
    place(0, ...caller);
    place(CALLEE, move(1), ret);
    place(OTHER, move(2), ret);
    place(WRITER, store, ret);
  });
  afterEach(() => {
    for (const each of opened.splice(0)) each.close();
  });

  it.each(['without', 'with'])('takes a branch written over a function, %s a trace', (trace) => {
    cpu = open(trace === 'with' ? { trace: () => {} } : {});
    expect(result(cpu)).toBe(1n);
    space.write(ALIAS + BigInt(CALLEE), wordBytes(branch));
    expect(result(cpu)).toBe(2n);
    space.write(ALIAS + BigInt(CALLEE), wordBytes(move(1)));
    expect(result(cpu)).toBe(1n);
  });

  it('runs self-modified code, on all CPUs of the machine', () => {
    cpu = open();
    const other = open({ trace: () => {} });
    expect([result(cpu), result(other)]).toEqual([1n, 1n]);
    cpu.set(first, ALIAS + BigInt(CALLEE));
    cpu.set(second, BigInt(move(6)));
    expect(call(cpu, WRITER)).toEqual(returned);
    expect([result(cpu), result(other)]).toEqual([6n, 6n]);
  });

  it('runs code mapped in its place, and faults if nothing is mapped', () => {
    cpu = open();
    expect(result(cpu)).toBe(1n);
    const other = code.slice();
    other.set(wordBytes(move(3)), CALLEE);
    space.map(CODE, other, PAGE_KINDS.RX);
    expect(result(cpu)).toBe(3n);
    space.unmap(CODE, 1);
    expect(call(cpu)).toMatchObject({ kind: 'fault', access: 'fetch', address: CODE });
  });

  it('does not run code that lost its execute permission', () => {
    cpu = open();
    expect(result(cpu)).toBe(1n);
    space.protect(CODE, 1, PAGE_KINDS.RO);
    expect(call(cpu)).toMatchObject({ kind: 'fault', access: 'fetch' });
    space.protect(CODE, 1, PAGE_KINDS.RX);
    expect(result(cpu)).toBe(1n);
  });

  it('stops before an address, and continues from it', () => {
    const at = CODE + BigInt(CALLEE);
    cpu = open({ stopAt: [at] });
    for (let round = 0; round < 2; round++) {
      expect(call(cpu)).toEqual({ kind: 'stop', address: at });
      expect(cpu.get('pc')).toBe(at);
      expect(cpu.run({ until: RETURN, instructions: 100 })).toEqual(returned);
      expect(cpu.get(first)).toBe(1n);
    }
  });

  it('traces unsigned addresses, and ends the run with a trace’s exception', () => {
    const seen: bigint[] = [];
    cpu = open({ trace: (address) => seen.push(address) });
    expect(call(cpu, CALLEE)).toEqual(returned);
    expect(seen).toEqual([CODE + BigInt(CALLEE), CODE + BigInt(CALLEE + 4)]);
    place(0x80, loop);
    let count = 0;
    const throwing = open({
      trace: () => {
        if (++count === 3) throw new Error('enough');
      },
    });
    expect(() => call(throwing, 0x80)).toThrow('enough');
    expect(count).toBe(3);
  });
});
