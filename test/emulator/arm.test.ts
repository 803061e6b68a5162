import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ARM32, ARM64, type Architecture, type Cpu } from '../../src/arch/index.ts';
import { PAGE_KINDS, PAGE_SIZE } from '../../src/arch/page-table.ts';
import { AddressSpace, PhysicalMemory } from '../../src/machine/index.ts';
import { openCpu } from './support.ts';

/** The CPUs of arm64 and arm32: the same tests as for x86-64, and emulation of EL2. */

const CODE = 0x20_0000n;
const DATA = 0x40_0000n;
const RETURN = 0x60_0000n;
const ALIAS = 0x80_0000n;

class ArmBench {
  readonly arch: Architecture;
  readonly space: AddressSpace;
  readonly code = new Uint8Array(PAGE_SIZE);
  readonly data = new Uint8Array(2 * PAGE_SIZE);
  readonly cpu: Cpu;

  constructor(arch: Architecture, words: readonly number[], traced?: bigint[]) {
    this.arch = arch;
    this.space = new AddressSpace(arch.pageTables, new PhysicalMemory());
    this.space.map(CODE, this.code, PAGE_KINDS.RX);
    this.space.map(DATA, this.data, PAGE_KINDS.RW);
    const view = new DataView(this.code.buffer);
    for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
    const trace = traced === undefined ? {} : { trace: (address: bigint) => traced.push(address) };
    this.cpu = openCpu({ arch: arch.name, space: this.space, stopAt: [], ...trace });
    this.cpu.allow(10_000);
    this.cpu.set('sp', DATA + BigInt(PAGE_SIZE));
    this.cpu.set('lr', RETURN);
    this.cpu.set('pc', CODE);
  }

  run(instructions = 10_000) {
    return this.cpu.run({ until: RETURN, instructions });
  }
}

const returned = { kind: 'stop', address: RETURN };
let bench: ArmBench;
const on = (arch: Architecture, ...words: number[]): ArmBench => {
  bench = new ArmBench(arch, words);
  return bench;
};
afterEach(() => bench.cpu.close());

