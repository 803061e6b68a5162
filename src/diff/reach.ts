import { type Address, s64 } from '../base/index.ts';
import type { XenNames } from './xen-names.ts';

/**
 * Does a relocation of that type reach something of the hypervisor from where payloads are placed first? Branches over short distances, as conditional ones
 * of Arm, do so within the hypervisor only. What takes a whole address, or is checked by nothing, does.
 */
export function reaches({ image, release }: XenNames, type: number, to: Address): boolean {
  const row = image.arch.relocations.get(type);
  if (row?.formula !== 'S + A - P' || row.place === undefined) return true;
  const value = s64(to - image.vmapXen(release).start);
  const { overflow, quirk } = row.place({ word: 0, value, addend: 0n });
  return !overflow && quirk === undefined;
}
