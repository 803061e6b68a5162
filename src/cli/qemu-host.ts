import { readFileSync } from 'node:fs';
import { XspliceError } from '../base/index.ts';
import type { XenIdentity } from '../documents/index.ts';
import { type Image, openImage } from '../hypervisor/index.ts';
import type { QemuOptions, QemuTarget } from '../targets/index.ts';
import type { XenArch } from '../xen/index.ts';
import { PORTS } from './ports.ts';

/** Command line options of a real host in QEMU. */
export interface QemuHostOptions {
  readonly arch?: XenArch | undefined;
  readonly xenImage?: string | undefined;
  readonly xenSyms?: string | undefined;
  readonly cpus?: number | undefined;
  readonly loglvl?: string | undefined;
  /** Time limit for the boot, in seconds. */
  readonly bootTimeout?: number | undefined;
  readonly progress?: ((doing: string) => void) | undefined;
}

/** Converts them to the options of `targets/`. */
export function qemuOptions(options: QemuHostOptions, signal: AbortSignal): QemuOptions {
  const { arch, xenImage, xenSyms, cpus, loglvl, bootTimeout, progress } = options;
  return {
    ...(arch !== undefined && { arch }),
    ...(xenImage !== undefined && { xenImage }),
    ...(xenSyms !== undefined && { xenSyms }),
    ...(cpus !== undefined && { smp: cpus }),
    ...(loglvl !== undefined && { loglvl }),
    ...(bootTimeout !== undefined && { timeout: bootTimeout * 1000 }),
    progress: ({ phase, text }) => progress?.(`${phase} ${text}`),
    signal,
  };
}

/** Opens the image of a running host. Throws an XspliceError (EIMAGE) if its `xen-syms` is unknown. */
export function imageOf({ host }: QemuTarget): { readonly image: Image; readonly identity: XenIdentity } {
  const { xenSyms, version, buildId } = host;
  if (xenSyms === null) {
    throw new XspliceError('EIMAGE', 'no xen-syms for this hypervisor', 'give it with --xen');
  }
  const image = openImage(new Uint8Array(readFileSync(xenSyms)), { file: xenSyms, gunzip: PORTS.gunzip });
  return { image, identity: { release: version, buildId, arch: image.arch.name } };
}