describe.each([
  {
    arch: ARM64,
    first: 'x0',
    // ldr x1, [x0]; add x1, x1, #1; str x1, [x0, #8]; mov x0, x1; ret
    counts: [0xf940_0001, 0x9100_0421, 0xf900_0401, 0xaa01_03e0, 0xd65f_03c0],
    written: 8n,
    width: 8,
    // nop; ldr x1, [x0]; ret
    reads: [0xd503_201f, 0xf940_0001, 0xd65f_03c0],
    // nop; str x1, [x0]; ret
    writes: [0xd503_201f, 0xf900_0001, 0xd65f_03c0],
    // nop; br x0
    jumps: [0xd503_201f, 0xd61f_0000],
    // nop; udf #0
    undefined: [0xd503_201f, 0],
    // nop; b .
    hangs: [0xd503_201f, 0x1400_0000],
    // msr daifset, #2; msr daifclr, #2; dsb sy; isb; ldxr x1, [x0]; stxr w2, x1, [x0]; ret
    privileged: [0xd503_42df, 0xd503_42ff, 0xd503_3f9f, 0xd503_3fdf, 0xc85f_7c01, 0xc802_7c01, 0xd65f_03c0],
  },
  {
    arch: ARM32,
    first: 'r0',
    // ldr r1, [r0]; add r1, r1, #1; str r1, [r0, #4]; mov r0, r1; bx lr
    counts: [0xe590_1000, 0xe281_1001, 0xe580_1004, 0xe1a0_0001, 0xe12f_ff1e],
    written: 4n,
    width: 4,
    reads: [0xe320_f000, 0xe590_1000, 0xe12f_ff1e],
    writes: [0xe320_f000, 0xe580_1000, 0xe12f_ff1e],
    jumps: [0xe320_f000, 0xe12f_ff10],
    undefined: [0xe320_f000, 0xe7f0_00f0],
    hangs: [0xe320_f000, 0xeaff_fffe],
    // cpsid i; cpsie i; dsb; isb; ldrex r1, [r0]; strex r2, r1, [r0]; bx lr
    privileged: [0xf10c_0080, 0xf108_0080, 0xf57f_f04f, 0xf57f_f06f, 0xe190_1f9f, 0xe180_2f91, 0xe12f_ff1e],
  },
])('a processor of $arch.name', ({ arch, first, width, written, ...code }) => {
  it('reads and writes the machine’s own memory', () => {
    const { cpu, data } = on(arch, ...code.counts);
    data[0] = 41;
    cpu.set(first, DATA);
    expect(bench.run()).toEqual(returned);
    expect(cpu.get(first)).toBe(42n);
    expect(data[Number(written)]).toBe(42);
  });

  it('faults at the instruction that makes the access, anywhere in its block', () => {
    const { cpu } = on(arch, ...code.reads);
    for (const address of [0x10n, RETURN, DATA + BigInt(2 * PAGE_SIZE)]) {
      cpu.set(first, address);
      cpu.set('pc', CODE);
      expect(bench.run()).toEqual({ kind: 'fault', access: 'read', address, size: width });
      expect(cpu.get('pc')).toBe(CODE + 4n);
    }
  });

  it('follows permission changes, and never executes a writable page', () => {
    const { cpu, space } = on(arch, ...code.writes);
    const writes = () => {
      cpu.set(first, CODE + 0x100n);
      cpu.set('pc', CODE);
      return bench.run();
    };
    expect(writes()).toMatchObject({ kind: 'fault', access: 'write', address: CODE + 0x100n });
    expect(cpu.get('pc')).toBe(CODE + 4n);
    space.protect(CODE, 1, PAGE_KINDS.RW);
    expect(writes()).toMatchObject({ kind: 'fault', access: 'fetch', address: CODE });
    space.protect(CODE, 1, PAGE_KINDS.RX);
    expect(writes()).toMatchObject({ kind: 'fault', access: 'write' });
  });

  it('executes neither data nor unmapped memory', () => {
    const { cpu } = on(arch, ...code.jumps);
    for (const address of [DATA, 0n, 0x7000_0000n]) {
      cpu.set(first, address);
      cpu.set('pc', CODE);
      expect(bench.run()).toMatchObject({ kind: 'fault', access: 'fetch', address });
      expect(cpu.get('pc')).toBe(address);
    }
  });

  it('raises an exception at an undefined instruction', () => {
    const { cpu } = on(arch, ...code.undefined);
    expect(bench.run()).toEqual({ kind: 'exception', vector: 1 });
    expect(cpu.get('pc')).toBe(CODE + 4n);
  });

  it('stops at its limit of instructions, and of time', () => {
    const { cpu } = on(arch, ...code.hangs);
    expect(bench.run(1000)).toEqual({ kind: 'budget', of: 'instructions' });
    expect(cpu.get('pc')).toBe(CODE + 4n);
    cpu.allow(30);
    expect(bench.run(1e12)).toEqual({ kind: 'budget', of: 'time' });
  });

  it('runs privileged instructions, and exclusive accesses', () => {
    const { cpu, data } = on(arch, ...code.privileged);
    data.fill(7, 0, width);
    cpu.set(first, DATA);
    expect(bench.run()).toEqual(returned);
    expect(cpu.get(arch.name === 'arm64' ? 'x2' : 'r2')).toBe(0n);
  });

  it('sees code that the machine has changed', () => {
    const { cpu, space } = on(arch, ...code.counts);
    cpu.set(first, DATA);
    bench.run();
    const patch = new Uint8Array(4);
    new DataView(patch.buffer).setUint32(0, code.counts.at(-1) as number, true);
    // Through a second mapping, like the hypervisor.
    space.map(ALIAS, bench.code, PAGE_KINDS.RW);
    space.write(ALIAS, patch);
    cpu.set(first, 5n);
    cpu.set('pc', CODE);
    cpu.set('lr', RETURN);
    expect(bench.run()).toEqual(returned);
    expect(cpu.get(first)).toBe(5n);
  });

  it('traces every instruction that it executes', () => {
    const seen: bigint[] = [];
    bench = new ArmBench(arch, code.counts, seen);
    bench.cpu.set(first, DATA);
    expect(bench.run()).toEqual(returned);
    expect(seen).toEqual([0n, 4n, 8n, 12n, 16n].map((at) => CODE + at));
  });
});

