import { targetText } from './code-lines.ts';
import type { Comparator } from './compare.ts';
import { bytesOf, type Piece } from './piece.ts';

/** Most bytes of a variable that are told as a number. */
const NUMBER = 8;

/**
 * What has changed in the initial value of a variable, behind words that say that it has: `: it is 6, and was 5`, ` at +0x8: it points to "b", and
 * pointed to "a"`.
 */
export function valueChange(comparator: Comparator, before: Piece, after: Piece): string {
  const old = new Map(comparator.orig.references(before).map((reference) => [reference.offset, reference]));
  const now = new Map(comparator.patched.references(after).map((reference) => [reference.offset, reference]));
  for (const offset of [...new Set([...old.keys(), ...now.keys()])].sort((a, b) => a - b)) {
    const [was, is] = [old.get(offset), now.get(offset)];
    if (was !== undefined && is !== undefined && comparator.sameReference(was, is)) continue;
    const to = is === undefined ? 'nowhere' : targetText(is.target);
    const from = was === undefined ? 'nowhere' : targetText(was.target);
    return `${placeText(offset, after)}: it points to ${to} instead of ${from}`;
  }
  const size = after.end - after.start;
  const [was, is] = [bytesOf(before), bytesOf(after)];
  for (let at = 0; at < size; at++) {
    if ((was[at] ?? 0) === (is[at] ?? 0)) continue;
    return size > NUMBER ? placeText(at, after) : `: ${numberText(is, size)} instead of ${numberText(was, size)}`;
  }
  return '';
}

const placeText = (offset: number, { start, end }: Piece): string =>
  end - start > NUMBER ? ` at +0x${offset.toString(16)}` : '';

/** Little-endian; what may be negative, or an address, with all its digits. */
function numberText(bytes: Uint8Array, size: number): string {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value >> BigInt(8 * size - 1) === 0n ? String(value) : `0x${value.toString(16)}`;
}
