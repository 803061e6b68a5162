import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { X86_64_PAGE_TABLES as format } from '../../src/arch/x86_64/page-table.ts';
import { Clock, type CpuOptions, Machine, Scheduler } from '../../src/machine/index.ts';

const machineOf = (cpus: number | readonly CpuOptions[]) => new Machine({ format, cpus, defaultLogLevel: 'INFO' });

/** The two phases of Xen's rendezvous from the master's side. */
function rendezvous(machine: Machine, timeout: number): { phase: 'CPU' | 'IRQ' | 'done'; count: number; at: number } {
  const { clock, scheduler } = machine;
  const others = machine.cpus.slice(1);
  const deadline = clock.now + timeout;
  let semaphore = 0;
  let working = true;
  const phase = (latency: 'arrivesAfter' | 'disablesIrqsAfter') => {
    semaphore = 0;
    for (const cpu of others) {
      const after = cpu[latency];
      if (after === 'never') continue;
      scheduler.schedule(clock.now + after, cpu, (who) => {
        if (!working) return;
        if (latency === 'disablesIrqsAfter') who.interruptsEnabled = false;
        semaphore++;
      });
    }
    return scheduler.runUntil(() => semaphore === others.length, deadline);
  };
  const reached = !phase('arrivesAfter') ? 'CPU' : !phase('disablesIrqsAfter') ? 'IRQ' : 'done';
  working = false;
  return { phase: reached, count: semaphore, at: clock.now };
}

describe('the scheduler', () => {
  it('runs events by time, then by order of scheduling', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (times) => {
        const clock = new Clock();
        const scheduler = new Scheduler(clock);
        const [cpu] = machineOf(1).cpus;
        const seen: [number, number][] = [];
        for (const [i, at] of times.entries()) {
          if (cpu !== undefined) scheduler.schedule(at, cpu, () => seen.push([clock.now, i]));
        }
        scheduler.drain();
        const expected = times.map((at, i): [number, number] => [at, i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(seen).toEqual(expected);
        expect(scheduler.pending).toBe(0);
      }),
    );
  });

  it('treats the past as now, and can be cleared', () => {
    const machine = machineOf(1);
    const { clock, scheduler } = machine;
    const cpu = machine.cpus[0];
    if (cpu === undefined) throw new Error('no CPU');
    clock.advance(100);
    let ran = 0;
    scheduler.schedule(5, cpu, () => ran++);
    expect(scheduler.runUntil(() => ran === 1, 100)).toBe(true);
    expect(clock.now).toBe(100);
    scheduler.schedule(200, cpu, () => ran++);
    scheduler.clear();
    scheduler.drain();
    expect([ran, clock.now]).toEqual([1, 100]);
  });

  it('refuses to turn back time', () => {
    const clock = new Clock();
    clock.advance(3);
    expect(() => clock.advanceTo(2)).toThrow('clock');
    expect(() => clock.advance(Number.NaN)).toThrow('clock');
  });
});

describe('CPUs that meet', () => {
  it('wait for the latest one', () => {
    const machine = machineOf([{}, { arrivesAfter: 1_000 }, { arrivesAfter: 7_000 }, { disablesIrqsAfter: 900 }]);
    expect(rendezvous(machine, 30_000_000)).toEqual({ phase: 'done', count: 3, at: 7_900 });
    expect(machine.cpus.slice(1).every((cpu) => !cpu.interruptsEnabled)).toBe(true);
  });

  it('are counted at the timeout', () => {
    const stuck = machineOf([{}, {}, { arrivesAfter: 'never' }, {}]);
    expect(rendezvous(stuck, 30_000_000)).toEqual({ phase: 'CPU', count: 2, at: 30_000_000 });
    const late = machineOf([{}, {}, { arrivesAfter: 30_000_001 }]);
    expect(rendezvous(late, 30_000_000)).toEqual({ phase: 'CPU', count: 1, at: 30_000_000 });
    late.scheduler.drain();
    expect(late.clock.now).toBe(30_000_001);
    const justInTime = machineOf([{}, { arrivesAfter: 1_000, disablesIrqsAfter: 29_999_000 }]);
    expect(rendezvous(justInTime, 30_000_000)).toEqual({ phase: 'done', count: 1, at: 30_000_000 });
    const irqs = machineOf([{}, { disablesIrqsAfter: 'never' }, {}]);
    expect(rendezvous(irqs, 30_000_000)).toMatchObject({ phase: 'IRQ', count: 1 });
  });

  it('have nobody to wait for on a single CPU', () => {
    expect(rendezvous(machineOf(1), 1)).toEqual({ phase: 'done', count: 0, at: 0 });
    expect(machineOf(0).cpus.length).toBe(1);
    expect(machineOf([]).cpus.length).toBe(1);
    expect(machineOf(4).cpus.map((cpu) => cpu.id)).toEqual([0, 1, 2, 3]);
  });
});

describe('a machine', () => {
  it('prints at its build’s level, or at loglvl', () => {
    const shown = (options: { loglvl?: string; debugBuild?: boolean }) => {
      const { console } = new Machine({ format, cpus: 1, defaultLogLevel: 'WARNING', ...options });
      for (const level of ['ERR', 'WARNING', 'INFO', 'DEBUG'] as const) console.printk(level, level);
      return console.take().length;
    };
    expect(shown({})).toBe(2);
    expect(shown({ debugBuild: true })).toBe(4);
    expect(shown({ loglvl: 'error', debugBuild: true })).toBe(1);
    expect(shown({ loglvl: 'nonsense' })).toBe(2);
  });

  it('is the same every time', () => {
    const tables = () => {
      const machine = machineOf(2);
      machine.space.map(0xffff82d040200000n, new Uint8Array(0x1000), { write: false, execute: true });
      return machine.space.walk(0xffff82d040200000n);
    };
    expect(tables()).toEqual(tables());
  });
});
