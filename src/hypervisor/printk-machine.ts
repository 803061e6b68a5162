import { guestLayout, type PrintkMachine, symbolText } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolPlace } from './symbol-text.ts';

/** Returns the hypervisor's facts for its vsnprintf: memory, symbols, and the release's rules. */
export function printkMachine(hv: Hypervisor): PrintkMachine {
  const { space } = hv.machine;
  return {
    pointerSize: hv.arch.elf.pointerSize,
    rules: hv.release.pointerFormats,
    layout: guestLayout(hv.release, hv.arch.elf.pointerSize),
    memory: {
      read: (address, length) => space.read(address, length),
      write: (address, bytes) => space.store(address, bytes),
      symbolText: (address, withOffset) => {
        const place = symbolPlace(hv, address);
        return place === undefined ? undefined : symbolText(place, withOffset);
      },
    },
  };
}
