import { fstatSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, assert } from '../../base/index.ts';
import { type Machine, SCRATCH_FD } from './machine.ts';

/** Most bytes of one look. */
const LIMIT = 16 << 20;
/** How often to look for a moment in which the page tables have all of the hypervisor, and how long to wait between. */
const MOMENTS = 200;
const MOMENT_MS = 3;

/** Those of CPU 0. */
const REGISTERS = JSON.stringify({ 'command-line': 'info registers' });

/** Looks at the hypervisor's memory from outside: nothing in the guest takes part. */
export class MemoryReader {
  readonly #machine: Machine;
  readonly #scratch: number;
  readonly #probe: Address | undefined;
  readonly #inHypervisor: RegExp | null;

  /**
   * `scratch` is our descriptor of the file through which QEMU hands out memory; `probe` as in `Images`, `inHypervisor` as in
   * `Platform`.
   */
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
   * The bytes at a virtual address of the hypervisor, or `null` where not all of them are mapped. The machine stands still
   * meanwhile. With XPTI, the page tables of a CPU in dom0's user mode have next to nothing of the hypervisor: then this
   * waits for another moment, which the probe tells. On Arm a guest has page tables of its own: then this waits until the CPU
   * is in the hypervisor, as it is while dom0 has nothing to do.
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
    // `val` is signed, and beyond what a JavaScript number holds.
    const val = BigInt.asIntN(64, address);
    const args = `{"val":${val},"size":${size},"filename":"/dev/fd/${SCRATCH_FD}","cpu-index":0}`;
    const result = await this.#machine.qmp.attempt('memsave', args);
    if ('why' in result) return null;
    // QEMU opens the file anew, and so begins with an empty one each time.
    if (fstatSync(this.#scratch).size !== size) return null;
    const bytes = new Uint8Array(size);
    readSync(this.#scratch, bytes, 0, size, 0);
    return bytes;
  }
}
