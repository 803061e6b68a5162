import type { Draft } from './draft.ts';
import { described, type MutationRule } from './rule.ts';

/** Rules on the file as a whole. */

function truncate(draft: Draft): string | undefined {
  const { random, elf, bytes } = draft;
  const { offset, size } = draft.section();
  const length = random.pick([
    bytes.length - 1,
    offset,
    offset + size,
    random.below(bytes.length),
    63,
    64,
    Number(draft.get(elf.ehdr('e_shoff'))),
  ]);
  if (!Number.isSafeInteger(length) || length <= 0 || length >= bytes.length) return undefined;
  draft.bytes = bytes.slice(0, length);
  return `cut off at ${length} of ${bytes.length} bytes`;
}

function grow(draft: Draft): string {
  const { bytes, random } = draft;
  const more = random.pick([1, 8, 64, 4096]);
  const grown = new Uint8Array(bytes.length + more).fill(random.pick([0, 0xff]), bytes.length);
  grown.set(bytes);
  draft.bytes = grown;
  return `${more} bytes appended`;
}

function flip(draft: Draft): string | undefined {
  const at = draft.random.below(draft.bytes.length);
  const place = { at, width: 1 };
  return described(`byte ${at}`, draft.set(place, draft.get(place) ^ BigInt(1 << draft.random.below(8))));
}

/** Eight bytes from one place at another. */
function splice(draft: Draft): string | undefined {
  const { random, bytes } = draft;
  const from = 8 * random.below(Math.floor(bytes.length / 8));
  const to = 8 * random.below(Math.floor(bytes.length / 8));
  if (from === to || to + 8 > bytes.length) return undefined;
  bytes.set(bytes.slice(from, from + 8), to);
  return `the 8 bytes at ${from} at ${to}, too`;
}

export const FILE_RULES: readonly MutationRule[] = [
  { name: 'file.truncate', mutate: truncate },
  { name: 'file.grow', mutate: grow },
  { name: 'file.flip', mutate: flip },
  { name: 'file.splice', mutate: splice },
];
