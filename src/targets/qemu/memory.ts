import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, assert } from '../../base/index.ts';
import type { Machine } from './machine.ts';

/** Most bytes of one look. */
const LIMIT = 16 << 20;
/** How often to look for a moment in which the page tables have all of the hypervisor, and how long to wait between. */
const MOMENTS = 200;
const MOMENT_MS = 3;

/** Looks at the hypervisor's memory from outside: nothing in the guest takes part. */
export class MemoryReader {
  readonly #machine: Machine;
  readonly #folder: string;
  readonly #probe: Address | undefined;

  /** `folder` is for the file through which QEMU hands out memory; `probe` as in `Images`. */
  constructor(machine: Machine, folder: string, probe: Address | undefined) {
    this.#machine = machine;
    this.#folder = folder;
    this.#probe = probe;
  }

  /**
   * The bytes at a virtual address of the hypervisor, or `null` where not all of them are mapped. The machine stands still
   * meanwhile. With XPTI, the page tables of a CPU in dom0's user mode have next to nothing of the hypervisor: then this
   * waits for another moment, which the probe tells.
   */
  async read(address: Address, length: number): Promise<Uint8Array | null> {
    assert(length > 0 && length <= LIMIT, `a look at memory takes 1 to ${LIMIT} bytes, not ${length}`);
    const { qmp } = this.#machine;
    for (let moment = 1; ; moment++) {
      await qmp.execute('stop');
      try {
        const good = moment === MOMENTS || this.#probe === undefined || (await this.#save(this.#probe, 1)) !== null;
        if (good) return await this.#save(address, length);
      } finally {
        if (this.#machine.down === undefined) await qmp.execute('cont');
      }
      await sleep(MOMENT_MS);
    }
  }

  async #save(address: Address, size: number): Promise<Uint8Array | null> {
    const file = join(this.#folder, 'memory');
    // `val` is signed, and beyond what a JavaScript number holds.
    const val = BigInt.asIntN(64, address);
    const args = `{"val":${val},"size":${size},"filename":${JSON.stringify(file)},"cpu-index":0}`;
    const result = await this.#machine.qmp.attempt('memsave', args);
    try {
      return 'why' in result ? null : new Uint8Array(readFileSync(file));
    } finally {
      rmSync(file, { force: true });
    }
  }
}
