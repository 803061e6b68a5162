import { type Address, addOffset, equalBytes, hex, hexAddress } from '../base/index.ts';
import { type FunctionDescription, type Hypervisor, peek } from '../hypervisor/index.ts';

/** Bytes that a patch can take at a function's start: an ENDBR64 and 31 bytes of NOPs behind it. */
export const LONGEST_PATCH = 4 + 31;

/** The hypervisor's own text, and the bytes that functions start with, before anything is applied. */
export interface CodeSnapshot {
  readonly start: Address;
  readonly text: Uint8Array;
}

export function snapshotCode(hv: Hypervisor): CodeSnapshot {
  const { textStart, textEnd } = hv.image.core;
  return { start: textStart, text: peek(hv, textStart, Number(textEnd - textStart)) ?? new Uint8Array(0) };
}

/** One difference that {@link compareCode} has found. */
interface Change {
  readonly from: number;
  /** Exclusive. */
  to: number;
}

/**
 * Is the hypervisor's text that of the snapshot, but for the patched places? Returns what is wrong, or `null`.
 */
export function compareCode(
  hv: Hypervisor,
  before: CodeSnapshot,
  patched: readonly FunctionDescription[],
): string | null {
  // Not copied where it lies in one piece.
  const now = hv.machine.space.span(before.start, before.text.length) ?? snapshotCode(hv).text;
  const allowed = patched.map(({ oldAddr, patchOffset, length }) => {
    const from = Number(oldAddr - before.start) + patchOffset;
    return { from, to: from + length };
  });
  for (const { from, to } of changes(before.text, now)) {
    if (allowed.some((range) => from >= range.from && to <= range.to)) continue;
    const at = addOffset(before.start, from);
    const symbol = hv.symbols.at(at);
    const name = symbol === undefined ? '' : ` (${symbol.name}+0x${symbol.at.toString(16)})`;
    return `${to - from} bytes at ${hexAddress(at)}${name} are not what they were: ${hex(now.subarray(from, Math.min(to, from + 16)))}`;
  }
  return null;
}

/** Places where two arrays of equal length differ, neighbours merged. */
function changes(a: Uint8Array, b: Uint8Array): Change[] {
  const found: Change[] = [];
  const CHUNK = 4096;
  const [left, right] = [wordsOf(a), wordsOf(b)];
  for (let chunk = 0; chunk < a.length; chunk += CHUNK) {
    const end = Math.min(a.length, chunk + CHUNK);
    // Megabytes of code, of which a few bytes differ: words first.
    let word = chunk / 4;
    while (word < end >> 2 && left[word] === right[word]) word++;
    for (let i = word * 4; i < end; i++) {
      if (a[i] === b[i]) continue;
      const last = found[found.length - 1];
      if (last !== undefined && i - last.to < 4) last.to = i + 1;
      else found.push({ from: i, to: i + 1 });
    }
  }
  return found;
}

/** Whole words, in this machine's own byte order: for telling whether they are equal. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/** Does the function lead where it should: to its replacement, in executable memory, or through NOPs? */
export function verifyPatched(hv: Hypervisor, func: FunctionDescription): string | null {
  const place = addOffset(func.oldAddr, func.patchOffset);
  const name = func.name ?? hexAddress(func.oldAddr);
  if (!func.applied) return `${name} is not patched`;
  if (func.length === 0) return `${name}: nothing was written: the NOPs end where the ENDBR64 does`;
  const bytes = peek(hv, place, func.length);
  if (bytes === null) return `${name} is not mapped`;
  if (func.newAddr === 0n) {
    return equalBytes(bytes, hv.patching.nops(func.length)) ? null : `${name}: ${hex(bytes)} where NOPs should be`;
  }
  if (jumpTarget(place, bytes) !== func.newAddr)
    return `${name}: ${hex(bytes)} does not jump to ${hexAddress(func.newAddr)}`;
  if (hv.machine.space.permissionAt(func.newAddr)?.execute !== true) {
    return `${name}: its replacement at ${hexAddress(func.newAddr)} lies in memory that is not executable`;
  }
  return null;
}

/** Does memory hold again what it held before the function was patched? */
export function verifyRestored(hv: Hypervisor, oldAddr: Address, before: Uint8Array | null): string | null {
  const now = peek(hv, oldAddr, before?.length ?? 0);
  if (before === null || (now !== null && equalBytes(before, now))) return null;
  return `${hexAddress(oldAddr)} is not what it was before: ${now === null ? 'not mapped' : hex(now)}`;
}

/** Where `jmp rel32` at `from` leads; `null` for anything else. */
function jumpTarget(from: Address, bytes: Uint8Array): Address | null {
  if (bytes.length !== 5 || bytes[0] !== 0xe9) return null;
  return addOffset(from, 5 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(1, true));
}
