import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cpu } from '../../src/arch/index.ts';
import { PAGE_KINDS, PAGE_SIZE } from '../../src/arch/page-table.ts';
import { loadLibrary } from '../../src/emulator/unicorn.ts';
import { Bench, bytes, CODE, call, DATA, RETURN, returned, STACK, TOP } from './support.ts';

let bench: Bench;
let cpu: Cpu;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => cpu.close());

describe('a processor', () => {
  it('runs a function that reads and writes the machine’s own memory', () => {
    // mov data(%rip), %rax; inc %rax; mov %rax, data+8(%rip); ret
    bench.place(0, '48 8b 05 f9 ff 1f 00  48 ff c0  48 89 05 f7 ff 1f 00  c3');
    cpu = bench.open();
    bench.data[0] = 41;
    expect(call(cpu, bench, CODE)).toEqual(returned);
    expect(cpu.get('rax')).toBe(42n);
    expect(bench.data[8]).toBe(42);
    bench.space.write(DATA, Uint8Array.of(7));
    expect(call(cpu, bench, CODE)).toEqual(returned);
    expect(cpu.get('rax')).toBe(8n);
    expect(cpu.get('rsp')).toBe(TOP + 8n);
  });

  it('returns registers at full width, unsigned', () => {
    // movabs $0xffff82d040201234, %r15; ret
    bench.place(0, '49 bf 34 12 20 40 d0 82 ff ff c3');
    cpu = bench.open();
    call(cpu, bench, CODE);
    expect(cpu.get('r15')).toBe(0xffff_82d0_4020_1234n);
    cpu.set('r8', 0xffff_ffff_ffff_fffen);
    expect(cpu.get('r8')).toBe(0xffff_ffff_ffff_fffen);
  });

  it('runs privileged instructions', () => {
    // cli; mov %cr0, %rax; clac; stac; sti; ret
    bench.place(0, 'fa 0f 20 c0 0f 01 ca 0f 01 cb fb c3');
    cpu = bench.open();
    expect(call(cpu, bench, CODE)).toEqual(returned);
    // CR0.WP is set, as on a host.
    expect(cpu.get('rax') & 0x10000n).toBe(0x10000n);
  });

  it('treats ENDBR64 as a NOP', () => {
    bench.place(0, 'f3 0f 1e fa b8 05 00 00 00 c3');
    cpu = bench.open();
    expect(call(cpu, bench, CODE)).toEqual(returned);
    expect(cpu.get('rax')).toBe(5n);
  });

  it('rejects registers of another architecture', () => {
    cpu = bench.open();
    expect(() => cpu.get('x0')).toThrow(/x0/);
  });
});

describe('faults', () => {
  beforeEach(() => {
    // nop; nop; mov %rdi, (%rsi); mov $1, %eax; ret
    bench.place(0, '90 90 48 89 3e b8 01 00 00 00 c3');
    // nop; nop; mov (%rsi), %rax; ret
    bench.place(0x40, '90 90 48 8b 06 c3');
    // nop; jmp *%rsi
    bench.place(0x80, '90 ff e6');
  });

  it('are at the faulting instruction, anywhere in its block', () => {
    cpu = bench.open();
    cpu.set('rsi', CODE + 8n);
    expect(call(cpu, bench, CODE)).toEqual({ kind: 'fault', access: 'write', address: CODE + 8n, size: 8 });
    expect(cpu.get('rip')).toBe(CODE + 2n);
    cpu.set('rsi', 0xdead_0000_0000_0000n);
    expect(call(cpu, bench, CODE + 0x40n)).toMatchObject({ access: 'read', address: 0xdead_0000_0000_0000n });
    expect(cpu.get('rip')).toBe(CODE + 0x42n);
    expect(call(cpu, bench, CODE)).toMatchObject({ access: 'write', address: 0xdead_0000_0000_0000n });
    expect(cpu.get('rip')).toBe(CODE + 2n);
  });

  it('occur on a fetch from data, and from unmapped memory', () => {
    cpu = bench.open();
    for (const target of [DATA, 0n, 0xffff_82d0_5000_0000n]) {
      cpu.set('rsi', target);
      expect(call(cpu, bench, CODE + 0x80n)).toMatchObject({ kind: 'fault', access: 'fetch', address: target });
      expect(cpu.get('rip')).toBe(target);
    }
  });

  it('follow the permissions as they change', () => {
    cpu = bench.open();
    const write = () => {
      cpu.set('rsi', CODE + 0x100n);
      return call(cpu, bench, CODE).kind;
    };
    expect(write()).toBe('fault');
    bench.space.protect(CODE, 4, PAGE_KINDS.RWX);
    expect(write()).toBe('stop');
    bench.space.protect(CODE, 4, PAGE_KINDS.RX);
    expect(write()).toBe('fault');
    bench.space.writeProtect = false;
    expect(write()).toBe('stop');
    bench.space.writeProtect = true;
    expect(write()).toBe('fault');
    expect(bench.code[0x100]).not.toBe(undefined);
  });

  it('do not end a run: it continues at any address', () => {
    cpu = bench.open();
    cpu.set('rsi', 0n);
    expect(call(cpu, bench, CODE)).toMatchObject({ kind: 'fault' });
    cpu.set('rip', CODE + 5n);
    expect(cpu.run({ until: RETURN, instructions: 100 })).toEqual(returned);
    expect(cpu.get('rax')).toBe(1n);
  });

  it('of a push below the stack keep the stack pointer', () => {
    // push %rax; jmp to it
    bench.place(0xc0, '50 eb fd');
    cpu = bench.open();
    expect(call(cpu, bench, CODE + 0xc0n)).toEqual({ kind: 'fault', access: 'write', address: STACK - 8n, size: 8 });
    expect(cpu.get('rsp')).toBe(STACK);
  });
});

