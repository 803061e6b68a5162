import { inRange } from '../arch/index.ts';
import { type Address, s64 } from '../base/index.ts';
import type { XenNames } from './xen-names.ts';

/**
 * Tells whether a relocation of that type reaches an address of the hypervisor from where payloads are placed first. Short branches, as Arm's conditional
 * ones, do not. An address, and a type that is checked by nothing, reaches everything.
 */
export function reaches({ image, release }: XenNames, type: number, to: Address): boolean {
  const row = image.arch.relocations.get(type);
  if (row === undefined || row.relative === 'no') return true;
  return inRange(row.range, s64(to - image.vmapXen(release).start));
}
