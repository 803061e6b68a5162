import { viewOf } from './bytes.ts';

/** Returns a 20-byte build-id for a file that the linker gave none: five FNV-1a hashes of its contents with different seeds. */
export function contentId(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(20);
  const view = viewOf(result);
  for (let lane = 0; lane < 5; lane++) {
    let value = (0x811c_9dc5 ^ Math.imul(lane + 1, 0x9e37_79b1)) >>> 0;
    for (let i = 0; i < bytes.length; i++) value = Math.imul(value ^ (bytes[i] as number), 0x0100_0193);
    view.setUint32(4 * lane, value >>> 0, true);
  }
  return result;
}
