import { latin1, record, viewOf } from '../../base/index.ts';
import { XEN_SYSCTL_SIZE } from '../../xen/index.ts';
import type { AgentChannel } from './agent-channel.ts';
import { GuestArena } from './guest-arena.ts';
import { withoutPrefix } from './serial-log.ts';

/** Hypercall numbers. Source: xen/include/public/xen.h. */
export const HYPERVISOR_XEN_VERSION = 17;
export const HYPERVISOR_SYSCTL = 35;

/** Sysctls. Source: xen/include/public/sysctl.h. */
const XEN_SYSCTL_READCONSOLE = 1;
const XEN_SYSCTL_DEBUG_KEYS = 7;

const READCONSOLE = record('xen_sysctl_readconsole', {
  cmd: 'u32',
  interface_version: 'u32',
  clear: 'u8',
  incremental: 'u8',
  pad: 'u16',
  index: 'u32',
  buffer: 'u64',
  count: 'u32',
});

const DEBUG_KEYS = record('xen_sysctl_debug_keys', {
  cmd: 'u32',
  interface_version: 'u32',
  keys: 'u64',
  nr_keys: 'u32',
});

/** Bytes of the first read: what a step usually prints. */
const FIRST_CHUNK = 4096;
const CHUNK = 65_536;
/** Upper bound on reads per call. The ring has 1 MiB; anything more is printed faster than we read. */
const CHUNKS = 64;

/** Reads the hypervisor's console ring incrementally, and presses keys of its serial console. */
export class ConsoleRing {
  readonly #agent: AgentChannel;
  readonly #interfaceVersion: number;
  /** Total bytes printed so far, modulo 2^32: the position of the next read. */
  #index = 0;
  #rest = '';

  constructor(agent: AgentChannel, interfaceVersion: number) {
    this.#agent = agent;
    this.#interfaceVersion = interfaceVersion;
  }

  /** Returns the complete lines printed since the last call, without `(XEN) `, or a negated errno if the hypervisor refuses. */
  async take(): Promise<string[] | number> {
    let text = this.#rest;
    for (let i = 0; i < CHUNKS; i++) {
      const size = i === 0 ? FIRST_CHUNK : CHUNK;
      const arena = new GuestArena();
      const buffer = arena.placeOutput(size);
      const bytes = new Uint8Array(XEN_SYSCTL_SIZE);
      READCONSOLE.write(viewOf(bytes), 0, {
        cmd: XEN_SYSCTL_READCONSOLE,
        interface_version: this.#interfaceVersion,
        incremental: 1,
        index: this.#index,
        buffer,
        count: size,
      });
      const sysctl = arena.placeOutput(bytes);
      const result = await this.#agent.hypercall(arena, HYPERVISOR_SYSCTL, [sysctl]);
      if (result < 0) return result;
      const { index, count } = READCONSOLE.read(viewOf(arena.output(sysctl)), 0);
      this.#index = index;
      text += latin1(arena.output(buffer).subarray(0, count));
      if (count < size) break;
    }
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map(withoutPrefix);
  }

  /** Presses keys. Returns 0 or a negated errno. */
  async press(keys: string): Promise<number> {
    const arena = new GuestArena();
    const bytes = new Uint8Array(XEN_SYSCTL_SIZE);
    DEBUG_KEYS.write(viewOf(bytes), 0, {
      cmd: XEN_SYSCTL_DEBUG_KEYS,
      interface_version: this.#interfaceVersion,
      keys: arena.place(Uint8Array.from(keys, (key) => key.charCodeAt(0))),
      nr_keys: keys.length,
    });
    return this.#agent.hypercall(arena, HYPERVISOR_SYSCTL, [arena.placeOutput(bytes)]);
  }
}