describe('instructions of EL2 that the engine lacks', () => {
  beforeEach(() => {
    // msr tpidr_el2, x1; mrs x0, tpidr_el2; mrs x2, hcr_el2; tlbi alle2; ret
    on(ARM64, 0xd51c_d041, 0xd53c_d040, 0xd53c_1102, 0xd50c_871f, 0xd65f_03c0);
  });

  /** Continues after each instruction that we emulate. */
  function runThrough({ cpu, arch, space }: ArmBench) {
    let done = 0;
    for (;;) {
      const exit = bench.run();
      if (exit.kind !== 'exception' || !arch.execution.emulate(exit.vector, cpu, space)) return { exit, done };
      done++;
    }
  }

  it('are emulated on arm64: the per-CPU register keeps its value, others are zero', () => {
    const { cpu } = bench;
    cpu.set('x1', 0x1234_5678_9abcn);
    cpu.set('x2', 5n);
    expect(runThrough(bench)).toEqual({ exit: returned, done: 4 });
    expect([cpu.get('x0'), cpu.get('x1'), cpu.get('x2')]).toEqual([0x1234_5678_9abcn, 0x1234_5678_9abcn, 0n]);
  });

  it('are emulated on arm32', () => {
    bench.cpu.close();
    // mcr p15, 4, r1, c13, c0, 2; mrc p15, 4, r0, c13, c0, 2; mrc p15, 4, r2, c1, c1, 0; mrrc p15, 6, r3, r4, c2; bx lr
    const { cpu } = on(ARM32, 0xee8d_1f50, 0xee9d_0f50, 0xee91_2f11, 0xec54_3f62, 0xe12f_ff1e);
    for (const [name, value] of [
      ['r1', 0xfedc_ba98n],
      ['r2', 5n],
      ['r3', 5n],
      ['r4', 5n],
    ] as const) {
      cpu.set(name, value);
    }
    expect(runThrough(bench).exit).toEqual(returned);
    expect(['r0', 'r1', 'r2', 'r3', 'r4'].map((name) => cpu.get(name))).toEqual([
      0xfedc_ba98n,
      0xfedc_ba98n,
      0n,
      0n,
      0n,
    ]);
  });

  it('do not include undefined instructions', () => {
    bench.cpu.close();
    on(ARM64, 0);
    expect(runThrough(bench)).toEqual({ exit: { kind: 'exception', vector: 1 }, done: 0 });
    bench.cpu.close();
    on(ARM32, 0xe7f0_00f0);
    expect(runThrough(bench)).toEqual({ exit: { kind: 'exception', vector: 1 }, done: 0 });
  });

  it('include firmware calls, which find no function', () => {
    bench.cpu.close();
    // smc #0; ret
    const { cpu } = on(ARM64, 0xd400_0003, 0xd65f_03c0);
    cpu.set('x0', 0x8400_0000n);
    expect(runThrough(bench)).toEqual({ exit: returned, done: 1 });
    expect(cpu.get('x0')).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('raise a separate exception for BRK', () => {
    bench.cpu.close();
    const { cpu } = on(ARM64, 0xd503_201f, 0xd420_0020);
    expect(bench.run()).toEqual({ kind: 'exception', vector: 7 });
    expect(cpu.get('pc')).toBe(CODE + 4n);
  });
});
