import { type Architecture, structPayloadOf } from '../arch/index.ts';
import { viewOf, XspliceError } from '../base/index.ts';
import { LIVEPATCH_FSTATE, livepatchFunc, offsetIn, type Release } from '../xen/index.ts';

/**
 * Optional section of a payload that tells its hooks the layout of `struct payload`, which differs between releases. Four words of 32 bits, all in bytes:
 * the offset of the pointer to the functions' states, the size of one state, the offset of its `applied` byte, and the offset of `nfuncs`.
 */
export const PAYLOAD_LAYOUT_SECTION = '.rodata.payload_layout';

const WORDS = 4;

/** Returns the section's contents for a release. Throws an XspliceError (EFILE) if the section is too small. */
export function payloadLayout(release: Release, arch: Architecture, data: Uint8Array): Uint8Array {
  if (data.length < 4 * WORDS) {
    throw new XspliceError('EFILE', `${PAYLOAD_LAYOUT_SECTION} has ${data.length} bytes, but needs ${4 * WORDS}`);
  }
  const filled = data.slice();
  const view = viewOf(filled);
  wordsOf(release, arch).forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return filled;
}

function wordsOf(release: Release, arch: Architecture): readonly number[] {
  const payload = structPayloadOf(arch, release);
  const nfuncs = offsetIn(payload, 'nfuncs');
  if (!release.stateInPayload) {
    return [offsetIn(payload, 'fstate'), LIVEPATCH_FSTATE.size, offsetIn(LIVEPATCH_FSTATE, 'applied'), nfuncs];
  }
  const { size, at } = livepatchFunc(release.funcLayout, arch.elf.pointerSize);
  // Version 1 has neither states nor hooks that could read them.
  return [offsetIn(payload, 'funcs'), size, at.applied ?? 0, nfuncs];
}
