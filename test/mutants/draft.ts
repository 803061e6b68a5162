import { type ElfFields, type FieldPlace, type SectionPlace, writeField } from '../../src/synth/elf-fields.ts';
import type { Random } from './random.ts';
import { readField } from './read-field.ts';

/** A mutant in the making. Rules find fields where the sound file has them. */
export class Draft {
  bytes: Uint8Array;
  readonly elf: ElfFields;
  readonly random: Random;
  readonly original: Uint8Array;

  constructor(original: Uint8Array, elf: ElfFields, random: Random) {
    this.original = original;
    this.bytes = original.slice();
    this.elf = elf;
    this.random = random;
  }

  /** Changes a field, and returns `old -> new`. `undefined` where it has that value already, or is not there any more. */
  set(place: FieldPlace, value: bigint): string | undefined {
    const old = readField(this.bytes, place);
    const wanted = BigInt.asUintN(8 * place.width, value);
    if (old === undefined || old === wanted) return undefined;
    writeField(this.bytes, place, wanted);
    return `0x${old.toString(16)} -> 0x${wanted.toString(16)}`;
  }

  get(place: FieldPlace): bigint {
    return readField(this.bytes, place) ?? 0n;
  }

  /** A section with bytes in the file. */
  section(): SectionPlace {
    return this.random.pick(this.elf.sections.filter(({ index }) => index > 0));
  }

  /** A value of `width` bytes that is worth trying in place of `old`. */
  value(old: bigint, width: number): bigint {
    const { random } = this;
    const bits = 8 * width;
    const top = 1n << BigInt(bits - 1);
    const kinds: readonly (() => bigint)[] = [
      () => 0n,
      () => 1n,
      () => old + BigInt(random.pick([1, 2, 4, 8, 16, 24, 64, 104, 4096])),
      () => old - BigInt(random.pick([1, 2, 4, 8, 16, 24, 64])),
      () => old ^ (1n << BigInt(random.below(bits))),
      () => old << 1n,
      () => old >> 1n,
      () => 2n * top - 1n,
      () => 2n * top - BigInt(1 + random.below(64)),
      () => top,
      () => top - 1n,
      () => BigInt(random.below(256)),
      () => BigInt(random.below(this.bytes.length + 1)),
      () => BigInt(this.bytes.length),
      () => random.long(),
    ];
    return BigInt.asUintN(bits, random.pick(kinds)());
  }
}
