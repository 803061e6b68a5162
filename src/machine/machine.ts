import type { PageTableFormat } from '../arch/index.ts';
import { AddressSpace } from './address-space.ts';
import { Clock } from './clock.ts';
import { Console } from './console.ts';
import { Cpu, type CpuOptions } from './cpu.ts';
import { type Level, LOG_ALL, parseLogLevel, type Thresholds, thresholdsFor } from './log-level.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { Scheduler } from './scheduler.ts';

export interface MachineOptions {
  readonly format: PageTableFormat;
  /** How many CPUs are online, or the behaviour of each. */
  readonly cpus: number | readonly CpuOptions[];
  /** The command line's `loglvl=`; the build's own default if absent. */
  readonly loglvl?: string;
  /** The least important level that a release build prints, which is also the level of lines without one. */
  readonly defaultLogLevel: Level;
  /** Debug builds show all levels by default. */
  readonly debugBuild?: boolean;
  /** Number of the first free frame of memory. */
  readonly firstFrame?: number;
}

/** A host without a hypervisor: memory, CPUs, a clock and a console. Equal options make equal machines. */
export class Machine {
  readonly memory: PhysicalMemory;
  readonly space: AddressSpace;
  readonly clock = new Clock();
  readonly scheduler: Scheduler;
  readonly console: Console;
  /** In ascending order of their numbers; never empty. */
  readonly cpus: readonly Cpu[];

  constructor(options: MachineOptions) {
    this.memory = new PhysicalMemory(options.firstFrame);
    this.space = new AddressSpace(options.format, this.memory);
    this.scheduler = new Scheduler(this.clock);
    this.console = new Console(this.clock, { thresholds: thresholds(options), defaultLevel: options.defaultLogLevel });
    const cpus = options.cpus;
    const behaviour =
      typeof cpus === 'number' ? Array.from({ length: Math.max(1, cpus) }, (): CpuOptions => ({})) : cpus;
    this.cpus = (behaviour.length === 0 ? [{}] : behaviour).map((cpu, id) => new Cpu(id, cpu));
  }
}

/** Returns the thresholds; an invalid `loglvl` keeps the default. Callers check a user's value with `parseLogLevel`. */
function thresholds(options: MachineOptions): Thresholds {
  const chosen = options.loglvl === undefined ? undefined : parseLogLevel(options.loglvl);
  return chosen ?? (options.debugBuild === true ? LOG_ALL : thresholdsFor(options.defaultLogLevel));
}
