import fc from 'fast-check';
import { ensure } from '../../../src/base/index.ts';
import { isProblem, readElf, SHT_RELA, SHT_SYMTAB } from '../../../src/elf/index.ts';

/** A number that somebody who means harm would write. */
const nasty = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 3n, 0x7fn, 0xffn, 0xff00n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn),
  fc.constantFrom(1n << 32n, 1n << 53n, 1n << 60n, 1n << 63n, (1n << 64n) - 1n, (1n << 64n) - 8n, 1n - (1n << 63n)),
  fc.bigInt({ min: 0n, max: 0x1_0000n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

/** Fields of ELF64's headers and entries: offset and bytes. Source: System V ABI, chapter 4. */
const FIELDS = {
  header: [
    [16, 2],
    [18, 2],
    [20, 4],
    [40, 8],
    [48, 4],
    [52, 2],
    [58, 2],
    [60, 2],
    [62, 2],
  ],
  section: [
    [0, 4],
    [4, 4],
    [8, 8],
    [24, 8],
    [32, 8],
    [40, 4],
    [44, 4],
    [48, 8],
    [56, 8],
  ],
  symbol: [
    [0, 4],
    [4, 1],
    [5, 1],
    [6, 2],
    [8, 8],
    [16, 8],
  ],
  relocation: [
    [0, 8],
    [8, 4],
    [12, 4],
    [16, 8],
  ],
} as const;

/** One field that is given a value. Positions are taken modulo what there is. */
export interface Damage {
  readonly what: keyof typeof FIELDS | 'byte';
  readonly table: number;
  readonly entry: number;
  readonly field: number;
  readonly value: bigint;
}

/** Some damage, more often to tables than to the header. */
export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.record({
    what: fc.constantFrom<Damage['what']>(
      'header',
      'section',
      'section',
      'symbol',
      'symbol',
      'relocation',
      'relocation',
      'byte',
    ),
    table: fc.nat(1000),
    entry: fc.nat(100_000),
    field: fc.nat(100),
    value: nasty,
  }),
  { minLength: 1, maxLength: 12 },
);

/** A copy of a sound object with fields overwritten. */
export function damaged(bytes: Uint8Array, list: readonly Damage[]): Uint8Array {
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  const copy = bytes.slice();
  const { sections } = elf;
  const tables = (type: number) => sections.filter((section) => section.type === type && section.size > 0);
  const starts = (type: number, table: number, entry: number, size: number): number => {
    const all = tables(type);
    const { header } = ensure(all[table % all.length], 'the object has such a table');
    return Number(header.sh_offset) + (entry % Math.max(1, Math.floor(Number(header.sh_size) / size))) * size;
  };
  for (const { what, table, entry, field, value } of list) {
    if (what === 'byte') {
      copy[entry % copy.length] = Number(value & 0xffn);
      continue;
    }
    const fields = FIELDS[what];
    const [offset, size] = ensure(fields[field % fields.length], 'the index is below the length');
    const base =
      what === 'header'
        ? 0
        : what === 'section'
          ? Number(elf.header.e_shoff) + (entry % sections.length) * 64
          : what === 'symbol'
            ? starts(SHT_SYMTAB, table, entry, 24)
            : starts(SHT_RELA, table, entry, 24);
    for (let i = 0; i < size; i++) copy[base + offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return copy;
}
