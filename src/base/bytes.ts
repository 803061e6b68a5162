/** Helpers for byte arrays. Text in ELF files and hypercalls is bytes: one character per byte (latin1). */

/** Returns a `DataView` of exactly these bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Formats lower-case hex digits, like Xen's `%*phN`. */
export function hex(bytes: Uint8Array, separator = ''): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i !== 0) text += separator;
    text += HEX[bytes[i] as number];
  }
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Parses hex digits and skips blanks. Returns `undefined` for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Returns the text from `at` to the next NUL or the end of `bytes`. */
export function cString(bytes: Uint8Array, at: number): string {
  let end = at;
  while (end < bytes.length && bytes[end] !== 0) end++;
  return latin1(bytes.subarray(at, end));
}

/** Decodes bytes as text, one character per byte. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  // In pieces, because the arguments of one call live on the stack.
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}

/** Encodes text, one byte per character; truncates characters above U+00FF to their low byte. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Rounds `value` up to a multiple of `alignment`, a power of two up to 2^30. */
export const roundUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** Reads an unsigned little-endian integer of pointer size. */
export const getWord = (view: DataView, at: number, size: 4 | 8): bigint =>
  size === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));

/** Writes the low `size` bytes of a value, little-endian. */
export function setWord(view: DataView, at: number, size: 4 | 8, value: bigint): void {
  if (size === 8) view.setBigUint64(at, BigInt.asUintN(64, value), true);
  else view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
}
