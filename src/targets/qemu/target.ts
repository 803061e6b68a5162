import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, latin1, XspliceError } from '../../base/index.ts';
import {
  type ActionName,
  type ActionOptions,
  ERRNO,
  type GetResult,
  type HostPanic,
  type ListRequest,
  type ListResult,
  type NoAnswer,
  type ObservableTarget,
  type OpResult,
  type PlaceBytes,
  type RawResult,
  type ReleaseMatch,
  type VersionString,
  type XenArch,
} from '../../xen/index.ts';
import { type ConsoleRing, HYPERVISOR_SYSCTL, HYPERVISOR_XEN_VERSION } from './console-ring.ts';
import { type Down, environmentFailure, MachineDown } from './down.ts';
import { GuestArena } from './guest-arena.ts';
import type { LivepatchCalls } from './livepatch-calls.ts';
import type { Machine } from './machine.ts';
import type { MemoryReader } from './memory.ts';
import { parsePanic } from './panic-screen.ts';

/** Describes the running host, for reports. */
export interface QemuHost {
  readonly arch: XenArch;
  /** Xen's version, such as `4.17.7`. */
  readonly version: string;
  /** The rules for that version; `assumed` if the table has only an earlier release of the branch. */
  readonly release: ReleaseMatch;
  /** In hex; `null` if neither the image nor its `xen-syms` has one. */
  readonly buildId: string | null;
  /** Path of its `xen-syms`, if any. */
  readonly xenSyms: string | null;
  readonly cpu: string;
  readonly smp: number;
  /** MiB. */
  readonly memory: number;
}

/** The parts of a target; see `start.ts`. */
export interface QemuParts {
  readonly machine: Machine;
  readonly calls: LivepatchCalls;
  readonly ring: ConsoleRing;
  readonly memory: MemoryReader;
  readonly host: QemuHost;
  readonly callTimeout: number;
  /** Called once when the target is closed. */
  readonly close: () => void;
}

const NO_ANSWER = { kind: 'no-answer' } as const;

/**
 * A pending action has rc -EAGAIN. It settles when the CPUs are idle, within its timeout (30 ms by default) of guest time. CPUs that
 * never meet leave it pending, so we stop after this many polls and at least twice the timeout. Each poll lets the CPUs idle.
 */
const LOOKS = 40;
const LOOK_MS = 5;
/** With several CPUs, another CPU than the caller's prints the last line, shortly after the rc. */
const OTHER_CPU_MS = 60;

/** A real hypervisor in QEMU with a Debian kernel as dom0, restored from a snapshot taken right after boot. */
export class QemuTarget implements ObservableTarget {
  readonly host: QemuHost;
  readonly #parts: QemuParts;
  #panic: HostPanic | undefined;
  /** Lines before the panic screen, until taken. */
  #lastLines: readonly string[] = [];
  #closed = false;

  constructor(parts: QemuParts) {
    this.#parts = parts;
    this.host = parts.host;
  }

  async upload(name: string, payload: Uint8Array, flags = 0): Promise<OpResult> {
    return this.#ask(() => this.#parts.calls.upload(name, payload, flags));
  }

  get(name: string): Promise<GetResult> {
    return this.#call(() => this.#parts.calls.get(name), NO_ANSWER);
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.#call(() => this.#parts.calls.list(request), NO_ANSWER);
  }

  /** Schedules the action and waits until it settles. `get` has its result. */
  async action(name: string, action: ActionName, options: ActionOptions = {}): Promise<OpResult> {
    const result = await this.#ask(() => this.#parts.calls.action(name, action, options));
    if (result.kind === 'answered' && result.rc === 0) {
      await this.#call(() => this.#settled(name, (options.timeout ?? 0) / 1e6), undefined);
    }
    return result;
  }

