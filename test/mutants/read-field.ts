import type { FieldPlace } from '../../src/synth/elf-fields.ts';

/** Returns the value of a little-endian field; undefined if the file ends before it. */
export function readField(file: Uint8Array, { at, width }: FieldPlace): bigint | undefined {
  if (at < 0 || at + width > file.length) return undefined;
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(file[at + i] as number);
  return value;
}
