import type { RehearsalReport } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { observedStage, rehearseOn } from '../run/index.ts';
import { startQemu } from '../targets/index.ts';
import type { QemuRehearsalOptions } from './engine.ts';
import { interruptible } from './interruptible.ts';
import { imageOf, qemuOptions } from './qemu-host.ts';

/** Boots a real hypervisor, or restores its snapshot, and takes the payloads through their life on it. */
export const rehearseOnQemu = (
  payloads: readonly PayloadInput[],
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
