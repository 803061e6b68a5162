import { afterEach, describe, expect, it } from 'vitest';
import { SIMULATED_FUNCTIONS } from '../../src/hypervisor/simulated-functions.ts';
import type { PayloadSpec } from '../../src/synth/index.ts';
import type { CallArgument } from '../../src/xen/index.ts';
import { CodeHost } from './code-support.ts';

const int = (value: number | bigint): CallArgument => ({ kind: 'int', value: BigInt(value) });
const text = (value: string): CallArgument => ({ kind: 'string', text: value });
const bytes = (...values: number[]): CallArgument => ({ kind: 'buffer', bytes: Uint8Array.from(values) });

let host: CodeHost;
const boot = (options = {}): CodeHost => {
  host = new CodeHost(options);
  return host;
};
afterEach(() => host.target.close());

/** Named code in hex digits, in a payload with an irrelevant patch. */
const library = (code: Readonly<Record<string, string>>, more: PayloadSpec = {}): PayloadSpec => ({
  functions: [{ name: 'xen_changeset', old: 'xen_changeset', new: null, newSize: 1 }],
  ...more,
  code: Object.entries(code).map(([symbol, hex]) => ({ symbol, hex: hex.replace(/\s/g, '') })),
});

const call = (name: string, ...args: CallArgument[]) => host.target.call({ function: name, args });

describe('a call', () => {
  it('passes numbers, strings and memory, and returns them', async () => {
    boot();
    expect(await call('xen_major_version')).toMatchObject({
      result: 4n,
      entered: expect.arrayContaining(['xen_major_version']),
    });
    expect((await call('strlen', text('hello, world'))).result).toBe(12n);
    expect((await call('memcmp', bytes(1, 2, 3), bytes(1, 2, 4), int(2))).result).toBe(0n);
    const copied = await call('strlcpy', bytes(9, 9, 9, 9), text('abc'), int(3));
    expect(copied).toMatchObject({ result: 3n, buffers: [Uint8Array.of(0x61, 0x62, 0, 9)] });
  });

  it('passes further arguments on the stack', async () => {
    boot();
    // mov 8(%rsp), %rax; shl $8, %rax; add 16(%rsp), %rax; ret
    host.upload('p', library({ seventh: '488b442408 48c1e008 4803442410 c3' }));
    const args = [1, 2, 3, 4, 5, 6, 0x77, 0x88].map(int);
    expect((await call('seventh', ...args)).result).toBe(0x7788n);
  });

  it('has an aligned stack, and no vector registers in AL', async () => {
    boot();
    // mov %eax, %edx; lea 8(%rsp), %rax; and $15, %eax; or %rdx, %rax; ret
    host.upload('p', library({ aligned: '89c2 488d442408 83e00f 4809d0 c3' }));
    for (const count of [0, 6, 7, 8]) {
      expect((await call('aligned', ...Array.from({ length: count }, () => int(0)))).result).toBe(0n);
    }
  });

  it('finds static functions with and without their file, and those of payloads', async () => {
    boot();
    host.upload('p', library({ mine: 'b82a000000c3' }));
    expect((await call('mine')).result).toBe(42n);
    expect((await call('mine [p]')).result).toBe(42n);
    // Static: (offset, result, maxlen) returns the offset of the next name.
    const expand = (name: string) => call(name, int(0), bytes(...new Array<number>(128).fill(0)), int(127));
    const named = await expand('common/symbols.c#symbols_expand_symbol');
    expect(named.result).toBeGreaterThan(0n);
    expect(String.fromCharCode(...(named.buffers[0] ?? []))).toMatch(/^\w+\0/);
    expect(await expand('symbols_expand_symbol')).toEqual(named);
  });

  it('rejects an unknown name, an unknown CPU, and too many arguments', async () => {
    boot({ cpus: 2 });
    await expect(call('xen_extra_versio')).rejects.toThrow(
      expect.objectContaining({ code: 'EUSAGE', hint: expect.stringContaining('xen_extra_version') }),
    );
    await expect(host.target.call({ function: 'xen_major_version', args: [], cpu: 2 })).rejects.toThrow(
      'no CPU 2: the host has 2',
    );
    await expect(call('xen_major_version', ...Array.from({ length: 33 }, () => int(0)))).rejects.toThrow(
      'too many arguments: 33, at most 32',
    );
  });

  it('follows the trampoline into the payload, and reports the new function’s coverage', async () => {
    boot();
    // test %edi, %edi; jne +6; mov $1, %eax; ret; mov $2, %eax; ret
    const branches = '85ff 7506 b801000000 c3 b802000000 c3';
    host.upload('p', library({ twoWays: branches }, { functions: [{ name: 'xen_minor_version' }] }));
    expect((await call('xen_minor_version', int(0))).result).toBe(17n);
    expect(host.apply('p')).toBe(0);
    const first = await call('xen_minor_version', int(0));
    expect(first).toMatchObject({ result: 1n, entered: ['xen_minor_version', 'twoWays [p]'], instructions: 5 });
    expect(first.coverage).toEqual([{ symbol: 'twoWays [p]', size: 16, covered: 10 }]);
    expect((await call('xen_minor_version', int(1))).coverage).toEqual([
      { symbol: 'twoWays [p]', size: 16, covered: 10 },
    ]);
    expect(host.revert('p')).toBe(0);
    expect(await call('xen_minor_version', int(0))).toMatchObject({ result: 17n, coverage: [] });
  });

  it('counts a repeated instruction once', async () => {
    boot();
    // mov $100, %ecx; rep stosb; ret
    host.upload('p', library({ fills: 'b964000000 f3aa c3' }));
    const filled = await call('fills', bytes(...new Array<number>(100).fill(1)));
    expect(filled).toMatchObject({ instructions: 3, buffers: [new Uint8Array(100)] });
  });
});

