import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifySection, isWritableData, type PlaceableHeader, placeSections } from '../../src/payload/index.ts';
import { runC } from '../support/gcc.ts';

const A = 2;
const W = 1;
const X = 4;

const header = (flags: number, size: bigint | number, align: bigint | number = 1): PlaceableHeader => ({
  sh_flags: BigInt(flags),
  sh_size: BigInt(size),
  sh_addralign: BigInt(align),
});

const NULL = header(0, 0, 0);
const RULES = { pointerSize: 8, emptySectionsPlaced: true } as const;
const place = (...headers: PlaceableHeader[]) => placeSections([NULL, ...headers], RULES);

describe('the kind of a section', () => {
  test.each([
    [A | X, 'text'],
    [A | W, 'rw'],
    [A, 'ro'],
    [A | W | X, 'refused'],
    [0, 'ignored'],
    [W, 'ignored'],
    [W | X, 'ignored'],
    [A | 0x30, 'ro'],
    [A | X | 0x200, 'text'],
    [0x8000_0000, 'ignored'],
  ])('flags %s: %s', (flags, kind) => {
    expect(classifySection(flags)).toBe(kind);
  });

  test('high flag bits do not hide the low ones', () => {
    const { sections } = place({ sh_flags: (1n << 63n) | 6n, sh_size: 4n, sh_addralign: 4n });
    expect(sections[1]).toEqual({ kind: 'text', offset: 0 });
  });
});

describe('placement', () => {
  test('regions follow each other on separate pages', () => {
    const placement = place(
      header(A | X, 5, 16),
      header(A | W, 0x1001, 8),
      header(A | X, 3, 16),
      header(A, 7, 4),
      header(0, 99),
    );
    expect(placement.sections.map(({ kind, offset }) => [kind, offset])).toEqual([
      ['ignored', 0],
      ['text', 0],
      ['rw', 0],
      ['text', 16],
      ['ro', 0],
      ['ignored', 0],
    ]);
    expect(placement).toMatchObject({
      textSize: 19n,
      rwSize: 0x1001n,
      roSize: 7n,
      rwOffset: 0x1000n,
      roOffset: 0x3000n,
      pages: 4n,
      refused: undefined,
    });
  });

  test('the first writable and executable section is reported, and the others are still placed', () => {
    const placement = place(header(A, 4), header(A | W | X, 4), header(A | W | X, 4), header(A, 4));
    expect(placement.refused).toBe(2);
    expect(placement.roSize).toBe(8n);
  });

  test('an alignment of 0 restarts the region', () => {
    const placement = place(header(A | X, 0x2000, 16), header(A | X, 0, 0), header(A | W, 8, 8));
    expect(placement.sections[2]).toEqual({ kind: 'text', offset: 0 });
    // RW overlaps the pages of the text.
    expect(placement).toMatchObject({ textSize: 0n, rwOffset: 0n, pages: 1n });
  });

  test('sections of size 0 are placed, or not, by release', () => {
    const headers = [NULL, header(A | X, 0, 16)];
    expect(placeSections(headers, RULES).sections[1]?.kind).toBe('text');
    expect(placeSections(headers, { ...RULES, emptySectionsPlaced: false }).sections[1]?.kind).toBe('ignored');
  });

  test('a huge alignment is harmless on the first section of a region only', () => {
    expect(place(header(A | X, 16, 1n << 63n)).pages).toBe(1n);
    expect(place(header(A | X, 16, 1), header(A | X, 16, 1n << 63n)).textSize).toBe((1n << 63n) + 16n);
  });

  test('sections of size 0 alone need no page', () => {
    expect(place(header(A, 0, 1)).pages).toBe(0n);
  });

  test('writable data', () => {
    expect(
      [header(A | W, 1), header(A | W, 0), header(A, 1), header(W, 1), header(A | W | X, 1)].map(isWritableData),
    ).toEqual([true, false, false, false, false]);
  });
});

describe('the arithmetic is C’s', () => {
  const KINDS = { text: A | X, rw: A | W, ro: A } as const;
  const kind = fc.constantFrom('text', 'rw', 'ro');
  const sane = fc.record({
    kind,
    size: fc.bigInt({ min: 0n, max: 0x20000n }),
    align: fc.constantFrom(0n, 1n, 2n, 8n, 16n, 64n, 4096n),
  });
  const wild = fc.record({
    kind,
    size: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    align: fc.nat({ max: 63 }).map((shift) => 1n << BigInt(shift)),
  });
  const samples = fc.sample(fc.array(fc.oneof(sane, wild), { minLength: 1, maxLength: 8 }), { numRuns: 150, seed: 4 });

  /** Reads lines of "kind size align", with lists of sections separated by empty lines; prints the sums. */
  const program = (type: string): string => `
    #include <stdint.h>
    #include <stdio.h>
    #include <string.h>
    typedef ${type} word;
    static word up(word value, word step) { return (value + step - 1) & ~(step - 1); }
    int main(int argc, char **argv) {
      word size[3] = { 0, 0, 0 };
      for (int i = 1; i < argc; i++) {
        unsigned long long s, a; int k;
        if (strcmp(argv[i], ".") == 0) {
          word rw = up(size[0], 4096), ro = rw + up(size[1], 4096), total = ro + size[2];
          printf("%llx %llx %llx %llx %llx %llx\\n", (unsigned long long)size[0], (unsigned long long)size[1],
            (unsigned long long)size[2], (unsigned long long)rw, (unsigned long long)ro,
            (unsigned long long)((word)(total + 4095) >> 12));
          memset(size, 0, sizeof size);
          continue;
        }
        sscanf(argv[i], "%d:%llx:%llx", &k, &s, &a);
        word offset = up(size[k], (word)a);
        printf("%x ", (unsigned int)offset);
        size[k] = (word)s + offset;
      }
      return 0;
    }`;

  test.each([
    [8 as const, 'uint64_t', (1n << 64n) - 1n],
    [4 as const, 'uint32_t', (1n << 32n) - 1n],
  ])('%d-byte pointers', (pointerSize, type, mask) => {
    const lists = samples.map((list) =>
      list.map((row) => ({ ...row, size: row.size & mask, align: row.align & mask })),
    );
    const args = lists.flatMap((list) => [
      ...list.map(
        (row) => `${Object.keys(KINDS).indexOf(row.kind)}:${row.size.toString(16)}:${row.align.toString(16)}`,
      ),
      '.',
    ]);
    const expected = runC(program(type), args).trim().split('\n');
    const ours = lists.map((list) => {
      const headers = [NULL, ...list.map((row) => header(KINDS[row.kind as keyof typeof KINDS], row.size, row.align))];
      const { sections, textSize, rwSize, roSize, rwOffset, roOffset, pages } = placeSections(headers, {
        pointerSize,
        emptySectionsPlaced: true,
      });
      const offsets = sections.slice(1).map(({ offset }) => offset.toString(16));
      return [...offsets, ...[textSize, rwSize, roSize, rwOffset, roOffset, pages].map((x) => x.toString(16))].join(
        ' ',
      );
    });
    expect(ours).toEqual(expected);
  });
});