describe('exceptions', () => {
  it.each([
    ['ud2', '90 0f 0b', 6, 1],
    ['an invalid instruction', '90 06', 6, 1],
    ['a division by zero', '31 c9 f7 f1', 0, 2],
    // A trap: the instruction has completed.
    ['int3', '90 cc', 3, 2],
  ])('%s', (_, code, vector, offset) => {
    bench.place(0, code);
    cpu = bench.open();
    expect(call(cpu, bench, CODE)).toEqual({ kind: 'exception', vector });
    expect(cpu.get('rip')).toBe(CODE + BigInt(offset));
  });
});

describe('stops and limits', () => {
  it('stops before an address, and continues from it', () => {
    // call +0x10; inc %eax; ret … mov $5, %eax; ret
    bench.place(0, 'e8 0b 00 00 00 ff c0 c3');
    bench.place(0x10, 'b8 05 00 00 00 c3');
    bench.stopAt.push(CODE + 0x10n);
    cpu = bench.open();
    cpu.set('rax', 0n);
    for (let round = 0; round < 2; round++) {
      expect(call(cpu, bench, CODE)).toEqual({ kind: 'stop', address: CODE + 0x10n });
      expect(cpu.get('rip')).toBe(CODE + 0x10n);
      expect(cpu.get('rsp')).toBe(TOP - 8n);
      expect(cpu.run({ until: RETURN, instructions: 100 })).toEqual(returned);
      expect(cpu.get('rax')).toBe(6n);
    }
  });

  it('ends an endless loop by count, and by time', () => {
    bench.place(0, 'ff c0 eb fc');
    cpu = bench.open();
    cpu.set('rax', 0n);
    expect(call(cpu, bench, CODE, { instructions: 1001 })).toEqual({ kind: 'budget', of: 'instructions' });
    expect(cpu.get('rax')).toBe(501n);
    expect(cpu.get('rip')).toBe(CODE + 2n);
    const begin = performance.now();
    expect(call(cpu, bench, CODE, { instructions: 2 ** 40, ms: 50 })).toEqual({ kind: 'budget', of: 'time' });
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  it('traces every instruction, with unsigned addresses', () => {
    bench.place(0, 'e8 0b 00 00 00 c3');
    bench.place(0x10, 'b9 03 00 00 00 ff c9 75 fc c3');
    const seen: [bigint, number][] = [];
    cpu = bench.open((address, size) => seen.push([address, size]));
    expect(call(cpu, bench, CODE)).toEqual(returned);
    const at = (offset: number, size: number): [bigint, number] => [CODE + BigInt(offset), size];
    const loop = [at(0x15, 2), at(0x17, 2)];
    expect(seen).toEqual([at(0, 5), at(0x10, 5), ...loop, ...loop, ...loop, at(0x19, 1), at(5, 1)]);
  });

  it('ends at once with an error from a trace', () => {
    bench.place(0, 'ff c0 eb fc');
    let count = 0;
    cpu = bench.open(() => {
      if (++count === 3) throw new Error('enough');
    });
    expect(() => call(cpu, bench, CODE)).toThrow('enough');
    expect(count).toBe(3);
  });
});

describe('running code that changed', () => {
  /** mov $N, %eax; ret */
  const returning = (n: number) => bytes(`b8 0${n} 00 00 00 c3`);
  const result = (address = CODE) => {
    expect(call(cpu, bench, address)).toEqual(returned);
    return cpu.get('rax');
  };

  beforeEach(() => {
    // A caller of the code at +0x20.
    bench.place(0, 'e8 1b 00 00 00 c3');
    bench.code.set(returning(1), 0x20);
    bench.code.set(returning(2), 0x40);
  });

  it.each(['without', 'with'])('after a jump was written over its start, %s a trace', (trace) => {
    cpu = bench.open(trace === 'with' ? () => {} : undefined);
    expect(result()).toBe(1n);
    bench.space.protect(CODE, 4, PAGE_KINDS.RWX);
    bench.space.write(CODE + 0x20n, bytes('e9 1b 00 00 00'));
    bench.space.protect(CODE, 4, PAGE_KINDS.RX);
    expect(result()).toBe(2n);
    bench.space.writeProtect = false;
    bench.space.write(CODE + 0x20n, returning(1));
    bench.space.writeProtect = true;
    expect(result()).toBe(1n);
  });

  it('after other memory was mapped in its place', () => {
    cpu = bench.open();
    expect(result()).toBe(1n);
    const other = bench.code.slice();
    other.set(returning(3), 0x20);
    bench.space.map(CODE, other, PAGE_KINDS.RX);
    expect(result()).toBe(3n);
    bench.space.unmap(CODE, 4);
    expect(call(cpu, bench, CODE)).toMatchObject({ kind: 'fault', access: 'fetch', address: CODE });
    bench.space.map(CODE, bench.code, PAGE_KINDS.RX);
    expect(result()).toBe(1n);
  });

  it('after it lost its execute permission', () => {
    cpu = bench.open();
    expect(result()).toBe(1n);
    bench.space.protect(CODE, 4, PAGE_KINDS.RO);
    expect(call(cpu, bench, CODE)).toMatchObject({ kind: 'fault', access: 'fetch' });
    bench.space.protect(CODE, 4, PAGE_KINDS.RX);
    expect(result()).toBe(1n);
  });

  it('after it was written through another mapping', () => {
    cpu = bench.open();
    expect(result()).toBe(1n);
    const alias = 0xffff_82c0_0000_0000n;
    expect(bench.space.alias(alias, CODE, 4, PAGE_KINDS.RW)).toBe(true);
    bench.space.write(alias + 0x20n, returning(4));
    expect(result()).toBe(4n);
  });

  it('after code wrote it, on all CPUs of the machine', () => {
    // movb $7, 0x21+CODE; ret
    bench.place(0x60, 'c6 05 ba ff ff ff 07 c3');
    cpu = bench.open();
    const other = bench.open(() => {});
    expect(result()).toBe(1n);
    expect(call(other, bench, CODE)).toEqual(returned);
    expect(other.get('rax')).toBe(1n);
    bench.space.protect(CODE, 4, PAGE_KINDS.RWX);
    expect(call(cpu, bench, CODE + 0x60n)).toEqual(returned);
    expect(result()).toBe(7n);
    expect(call(other, bench, CODE)).toEqual(returned);
    expect(other.get('rax')).toBe(7n);
    other.close();
  });

  it('after code wrote it through another mapping', () => {
    const alias = 0xffff_82c0_0000_0000n;
    bench.space.alias(alias, CODE, 4, PAGE_KINDS.RW);
    // movb $6, (%rdi); ret
    bench.place(0x60, 'c6 07 06 c3');
    cpu = bench.open();
    expect(result()).toBe(1n);
    cpu.set('rdi', alias + 0x21n);
    expect(call(cpu, bench, CODE + 0x60n)).toEqual(returned);
    expect(result()).toBe(6n);
  });

  it('while it changes itself', () => {
    // mov $0x21+CODE via lea, call, change, call: lea 0x1(%rip) of +0x20
    bench.space.protect(CODE, 4, PAGE_KINDS.RWX);
    // call +0x20; movb $9, +0x21; call +0x20; ret
    bench.place(0x80, 'e8 9b ff ff ff  c6 05 95 ff ff ff 09  e8 8f ff ff ff  c3');
    cpu = bench.open();
    expect(result(CODE + 0x80n)).toBe(9n);
  });
});

describe('memory', () => {
  it('may consist of hundreds of pieces', () => {
    cpu = bench.open();
    bench.place(0, '48 8b 06 c3');
    const pages = 300;
    for (let i = 0; i < pages; i++) {
      const page = new Uint8Array(PAGE_SIZE);
      page[0] = i & 0xff;
      bench.space.map(0xffff_82d0_6000_0000n + BigInt(2 * i * PAGE_SIZE), page, PAGE_KINDS.RO);
    }
    for (const i of [0, 1, 255, 299]) {
      cpu.set('rsi', 0xffff_82d0_6000_0000n + BigInt(2 * i * PAGE_SIZE));
      expect(call(cpu, bench, CODE)).toEqual(returned);
      expect(cpu.get('rax')).toBe(BigInt(i & 0xff));
    }
  });
});

describe('the library', () => {
  it('is named with its package if missing', () => {
    const koffi = {
      load: (name: string | null) => {
        throw new Error(`Failed to load shared library: ${name}: cannot open shared object file`);
      },
    };
    expect(() => loadLibrary(koffi)).toThrow(
      expect.objectContaining({
        code: 'ETOOL',
        message: expect.stringContaining('cannot load libunicorn 2: Failed to load shared library: libunicorn.so.2'),
        hint: expect.stringContaining('sudo apt-get install libunicorn2'),
      }),
    );
  });

  it('opens any number of CPUs, in sequence and at once', () => {
    bench.place(0, 'b8 05 00 00 00 c3');
    cpu = bench.open();
    const many = Array.from({ length: 20 }, () => bench.open());
    for (const each of many) {
      expect(call(each, bench, CODE)).toEqual(returned);
      each.close();
      each.close();
    }
    for (let i = 0; i < 100; i++) {
      const one = bench.open(() => {});
      expect(call(one, bench, CODE)).toEqual(returned);
      one.close();
    }
    // Closed CPUs receive no more writes.
    bench.space.write(DATA, Uint8Array.of(1));
    expect(call(cpu, bench, CODE)).toEqual(returned);
  }, 30_000);
});