describe('the CPU that code runs on', () => {
  // mov %rsp, %rax; or $0x7fff, %rax; mov -0x3f(%rax), %eax; ret: get_cpu_info()->processor_id
  const PROCESSOR_ID = '4889e0 480dff7f0000 8b40c1 c3';
  // … mov -0x37(%rax), %rax; mov (%rax), %eax: current->vcpu_id; … mov 16(%rax), %rax; movzwl (%rax): current->domain->domain_id
  const VCPU_ID = '4889e0 480dff7f0000 488b40c9 8b00 c3';
  const DOMAIN_ID = '4889e0 480dff7f0000 488b40c9 488b4010 0fb700 c3';
  // … mov -0x2f(%rax), %rax; ret: per_cpu_offset
  const PER_CPU = '4889e0 480dff7f0000 488b40d1 c3';

  it('has its own number, vCPU and area of variables', async () => {
    boot({ cpus: 3 });
    host.upload('p', library({ id: PROCESSOR_ID, vcpu: VCPU_ID, domain: DOMAIN_ID, offset: PER_CPU }));
    const on = async (cpu: number, name: string) => (await host.target.call({ function: name, args: [], cpu })).result;
    expect(await Promise.all([0, 1, 2].map((cpu) => on(cpu, 'id')))).toEqual([0n, 1n, 2n]);
    expect(await on(1, 'vcpu')).toBe(0n);
    expect(await on(1, 'domain')).toBe(0n);
    const offsets = await Promise.all([0, 1, 2].map((cpu) => on(cpu, 'offset')));
    expect(offsets[0]).toBe(0n);
    expect(new Set(offsets).size).toBe(3);
    const { space } = host.target.hypervisor.machine;
    const table = host.symbol('__per_cpu_offset');
    expect([0, 1, 2].map((cpu) => space.readU64(table + BigInt(8 * cpu)))).toEqual(offsets);
    // Zeroed, and separate.
    const variable = host.symbol('per_cpu__curr_vcpu');
    expect(space.readU64(variable + (offsets[1] as bigint))).toBe(0n);
    space.write(variable + (offsets[1] as bigint), Uint8Array.of(1));
    expect(space.readU64(variable + (offsets[2] as bigint))).toBe(0n);
  });

  it('has interrupts enabled in each call', async () => {
    boot();
    // pushf; pop %rax; cli; ret
    host.upload('p', library({ flags: '9c 58 fa c3' }));
    for (let i = 0; i < 2; i++) expect(((await call('flags')).result ?? 0n) & 0x200n).toBe(0x200n);
  });
});

