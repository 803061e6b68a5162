import type { Architecture } from '../arch/index.ts';
import { type Address, addOffset, equalBytes, hex, hexAddress } from '../base/index.ts';
import type { FunctionDescription } from '../hypervisor/index.ts';

/** Most bytes that a patch affects at a function's start: an ENDBR64, and 31 bytes of NOPs. */
export const LONGEST_PATCH = 4 + 31;

/** The bytes at a patched function, and whether its replacement is executable; `undefined` if that cannot be seen. */
export interface PatchedBytes {
  readonly bytes: Uint8Array | null;
  readonly executable: boolean | undefined;
}

/** Verifies that a function jumps to its replacement in executable memory, or is NOPs. Returns the problem in words, or `null`. */
export function verifyPatched(
  arch: Architecture,
  func: FunctionDescription,
  { bytes, executable }: PatchedBytes,
): string | null {
  const name = func.name ?? hexAddress(func.oldAddr);
  if (!func.applied) return `${name} is not patched`;
  if (func.length === 0) return `${name}: nothing was written: the NOPs end where the ENDBR64 does`;
  if (bytes === null) return `${name} is not mapped`;
  const place = addOffset(func.oldAddr, func.patchOffset);
  if (func.newAddr === 0n) {
    const nops = arch.nopSequences(func.length).some((sequence) => equalBytes(bytes, sequence));
    return nops ? null : `${name}: ${hex(bytes)} where NOPs should be`;
  }
  if (!equalBytes(bytes, arch.encodeJump(place, func.newAddr))) {
    return `${name}: ${hex(bytes)} does not jump to ${hexAddress(func.newAddr)}`;
  }
  if (executable === false) {
    return `${name}: its replacement at ${hexAddress(func.newAddr)} lies in memory that is not executable`;
  }
  return null;
}

/** Verifies that a function's bytes are as they were before it was patched. Returns the problem in words, or `null`. */
export function verifyRestored(oldAddr: Address, before: Uint8Array | null, now: Uint8Array | null): string | null {
  if (before === null || (now !== null && equalBytes(before, now))) return null;
  return `${hexAddress(oldAddr)} is not what it was before: ${now === null ? 'not mapped' : hex(now)}`;
}

/**
 * Verifies that the hypervisor's text is unchanged outside the patched places. Returns the first problem in words, or `null`. `start` is the address of
 * both copies of the text, and `nameAt` names the symbol at an address.
 */
export function verifyText(
  start: Address,
  before: Uint8Array,
  now: Uint8Array,
  patched: readonly FunctionDescription[],
  nameAt: (address: Address) => string | undefined,
): string | null {
  const allowed = patched.map(({ oldAddr, patchOffset, length }) => {
    const from = Number(oldAddr - start) + patchOffset;
    return { from, to: from + length };
  });
  const [change] = changes(before, now, (at) => allowed.some(({ from, to }) => at >= from && at < to));
  if (change === undefined) return null;
  const { from, to } = change;
  const at = addOffset(start, from);
  const symbol = nameAt(at);
  const place = `${hexAddress(at)}${symbol === undefined ? '' : ` (${symbol})`}`;
  return `${to - from} bytes at ${place} are not what they were: ${hex(now.subarray(from, Math.min(to, from + 16)))}`;
}

/** A range of bytes that differ. */
interface Change {
  readonly from: number;
  /** Exclusive. */
  to: number;
}

/**
 * Returns the ranges in which two arrays of equal length differ. Ranges less than four bytes apart are merged. Bytes that are `allowed` to differ are
 * in none of them.
 */
function changes(a: Uint8Array, b: Uint8Array, allowed: (at: number) => boolean): Change[] {
  const found: Change[] = [];
  const CHUNK = 4096;
  const [left, right] = [wordsOf(a), wordsOf(b)];
  for (let chunk = 0; chunk < a.length; chunk += CHUNK) {
    const end = Math.min(a.length, chunk + CHUNK);
    // A few bytes of megabytes differ: compare words first.
    let word = chunk / 4;
    while (word < end >> 2 && left[word] === right[word]) word++;
    for (let i = word * 4; i < end; i++) {
      if (a[i] === b[i] || allowed(i)) continue;
      const last = found[found.length - 1];
      if (last !== undefined && i - last.to < 4) last.to = i + 1;
      else found.push({ from: i, to: i + 1 });
    }
  }
  return found;
}

/** Views bytes as words in this machine's byte order, which is enough to compare them. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}
