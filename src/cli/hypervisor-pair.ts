import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { BootStage } from '../conform/index.ts';
import { probeUploadBuffer } from '../conform/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { Simulation } from '../run/index.ts';
import { observedStage, openSimulation, simulatedStage } from '../run/index.ts';
import { xenFacts } from '../synth/index.ts';
import { prepareQemu } from '../targets/index.ts';
import type { Release, XenArch } from '../xen/index.ts';
import { readImage } from './files.ts';
import { PORTS } from './ports.ts';

/** The same hypervisor twice: on the simulator and in QEMU. */
export interface HypervisorPair {
  readonly image: Image;
  readonly release: Release;
  /** The hypervisor's own version: `4.17.7`. */
  readonly version: string;
  /** Boots the simulated hosts. */
  readonly simulation: Simulation;
  /** Number of CPUs of both hosts. */
  readonly smp: number;
  readonly simulated: BootStage;
  readonly real: BootStage;
}

export interface HypervisorPairOptions {
  /** Architecture of both hosts; `x86_64` by default. */
  readonly arch?: XenArch;
  /** The user's own hypervisor with its `xen-syms`; Debian's by default. */
  readonly xenImage?: string;
  readonly xenSyms?: string;
  /** Time limit for booting the real host, in milliseconds, without downloads. */
  readonly timeout?: number;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  readonly progress?: (doing: string) => void;
}

/** CPU presets that match the real hosts; on x86 QEMU's `-cpu max` without SMAP. */
export const PAIR_CPUS: Readonly<Record<XenArch, string>> = {
  x86_64: 'qemu-max',
  arm64: 'cortex-a57',
  arm32: 'cortex-a15',
};

/**
 * Prepares both hosts. Throws an XspliceError: ETOOL if QEMU, a download or the boot fails, EIMAGE or EFILE for an invalid hypervisor, EUSAGE
 * if only one of `xenImage` and `xenSyms` is given.
 */
export async function openHypervisorPair(options: HypervisorPairOptions): Promise<HypervisorPair> {
  const { arch = 'x86_64', xenImage, xenSyms, cwd, timeout, progress } = options;
  if ((xenImage === undefined) !== (xenSyms === undefined)) {
    throw new XspliceError(
      'EUSAGE',
      '--xen-image and --xen-syms must be given together',
      'give both, of the same build',
    );
  }
  const hosts = await prepareQemu({
    arch,
    ...(xenImage !== undefined &&
      xenSyms !== undefined && { xenImage: resolve(cwd, xenImage), xenSyms: resolve(cwd, xenSyms) }),
    ...(timeout !== undefined && { timeout }),
    ...(progress !== undefined && { progress: ({ phase, text }) => progress(`${phase} ${text}`) }),
  });
  const first = await hosts.start();
  const { host } = first;
  await first.close();
  if (host.xenSyms === null)
    throw new XspliceError('EIMAGE', 'no xen-syms for this hypervisor', 'give it with --xen-syms');
  const simulation = openSimulation(readImage(host.xenSyms, cwd), {
    cpu: PAIR_CPUS[arch],
    cpus: host.smp,
    ...(await PORTS.loadProcessor()),
    gunzip: PORTS.gunzip,
  });
  const { image, release } = simulation;
  const identity = { ...simulation.identity, release: host.version };
  const real: BootStage = async () => observedStage(await hosts.start(), image, identity, []);
  const uploadBuffer = await probeUploadBuffer(real, xenFacts(image, release));
  return {
    image,
    release,
    version: host.version,
    simulation,
    smp: host.smp,
    real,
    simulated: async () => simulatedStage(simulation, simulation.boot({ uploadBuffer, cacheFaults: false })),
  };
}
