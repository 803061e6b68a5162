import { fstatSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, assert } from '../../base/index.ts';
import { type Machine, SCRATCH_FD } from './machine.ts';

/** Maximum bytes per read. */
const LIMIT = 16 << 20;
/** Attempts to catch page tables that map all of the hypervisor, and the wait between them. */
const MOMENTS = 200;
const MOMENT_MS = 3;

/** Arguments that show the registers of CPU 0. */
const REGISTERS = JSON.stringify({ 'command-line': 'info registers' });

/** Reads the hypervisor's memory from outside, without the guest. */
export class MemoryReader {
  readonly #machine: Machine;
  readonly #scratch: number;
  readonly #probe: Address | undefined;
  readonly #inHypervisor: RegExp | null;

  /** `scratch` is our descriptor of the file that QEMU dumps memory to. `probe` as in `Images`, `inHypervisor` as in `Platform`. */
  constructor(
    machine: Machine,
    scratch: number,
    { probe, inHypervisor }: { readonly probe: Address | undefined; readonly inHypervisor: RegExp | null },
  ) {
    this.#machine = machine;
    this.#scratch = scratch;
    this.#probe = probe;
    this.#inHypervisor = inHypervisor;
  }

  /**
   * Returns the bytes at a virtual address of the hypervisor, or `null` if not all of them are mapped. The machine is paused
   * meanwhile. With XPTI, the page tables of a CPU in dom0's user mode map little of the hypervisor: then this retries until the
   * probe is mapped. On Arm a guest has its own page tables: then this retries until the CPU is in the hypervisor, where it is
   * whenever dom0 is idle.
   */
  async read(address: Address, length: number): Promise<Uint8Array | null> {
    assert(length > 0 && length <= LIMIT, `a look at memory takes 1 to ${LIMIT} bytes, not ${length}`);
    const { qmp } = this.#machine;
    for (let moment = 1; ; moment++) {
      await qmp.execute('stop');
      try {
        if (await this.#goodMoment()) return await this.#save(address, length);
        if (moment === MOMENTS) return this.#inHypervisor === null ? await this.#save(address, length) : null;
      } finally {
        if (this.#machine.down === undefined) await qmp.execute('cont');
      }
      await sleep(MOMENT_MS);
    }
  }

  async #goodMoment(): Promise<boolean> {
    const mode = this.#inHypervisor;
    if (mode !== null) {
      const registers = await this.#machine.qmp.execute('human-monitor-command', REGISTERS);
      if (typeof registers !== 'string' || !mode.test(registers)) return false;
    }
    return this.#probe === undefined || (await this.#save(this.#probe, 1)) !== null;
  }

  async #save(address: Address, size: number): Promise<Uint8Array | null> {
    // `val` is signed, and beyond a JavaScript number.
    const val = BigInt.asIntN(64, address);
    const args = `{"val":${val},"size":${size},"filename":"/dev/fd/${SCRATCH_FD}","cpu-index":0}`;
    const result = await this.#machine.qmp.attempt('memsave', args);
    if ('why' in result) return null;
    // QEMU reopens and truncates the file each time.
    if (fstatSync(this.#scratch).size !== size) return null;
    const bytes = new Uint8Array(size);
    readSync(this.#scratch, bytes, 0, size, 0);
    return bytes;
  }
}
