import { readFileSync } from 'node:fs';
import { XspliceError } from '../base/index.ts';
import { openImage } from '../hypervisor/index.ts';
import { observedStage, type PayloadFile, type RehearsalReport, rehearseOn } from '../scenario/index.ts';
import { startQemu } from '../targets/index.ts';
import type { QemuRehearsalOptions } from './engine.ts';
import { gunzip } from './gunzip.ts';

/** Boots a real hypervisor, or restores its snapshot, and takes the payloads through their life on it. */
export async function rehearseOnQemu(
  payloads: readonly PayloadFile[],
  options: QemuRehearsalOptions,
): Promise<RehearsalReport> {
  const { arch, xenImage, xenSyms, cpus, loglvl, bootTimeout, progress } = options;
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const target = await startQemu({
      ...(arch !== undefined && { arch }),
      ...(xenImage !== undefined && { xenImage }),
      ...(xenSyms !== undefined && { xenSyms }),
      ...(cpus !== undefined && { smp: cpus }),
      ...(loglvl !== undefined && { loglvl }),
      ...(bootTimeout !== undefined && { timeout: bootTimeout * 1000 }),
      progress: ({ phase, text }) => progress?.(`${phase} ${text}`),
      signal: interrupted.signal,
    });
    try {
      const syms = target.host.xenSyms;
      if (syms === null) {
        throw new XspliceError('EIMAGE', 'no xen-syms belongs to this hypervisor', 'name it with --xen');
      }
      const image = openImage(new Uint8Array(readFileSync(syms)), { file: syms, gunzip });
      const { version, buildId } = target.host;
      const identity = { release: version, buildId, arch: image.arch.name };
      return await rehearseOn(observedStage(target, image, identity, payloads), payloads, options);
    } finally {
      await target.close();
    }
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
