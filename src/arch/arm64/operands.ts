import type { Address } from '../../base/index.ts';
import { viewOf } from '../../base/index.ts';
import { branchOffset } from './branch.ts';

const PAGE = 0x1000;
const bits = (word: number, shift: number, count: number): number => (word >>> shift) & (2 ** count - 1);

/** Immediate of ADR and ADRP. Source: ARM DDI 0487, C6.2.10 and C6.2.11. */
const adrImmediate = (word: number): number => (((bits(word, 5, 19) << 2) | bits(word, 29, 2)) << 11) >> 11;

/** ADD (immediate), 64 bits, without a shift. Source: ARM DDI 0487, C6.2.4. */
const isAdd = (word: number): boolean => (word & 0xffc0_0000) >>> 0 === 0x9100_0000;

/** Returns the immediate that an ADD, load or store adds to its base; `undefined` for other instructions. Source: ARM DDI 0487, C4.1. */
function addedTo(word: number): number | undefined {
  if (isAdd(word)) return bits(word, 10, 12);
  // LDR, STR (unsigned immediate) of general and vector registers.
  if ((word & 0x3b00_0000) >>> 0 !== 0x3900_0000) return undefined;
  // 128 bits: a vector register whose size field says byte.
  const scale = (word & 0x0480_0000) >>> 0 === 0x0480_0000 && word >>> 30 === 0 ? 4 : word >>> 30;
  return bits(word, 10, 12) << scale;
}

/**
 * Returns the places that branches, ADR, and ADRP with a page offset refer to. Ignores control flow: a register keeps its page until the next
 * ADR or ADRP into it.
 */
export function* operands(code: Uint8Array, at: Address): Generator<number, void, void> {
  const view = viewOf(code);
  const pageOffset = Number(at & BigInt(PAGE - 1));
  /** The place that each register points to, in bytes from the start of the code. */
  const pointsTo = new Map<number, number>();
  for (let offset = 0; offset + 4 <= code.length; offset += 4) {
    const word = view.getUint32(offset, true);
    const branch = branchOffset(word);
    if (branch !== undefined) {
      yield offset + branch;
      continue;
    }
    // ADR and ADRP.
    if ((word & 0x1f00_0000) >>> 0 === 0x1000_0000) {
      const page = word >>> 31 === 1;
      const place = page
        ? Math.floor((offset + pageOffset) / PAGE) * PAGE - pageOffset + adrImmediate(word) * PAGE
        : offset + adrImmediate(word);
      pointsTo.set(bits(word, 0, 5), place);
      yield place;
      continue;
    }
    const base = pointsTo.get(bits(word, 5, 5));
    const added = base === undefined ? undefined : addedTo(word);
    if (base === undefined || added === undefined) continue;
    yield base + added;
    // Later instructions may add to the result of `add x0, x0, #lo12`.
    if (isAdd(word)) pointsTo.set(bits(word, 0, 5), base + added);
  }
}