  async #settled(name: string, timeoutMs: number): Promise<void> {
    const end = performance.now() + 2 * timeoutMs;
    for (let look = 0; look < LOOKS || performance.now() < end; look++) {
      const got = await this.#parts.calls.get(name);
      if (got.kind !== 'found' || got.statusRc !== -ERRNO.EAGAIN) break;
      await sleep(LOOK_MS);
    }
    if (this.host.smp > 1) await sleep(OTHER_CPU_MS);
  }

  /** Returns new lines; of a dead host, the lines before the panic screen. */
  async takeConsole(): Promise<readonly string[]> {
    const { machine, ring } = this.#parts;
    const lines = machine.down === undefined ? await this.#call(() => ring.take(), []) : [];
    if (typeof lines === 'number') throw new XspliceError('EHOST', `cannot read the console ring: errno ${-lines}`);
    machine.serial.skip(lines.length);
    this.#findPanic();
    const all = [...lines, ...this.#lastLines];
    this.#lastLines = [];
    return all;
  }

  async panic(): Promise<HostPanic | null> {
    this.#findPanic();
    return this.#panic ?? null;
  }

  /** Presses the console key `x`: `takeConsole` then returns the state of all payloads. */
  async dump(): Promise<void> {
    const result = await this.press('x');
    if (result.kind === 'no-answer' || result.rc >= 0) return;
    throw new XspliceError('EHOST', `cannot send a console key to the hypervisor: errno ${-result.rc}`);
  }

  /** Presses keys of the serial console. */
  press(keys: string): Promise<OpResult> {
    return this.#ask(() => this.#parts.ring.press(keys));
  }

  /** Returns hypervisor memory as CPU 0 sees it; `null` if not all of it is mapped. At most 16 MiB. */
  peek(address: Address, length: number): Promise<Uint8Array | null> {
    return this.#call(() => this.#parts.memory.read(address, length), null);
  }

  /**
   * Makes any hypercall, as dom0's kernel would. Everything the arguments point to must be in the arena, which also receives the
   * output.
   */
  hypercall(arena: GuestArena, number: number, args: readonly bigint[]): Promise<OpResult> {
    return this.#ask(() => this.#parts.machine.agent.hypercall(arena, number, args));
  }

  async rawSysctl(encode: (place: PlaceBytes) => Uint8Array): Promise<RawResult | NoAnswer> {
    const arena = new GuestArena();
    const handle = arena.placeOutput(encode((bytes) => arena.placeOutput(bytes)));
    const answer = await this.hypercall(arena, HYPERVISOR_SYSCTL, [handle]);
    const read = (address: Address): Uint8Array => arena.output(address);
    return answer.kind === 'no-answer' ? answer : { ...answer, sysctl: read(handle), read };
  }

  versionString(which: VersionString): Promise<string | null> {
    return this.#call(() => versionString(this.#parts.machine, which), null);
  }

  /** Returns QEMU's process id. */
  get pid(): number | undefined {
    return this.#parts.machine.pid;
  }

  /** Ends the host. No process and no file remains. */
  async close(): Promise<void> {
    await this.#parts.machine.end();
    if (!this.#closed) this.#parts.close();
    this.#closed = true;
  }

  /** Makes a call that returns a number. */
  #ask(make: () => Promise<number>): Promise<OpResult> {
    return this.#call(async () => ({ kind: 'answered', rc: await make() }) as const, NO_ANSWER);
  }

  /** Makes a call; returns `otherwise` if the host dies in it. */
  async #call<T, U>(make: () => Promise<T>, otherwise: U): Promise<T | U> {
    const { machine, callTimeout } = this.#parts;
    if (machine.down !== undefined) {
      throw environmentFailure(machine.down) ?? new XspliceError('EHOST', 'the host is down');
    }
    try {
      return await machine.within(callTimeout, make());
    } catch (error) {
      if (!(error instanceof MachineDown)) throw error;
      const failure = environmentFailure(error.down);
      if (failure !== undefined) throw failure;
      // Until the process ends, its last words may still arrive.
      await machine.end();
      return otherwise;
    }
  }

  #findPanic(): void {
    const { machine } = this.#parts;
    if (machine.down === undefined || this.#panic !== undefined) return;
    const otherwise = describe(machine.down);
    if (otherwise === undefined) return;
    const { panic, before } = parsePanic(machine.serial.xen, otherwise);
    this.#panic = panic;
    this.#lastLines = before;
  }
}

/** Describes the end of a host without a screen; `undefined` if the host did not cause it. */
function describe(down: Down): string | undefined {
  switch (down.kind) {
    case 'died':
      return down.why === 'flood' ? 'the hypervisor prints without end' : 'the host is down';
    case 'reset':
      return 'reset: the machine was reset without a panic message';
    case 'silent':
      return `no answer: the host was silent for ${Math.round(down.ms / 1000)} seconds`;
    case 'qemu':
    case 'ended':
      return undefined;
  }
}

/** Maximum length of a version string: xen_changeset_info_t. Source: xen/include/public/version.h. */
const VERSION_STRING = 1024;

/** Source: xen/include/public/version.h, XENVER_*. */
const VERSION_COMMANDS: Readonly<Record<VersionString, bigint>> = { extra: 1n, changeset: 4n };

/** Makes the xen_version hypercall that returns this string. */
export async function versionString({ agent }: Machine, which: VersionString): Promise<string> {
  const arena = new GuestArena();
  const buffer = arena.placeOutput(VERSION_STRING);
  await agent.hypercall(arena, HYPERVISOR_XEN_VERSION, [VERSION_COMMANDS[which], buffer]);
  return latin1(arena.output(buffer)).replace(/\0.*/s, '');
}
