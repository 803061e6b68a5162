import type { Processor } from '../arch/index.ts';
import { hex, XspliceError } from '../base/index.ts';
import type { XenIdentity } from '../documents/index.ts';
import { type BootOptions, boot, type Image, openImage, SimulatedTarget } from '../hypervisor/index.ts';
import type { CpuOptions } from '../machine/index.ts';
import { parseLogLevel } from '../machine/index.ts';
import { branchFrom, RELEASES, type Release, releaseByVersion } from '../xen/index.ts';
import type { SimulationOptions } from './options.ts';

/** An image, and the settings with which hosts boot from it. */
export interface Simulation {
  readonly image: Image;
  readonly release: Release;
  readonly processor: Processor;
  readonly identity: XenIdentity;
  /** What the image does not say, and what is assumed instead. */
  readonly assumed: readonly string[];
  /** Boots a fresh host. */
  boot(host?: Pick<BootOptions, 'uploadBuffer' | 'cacheFaults'>): SimulatedTarget;
}

/**
 * Opens an image and settles the options. Throws an XspliceError: EIMAGE for an invalid image, EUSAGE for options that make no sense.
 */
export function openSimulation(bytes: Uint8Array, options: SimulationOptions): Simulation {
  const { gunzip } = options;
  const image = openImage(bytes, { ...(gunzip !== undefined && { gunzip }) });
  const assumed: string[] = [];
  const release = chooseRelease(image, options.release, assumed);
  const { processors } = image.arch;
  const processor = processors.parse(options.cpu ?? processors.standard);
  if (typeof processor === 'string') {
    throw new XspliceError('EUSAGE', processor, `as in ${processors.example}`);
  }
  const { loglvl } = options;
  if (loglvl !== undefined && parseLogLevel(loglvl) === undefined) {
    throw new XspliceError(
      'EUSAGE',
      `loglvl ${loglvl} is none`,
      'as on Xen’s command line: all, debug, info, warning, error, none',
    );
  }
  if (image.config === null) {
    assumed.push('no configuration could be read from the image: taken as a release build with CET support');
  }
  if (image.buildId === null) assumed.push('the image has no build-id: no payload can name it');
  const debugBuild = options.debug ?? image.configured('CONFIG_DEBUG');
  const cpus = cpuOptions(options);
  return {
    image,
    release,
    processor,
    assumed,
    identity: {
      release: release.version,
      buildId: image.buildId === null ? null : hex(image.buildId),
      arch: image.arch.name,
    },
    boot: (host = {}) =>
      new SimulatedTarget(
        boot(image, {
          release,
          processor,
          debugBuild,
          domainsWithWaitqueue: [],
          cpus,
          ...(loglvl !== undefined && { loglvl }),
          ...(options.openCpu !== undefined && { openCpu: options.openCpu }),
          ...(options.noCpu !== undefined && { noCpu: options.noCpu }),
          ...host,
        }),
      ),
  };
}

function chooseRelease(image: Image, wanted: string | undefined, assumed: string[]): Release {
  if (wanted !== undefined) {
    const found = releaseByVersion(wanted);
    if (found === undefined) {
      const branches = [...new Set(RELEASES.map(({ version }) => version.split('.').slice(0, 2).join('.')))];
      const range = `${branches[0]} … ${branches[branches.length - 1]}`;
      throw new XspliceError(
        'EUSAGE',
        `unknown release ${wanted}`,
        `known releases: ${range} and their point releases`,
      );
    }
    if (found.assumed)
      assumed.push(`release ${wanted} is not known yet: the rules of ${found.release.version} are taken`);
    return found.release;
  }
  const found = image.release;
  if (found === undefined) {
    const says = image.version === undefined ? 'does not say its version' : `says ${image.version}`;
    throw new XspliceError('EIMAGE', `the image ${says}: no release is known for it`, 'name one with --release');
  }
  const release = withFeatures(image, found.release);
  if (found.assumed || release !== found.release) {
    assumed.push(`the image says ${image.version}: the rules of ${release.version} are taken`);
  }
  return release;
}

/**
 * Returns the release whose rules fit the image. Vendors backport patches from a stable branch before its next point release: an image with processor
 * features that its release does not know follows the first release of the branch that knows them.
 */
function withFeatures(image: Image, release: Release): Release {
  for (const later of branchFrom(release)) {
    const known = image.arch.alternatives.featureLimit(later.alternatives, -1);
    if (known >= image.arch.alternatives.featureLimit(later.alternatives, image.highestFeature)) return later;
  }
  return release;
}

/** Returns how each CPU behaves at the rendezvous. */
function cpuOptions(options: SimulationOptions): CpuOptions[] {
  const count = options.cpus ?? 1;
  const named = [...Object.keys(options.late ?? {}).map(Number), ...(options.stuck ?? [])];
  const beyond = named.find((cpu) => cpu >= count || cpu < 0);
  if (beyond !== undefined) {
    throw new XspliceError('EUSAGE', `there is no CPU ${beyond}: the host has ${count}`, 'add CPUs with --cpus');
  }
  if (named.includes(0) && count > 1) {
    const hint = 'the action runs on CPU 0: choose another one';
    throw new XspliceError('EUSAGE', 'CPU 0 cannot be late or stuck', hint);
  }
  return Array.from({ length: count }, (_, cpu): CpuOptions => {
    if (options.stuck?.includes(cpu)) return { arrivesAfter: 'never' };
    const late = options.late?.[cpu];
    return late === undefined ? {} : { arrivesAfter: late };
  });
}
