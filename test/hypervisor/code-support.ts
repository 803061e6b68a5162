import { readFileSync } from 'node:fs';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { openSimulation, type SimulationOptions } from '../../src/run/index.ts';
import { buildPayload, type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { type HostPanic, LIVEPATCH_ACTION_APPLY_NODEPS } from '../../src/xen/index.ts';
import { openCpu } from '../run/xen.ts';
import { actionNow, uploadNow } from '../support/answers.ts';
import { debianXen } from '../support/debian-xen.ts';

const xenSyms = new Uint8Array(readFileSync(debianXen().xenSyms));

/** A simulated host of Debian's Xen that runs code, and a builder of payloads for it. */
export class CodeHost {
  readonly target: SimulatedTarget;
  readonly #build: (spec: PayloadSpec) => Uint8Array;

  constructor(options: SimulationOptions = {}) {
    const simulation = openSimulation(xenSyms, { cpu: 'qemu-max', gunzip, openCpu, ...options });
    this.target = simulation.boot();
    const xen = xenFacts(simulation.image, simulation.release);
    this.#build = (spec) => buildPayload(spec, { xen });
  }

  /** Console lines since the last call. */
  lines(): string[] {
    return this.target.hypervisor.machine.console.take();
  }

  upload(name: string, spec: PayloadSpec): number | null {
    return uploadNow(this.target, name, this.#build(spec));
  }

  apply(name: string): number | null {
    return actionNow(this.target, name, 'apply', { flags: LIVEPATCH_ACTION_APPLY_NODEPS });
  }

  revert(name: string): number | null {
    return actionNow(this.target, name, 'revert');
  }

  get panic(): HostPanic | null {
    return this.target.hypervisor.stopped?.panic ?? null;
  }

  symbol(name: string): bigint {
    return this.target.hypervisor.symbols.byName(name);
  }
}
