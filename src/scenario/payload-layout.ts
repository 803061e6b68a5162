import { viewOf, XspliceError } from '../base/index.ts';
import { livepatchFunc, type Release } from '../xen/index.ts';

/**
 * Where hooks find what they read and write of `struct payload`, which every release lays out anew: four words of 32 bits, in a section of that name
 * which a payload may have. In bytes: the offset of the pointer to the functions' states, the distance of one state from the next, the offset of
 * the byte that says whether a function is applied, and the offset of the number of functions.
 */
export const PAYLOAD_LAYOUT_SECTION = '.rodata.payload_layout';

const WORDS = 4;

/** `funcs` of `struct payload`, in every release that gives it to hooks. Source: xen/include/xen/livepatch_payload.h, read on a real 4.17.7. */
const FUNCS = 104;
const POINTER = 8;
/** `struct livepatch_fstate`: patch_offset, applied, 31 bytes of instructions. Source: 82182ad7b4; read on a real 4.17.7. */
const FSTATE_SIZE = 40;
const FSTATE_APPLIED = 4;

/** What the section has to hold under a release. Throws an XspliceError (EFILE) where it is too small. */
export function payloadLayout(release: Release, data: Uint8Array): Uint8Array {
  if (data.length < 4 * WORDS) {
    throw new XspliceError('EFILE', `${PAYLOAD_LAYOUT_SECTION} has ${data.length} bytes, and ${4 * WORDS} are needed`);
  }
  const filled = data.slice();
  const view = viewOf(filled);
  wordsOf(release).forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return filled;
}

function wordsOf(release: Release): readonly number[] {
  const { size, at } = livepatchFunc(release.funcLayout, 8);
  // Version 1 has neither the state nor hooks that could ask for it.
  if (release.stateInPayload) return [FUNCS, size, at.applied ?? 0, FUNCS + POINTER];
  return [FUNCS + POINTER, FSTATE_SIZE, FSTATE_APPLIED, FUNCS + 2 * POINTER];
}
