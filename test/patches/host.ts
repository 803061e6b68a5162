import type { Address } from '../../src/base/index.ts';
import { isProblem, readElf, STT_OBJECT } from '../../src/elf/index.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { OpenCpu } from '../../src/machine/index.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import type { FunctionCall } from '../../src/xen/index.ts';

/** Everything that a caller sees of a call. */
export interface Seen {
  /** As an unsigned 32-bit number; `null` where the host died. */
  readonly result: number | null;
  readonly buffer: string;
  readonly console: readonly string[];
}

/** Release whose rules the hypervisors follow. */
export const RELEASE = '4.17.7';

/** Size in bytes of the buffer that every function gets. */
export const BUFFER = 32;

/** How every line begins that the functions print. */
export const PRINTED = '* ';

/** A place in a source. A payload keeps code of which only the line has changed. */
const LINE = /\.c:\d+/g;

/** A hypervisor on which functions are called; a new one takes its place when it has died. */
export class CallHost {
  readonly simulation: Simulation;
  readonly #variables = new Map<string, { readonly address: Address; readonly size: number }>();
  #target: SimulatedTarget | undefined;

  /** @param variables says which of the hypervisor's variables {@link peek} and {@link poke} shall know. */
  constructor(bytes: Uint8Array, openCpu: OpenCpu, variables: RegExp) {
    this.simulation = openSimulation(bytes, { release: RELEASE, openCpu });
    const elf = readElf(bytes);
    if (isProblem(elf)) throw new Error(elf.message);
    const { symbols } = elf;
    for (let i = 0; i < symbols.count; i++) {
      // The compiler adds a number to names of blocks' variables.
      const name = symbols.name(i).replace(/\.\d+$/, '');
      if (symbols.type(i) !== STT_OBJECT || !variables.test(name)) continue;
      this.#variables.set(name, { address: symbols.value(i), size: symbols.size(i) });
    }
  }

  get target(): SimulatedTarget {
    this.#target ??= this.simulation.boot();
    return this.#target;
  }

  /** Makes a call, and notes what it did. */
  async call(request: FunctionCall): Promise<Seen> {
    const { target } = this;
    const { result, buffers } = target.callNow(request);
    const console = readable(await target.takeConsole());
    const panic = await target.panic();
    if (panic !== null) {
      console.push(panic.message);
      await this.reboot();
    }
    return {
      result: result === null ? null : Number(BigInt.asUintN(32, result)),
      buffer: buffers.map((bytes) => Buffer.from(bytes).toString('hex')).join(' '),
      console,
    };
  }

  async calls(requests: readonly FunctionCall[]): Promise<Seen[]> {
    const seen: Seen[] = [];
    for (const request of requests) seen.push(await this.call(request));
    return seen;
  }

  /** Returns the bytes of the variable, or `undefined` where the compiler has made none of it. */
  peek(name: string): Uint8Array | undefined {
    const found = this.#variables.get(name);
    return found === undefined ? undefined : this.target.hypervisor.machine.space.read(found.address, found.size);
  }

  /** Sets a variable, if the compiler has made one of this size. */
  poke(name: string, bytes: Uint8Array | undefined): void {
    const found = this.#variables.get(name);
    if (bytes !== undefined && found?.size === bytes.length) {
      this.target.hypervisor.machine.space.write(found.address, bytes);
    }
  }

  /** Throws the host away; the next call is made on a freshly booted one. */
  async reboot(): Promise<void> {
    await this.#target?.close();
    this.#target = undefined;
  }
}

/** Returns what the functions printed, and the first line of each warning: what follows it shows addresses. */
function readable(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => line.startsWith(PRINTED) || line.startsWith('Xen WARN'));
  return kept.map((line) => line.replace(LINE, '.c:LINE'));
}
