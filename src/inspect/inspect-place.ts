import { hexAddress } from '../base/index.ts';
import type { DocumentPlace } from '../documents/index.ts';
import type { PayloadFile as LivepatchFile, PayloadPointer } from '../payload/index.ts';

/** Formats an offset: `+0x10`, `-0x4`; empty for 0. */
export function distanceText(distance: bigint): string {
  if (distance === 0n) return '';
  return distance < 0n ? `-0x${(-distance).toString(16)}` : `+0x${distance.toString(16)}`;
}

/** Returns the target of a pointer of the payload, as far as the file determines it. */
export function placeOf(payload: LivepatchFile, pointer: PayloadPointer): DocumentPlace {
  switch (pointer.kind) {
    case 'null':
      return { address: '0x0' };
    case 'absolute':
      return { address: hexAddress(pointer.address) };
    case 'undefined':
      return { symbol: pointer.symbol + distanceText(pointer.addend) };
    case 'section': {
      const section = payload.elf.sections[pointer.section]?.name ?? '';
      const distance = pointer.distance === 0 ? '' : `+0x${pointer.distance.toString(16)}`;
      return {
        section,
        ...(Number.isSafeInteger(pointer.offset) ? { offset: pointer.offset } : {}),
        ...(pointer.symbol === undefined ? {} : { symbol: pointer.symbol + distance }),
      };
    }
  }
}
