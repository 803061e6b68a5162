import type { Cpu, CpuExit, CpuLimits, CpuTrace } from '../arch/index.ts';
import { assert, ensure } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';
import type { EngineKind } from './engines.ts';
import { MemoryMirror } from './memory-mirror.ts';
import { type Engine, type Hooks, UC_ERR, type Unicorn } from './unicorn.ts';

/** Provided by Node and browsers alike; this room includes the types of neither. */
declare const performance: { now(): number };

/** Instructions between two checks of the time limit: some ten milliseconds. */
const SLICE = 500_000;

/** UC_MEM_* of accesses that fail. */
const ACCESS: Readonly<Record<number, 'read' | 'write' | 'fetch'>> = {
  19: 'read',
  20: 'write',
  21: 'fetch',
  22: 'write',
  23: 'read',
  24: 'fetch',
};

/** Errors of a run that a failed access ended. */
const FAULTS: readonly number[] = [
  UC_ERR.READ_UNMAPPED,
  UC_ERR.WRITE_UNMAPPED,
  UC_ERR.FETCH_UNMAPPED,
  UC_ERR.WRITE_PROT,
  UC_ERR.READ_PROT,
  UC_ERR.FETCH_PROT,
];

export interface UnicornCpuOptions {
  readonly kind: EngineKind;
  readonly space: AddressSpace;
  readonly stopAt: readonly bigint[];
  readonly trace?: CpuTrace;
}

/** Closes engines whose CPU was garbage-collected. */
const ABANDONED = new FinalizationRegistry<() => void>((close) => close());

/** A processor in libunicorn, on the memory of a simulated machine. */
export class UnicornCpu implements Cpu {
  readonly #unicorn: Unicorn;
  readonly #engine: Engine;
  readonly #kind: EngineKind;
  readonly #mirror: MemoryMirror;
  readonly #stops: ReadonlySet<bigint>;
  readonly #trace: CpuTrace | undefined;
  readonly #close: () => void;
  readonly #hooks: Hooks;
  /** Why the current run ends. */
  #exit: CpuExit | undefined;
  /** Stop address where a run began, until that instruction has run. */
  #leaving: bigint | undefined;
  #deadline = 0;

  constructor(unicorn: Unicorn, { kind, space, stopAt, trace }: UnicornCpuOptions) {
    this.#unicorn = unicorn;
    this.#kind = kind;
    const engine = unicorn.open(kind.arch, kind.mode, kind.cpuModel);
    this.#engine = engine;
    const mirror = new MemoryMirror(unicorn, engine, space);
    this.#mirror = mirror;
    this.#trace = trace;
    this.#stops = new Set(stopAt);
    this.#hooks = {
      code: (address, size) => this.#onCode(address, size),
      interrupt: (vector) => this.#end({ kind: 'exception', vector }),
      badAccess: (type, address, size) => {
        this.#exit = { kind: 'fault', access: ACCESS[type] ?? 'read', address, size };
      },
    };
    unicorn.hook(engine, trace === undefined ? [...this.#stops] : 'all');
    for (const [register, value] of Object.entries(kind.initial)) this.set(register, value);
    let open = true;
    this.#close = () => {
      if (!open) return;
      open = false;
      mirror.close();
      unicorn.close(engine);
    };
    ABANDONED.register(this, this.#close);
  }

  get(register: string): bigint {
    return this.#unicorn.readRegister(this.#engine, this.#number(register));
  }

  set(register: string, value: bigint): void {
    this.#unicorn.writeRegister(this.#engine, this.#number(register), value);
  }

  allow(milliseconds: number): void {
    this.#deadline = performance.now() + milliseconds;
  }

  run(limits: CpuLimits): CpuExit {
    this.#mirror.update();
    const exit = this.#run(limits);
    this.#mirror.announce();
    return exit;
  }

  #run({ until, instructions }: CpuLimits): CpuExit {
    this.#exit = undefined;
    this.#leaving = this.get(this.#kind.programCounter);
    for (let left = instructions; left > 0; left -= SLICE) {
      const from = this.get(this.#kind.programCounter);
      // The count also keeps the engine's program counter exact, which a fault needs.
      const code = this.#unicorn.run(this.#engine, this.#hooks, from, until, Math.min(left, SLICE));
      const exit = this.#exitOf(code, until);
      if (exit !== undefined) return exit;
      if (performance.now() >= this.#deadline) return { kind: 'budget', of: 'time' };
    }
    return { kind: 'budget', of: 'instructions' };
  }

  close(): void {
    ABANDONED.unregister(this);
    this.#close();
  }

  #exitOf(code: number, until: bigint): CpuExit | undefined {
    if (code === UC_ERR.INSN_INVALID) return { kind: 'exception', vector: this.#kind.invalidOpcode };
    assert(code === UC_ERR.OK || FAULTS.includes(code), `libunicorn ends a run with error ${code}`);
    if (this.#exit !== undefined) return this.#exit;
    return this.get(this.#kind.programCounter) === until ? { kind: 'stop', address: until } : undefined;
  }

  #onCode(address: bigint, size: number): void {
    const leaving = this.#leaving === address;
    this.#leaving = undefined;
    if (!leaving && this.#stops.has(address)) this.#end({ kind: 'stop', address });
    else this.#trace?.(address, size);
  }

  #end(exit: CpuExit): void {
    this.#exit ??= exit;
    this.#unicorn.stop(this.#engine);
  }

  #number(register: string): number {
    return ensure(this.#kind.registers[register], `the engine knows the register ${register}`);
  }
}
