import { observedStage, type PayloadFile, type RehearsalReport, rehearseOn } from '../scenario/index.ts';
import { startQemu } from '../targets/index.ts';
import type { QemuRehearsalOptions } from './engine.ts';
import { interruptible } from './interruptible.ts';
import { imageOf, qemuOptions } from './qemu-host.ts';

/** Boots a real hypervisor, or restores its snapshot, and takes the payloads through their life on it. */
export const rehearseOnQemu = (
  payloads: readonly PayloadFile[],
  options: QemuRehearsalOptions,
): Promise<RehearsalReport> =>
  interruptible(async (signal) => {
    const target = await startQemu(qemuOptions(options, signal));
    try {
      const { image, identity } = imageOf(target);
      return await rehearseOn(observedStage(target, image, identity, payloads), payloads, options);
    } finally {
      await target.close();
    }
  });
