import type { Address } from '../../base/index.ts';
import { viewOf } from '../../base/index.ts';
import { branchOffset } from './branch.ts';

/** Immediate of MOVW and MOVT. Source: ARM DDI 0406C, A8.8.102 and A8.8.106. */
const immediate = (word: number): number => ((word >>> 4) & 0xf000) | (word & 0xfff);

/** Returns the places that branches, MOVW/MOVT pairs and literal words refer to. Branches count from two instructions ahead. */
export function* operands(code: Uint8Array, at: Address): Generator<number, void, void> {
  const view = viewOf(code);
  const origin = Number(at);
  /** Immediates of MOVW, by register. */
  const low = new Map<number, number>();
  for (let offset = 0; offset + 4 <= code.length; offset += 4) {
    const word = view.getUint32(offset, true);
    const branch = branchOffset(word);
    if (branch !== undefined) yield offset + 8 + branch;
    const register = (word >>> 12) & 0xf;
    if ((word & 0x0ff0_0000) >>> 0 === 0x0300_0000) low.set(register, immediate(word));
    const half = low.get(register);
    if ((word & 0x0ff0_0000) >>> 0 === 0x0340_0000 && half !== undefined) {
      yield immediate(word) * 0x1_0000 + half - origin;
    }
    yield word - origin;
  }
}
