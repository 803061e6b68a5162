import { type Architecture, structPayloadOf } from '../arch/index.ts';
import { viewOf, XspliceError } from '../base/index.ts';
import { LIVEPATCH_FSTATE, livepatchFunc, offsetIn, type Release } from '../xen/index.ts';

/**
 * Where hooks find what they read and write of `struct payload`, which every release lays out anew: four words of 32 bits, in a section of that name
 * which a payload may have. In bytes: the offset of the pointer to the functions' states, the distance of one state from the next, the offset of
 * the byte that says whether a function is applied, and the offset of the number of functions.
 */
export const PAYLOAD_LAYOUT_SECTION = '.rodata.payload_layout';

const WORDS = 4;

/** What the section has to hold under a release. Throws an XspliceError (EFILE) where it is too small. */
export function payloadLayout(release: Release, arch: Architecture, data: Uint8Array): Uint8Array {
  if (data.length < 4 * WORDS) {
    throw new XspliceError('EFILE', `${PAYLOAD_LAYOUT_SECTION} has ${data.length} bytes, and ${4 * WORDS} are needed`);
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
  // Version 1 has neither the state nor hooks that could ask for it.
  return [offsetIn(payload, 'funcs'), size, at.applied ?? 0, nfuncs];
}