describe('simulated functions', () => {
  it('have unique names and a reason', () => {
    boot();
    const names = SIMULATED_FUNCTIONS.flatMap(({ names }) => names);
    expect(new Set(names).size).toBe(names.length);
    for (const { reason } of SIMULATED_FUNCTIONS) expect(reason.length).toBeGreaterThan(20);
    // Most exist in a current release, so the table is up to date.
    expect(names.filter((name) => host.symbol(name) !== 0n).length).toBeGreaterThan(50);
  });

  it('allocate memory, zeroed on request, and free it', async () => {
    boot();
    const first = (await call('_xmalloc', int(100), int(16))).result as bigint;
    expect(first).toBeGreaterThan(0xffff_8300_0000_0000n);
    host.target.hypervisor.machine.space.write(first, Uint8Array.of(7));
    await call('xfree', int(first));
    expect((await call('_xmalloc', int(100), int(16))).result).toBe(first);
    await call('xfree', int(first));
    const zeroed = (await call('_xzalloc', int(100), int(16))).result as bigint;
    expect(zeroed).toBe(first);
    expect(host.target.hypervisor.machine.space.readU8(zeroed)).toBe(0);
    expect(((await call('_xmalloc', int(5), int(4096))).result ?? 1n) % 4096n).toBe(0n);
    expect((await call('_xmalloc', int(0), int(16))).result).toBe(0xbad0_bad0_bad0_bad0n);
    expect((await call('_xmalloc', int(1 << 30), int(16))).result).toBe(0n);
    const grown = (await call('_xrealloc', int(zeroed), int(5000), int(16))).result as bigint;
    expect(grown).not.toBe(zeroed);
  });

  it('end the host at a double free', async () => {
    boot();
    const address = (await call('_xmalloc', int(8), int(8))).result as bigint;
    await call('xfree', int(address));
    expect((await call('xfree', int(address))).result).toBeNull();
    expect(host.panic?.message).toMatch(
      /^corruption: xfree was passed 0x[0-9a-f]+, which is not an allocated address$/,
    );
  });

  it('track locks: taking one twice hangs the host', async () => {
    boot();
    const lock = bytes(...new Array<number>(64).fill(0));
    expect((await call('_spin_trylock', lock)).result).toBe(1n);
    const { space } = host.target.hypervisor.machine;
    const address = host.symbol('common/livepatch.c#payload_lock');
    expect(space.permissionAt(address)?.write).toBe(true);
    await call('_spin_lock', int(address));
    expect((await call('_spin_is_locked', int(address))).result).toBe(1n);
    expect((await call('_spin_trylock', int(address))).result).toBe(0n);
    await call('_spin_unlock', int(address));
    expect((await call('_spin_is_locked', int(address))).result).toBe(0n);
    const flags = (await call('_spin_lock_irqsave', int(address))).result as bigint;
    expect(flags & 0x200n).toBe(0x200n);
    expect((await call('_spin_lock', int(address))).result).toBeNull();
    expect(host.panic?.message).toBe('hang: _spin_lock never returns: the same CPU holds the lock');
    expect(host.panic?.screen).toEqual([]);
  });

  it('use virtual time', async () => {
    boot();
    const before = (await call('get_s_time')).result as bigint;
    await call('__udelay', int(50)).catch(() => call('udelay', int(50)));
    expect((await call('get_s_time')).result).toBe(before + 50_000n);
  });

  it('call a function for the calling CPU', async () => {
    boot({ cpus: 2 });
    // movl $7, (%rdi); ret
    host.upload('p', library({ notes: 'c70707000000 c3' }));
    const notes = host.target.hypervisor.payloads[0]?.symtab.find(({ name }) => name === 'notes')?.value ?? 0n;
    const on = async (mask: number, cpu: number) =>
      (
        await host.target.call({
          function: 'on_selected_cpus',
          args: [bytes(mask, 0, 0, 0), int(notes), bytes(0), int(1)],
          cpu,
        })
      ).buffers[1]?.[0];
    expect(await Promise.all([on(1, 0), on(2, 0), on(2, 1), on(3, 1)])).toEqual([7, 0, 7, 7]);
  });

  it('limit the rate of messages', async () => {
    boot();
    const passed: bigint[] = [];
    for (let i = 0; i < 12; i++) passed.push(((await call('printk_ratelimit')).result ?? -1n) & 1n);
    expect(passed).toEqual([...new Array<bigint>(10).fill(1n), 0n, 0n]);
  });

  it('run their own code once a payload has patched them', async () => {
    boot();
    host.upload('p', library({ quiet: 'b863000000c3' }, { functions: [{ name: 'get_s_time' }] }));
    host.apply('p');
    expect(await call('get_s_time')).toMatchObject({ result: 99n, entered: ['get_s_time', 'quiet [p]'] });
    host.revert('p');
    expect((await call('get_s_time')).result).not.toBe(99n);
  });
});

describe('code that does not return', () => {
  it('ends the host silently', async () => {
    boot();
    host.upload('p', library({ loops: 'ebfe' }));
    const { hypervisor } = host.target;
    const budget = { instructions: 100_000, milliseconds: 5_000 };
    const loops = hypervisor.payloads[0]?.symtab.find(({ name }) => name === 'loops')?.value ?? 0n;
    expect(() => hypervisor.code?.call(loops, [], { cpu: 0, interrupts: true, current: 'idle' }, { budget })).toThrow(
      expect.objectContaining({
        cause: { kind: 'hang', why: 'code did not return within 100000 instructions' },
      }),
    );
  });

  it('ends the host if it only calls simulated functions', async () => {
    boot();
    // push %rbx; again: call get_s_time; jmp again
    host.upload('p', {
      ...library({}),
      code: [
        { symbol: 'asks', hex: '53e800000000ebf9', fields: [{ at: 2, symbol: 'get_s_time', addend: -4, type: 4 }] },
      ],
    });
    expect((await call('asks')).result).toBeNull();
    expect(host.panic?.message).toMatch(
      /^hang: code did not return after 200000 calls to simulated functions \(last: get_s_time\)/,
    );
  }, 60_000);

  it('runs out of stack: a double fault', async () => {
    boot();
    // call itself
    host.upload('p', library({ recurses: 'e8fbffffff' }));
    expect((await call('recurses')).result).toBeNull();
    expect(host.panic).toMatchObject({ message: 'DOUBLE FAULT -- system shutdown' });
    expect(host.panic?.screen[0]).toBe('*** DOUBLE FAULT ***');
  });
});
