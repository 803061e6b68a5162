import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ensure, fromLatin1 } from '../../src/base/index.ts';
import { encodeSymbolTable, openSymbolTable, type SymbolTableBytes, type SymbolToEncode } from '../../src/xen/index.ts';

const BASE = 0xffff_82d0_4000_0000n;

/** Counts reads of u32 from now on. */
function counting(view: DataView): { reads: number } {
  const counter = { reads: 0 };
  const getUint32 = view.getUint32.bind(view);
  view.getUint32 = (at, littleEndian) => {
    counter.reads++;
    return getUint32(at, littleEndian);
  };
  return counter;
}

const symbol = (offset: number, name: string, type = 'T', size = 0): SymbolToEncode => ({
  address: BASE + BigInt(offset),
  name,
  type,
  size,
});

const SYMBOLS = [
  symbol(0x1000, '_start'),
  symbol(0x1000, 'common/a.c#start_here', 't'),
  symbol(0x1100, 'common/b.c#helper', 't'),
  symbol(0x1180, 'xen_extra_version'),
  symbol(0x2000, 'common/c.c#helper', 't'),
  symbol(0x3000, 'data', 'D'),
];

/** The table formats of releases and architectures. */
const FORMS = [
  ['offsets, sorted', { origin: BASE }],
  ['offsets, not sorted', { origin: BASE, sorted: false }],
  ['64-bit pointers, sorted', { pointerSize: 8 }],
  ['64-bit pointers, not sorted', { pointerSize: 8, sorted: false }],
] as const;

describe.each(FORMS)('a table of %s', (_form, options) => {
  const table = openSymbolTable(encodeSymbolTable(SYMBOLS, options));

  it('finds every name', () => {
    for (const { name, address } of SYMBOLS) {
      expect(table.addressOf(name)).toBe(address);
      expect(table.base + BigInt(table.offsetOf(name) ?? -1)).toBe(address);
    }
  });

  it('finds whole names only', () => {
    for (const name of ['', 'helper', '_star', '_start_', 'dat', 'T_start', 'zzz', '\xff']) {
      expect(table.addressOf(name)).toBeUndefined();
    }
  });

  it('gives symbols in address order, global ones first', () => {
    expect([...table.symbols()].map(({ name, type }) => `${type} ${name}`)).toEqual(
      SYMBOLS.map(({ name, type }) => `${type} ${name}`),
    );
    expect(table.symbol(3)).toMatchObject({ name: 'xen_extra_version', type: 'T' });
    expect([table.symbol(-1), table.symbol(6)]).toEqual([undefined, undefined]);
  });

  it('looks addresses up', () => {
    expect(table.symbolAt(BASE + 0x1180n)).toMatchObject({ name: 'xen_extra_version', at: 0, size: 0xe80 });
    expect(table.symbolAt(BASE + 0x11ffn)).toMatchObject({ name: 'xen_extra_version', at: 0x7f, size: 0xe80 });
    // The first of those at an address, and the next at another one.
    expect(table.symbolAt(BASE + 0x10ffn)).toMatchObject({ name: '_start', at: 0xff, size: 0x100 });
    expect(table.symbolAt(BASE + 0x3004n)).toMatchObject({ name: 'data', at: 4, size: undefined });
    expect(table.symbolAt(BASE + 0xfffn)).toBeUndefined();
    expect(table.symbolAt(0n)).toBeUndefined();
  });
});

describe('END entries', () => {
  const ends = [symbol(0x1000, 'one', 'T', 0x10), symbol(0x1020, 'two', 'T', 0x20), symbol(0x1040, 'three', 'T', 8)];
  const table = openSymbolTable(encodeSymbolTable(ends, { origin: BASE }));

  it('are counted, but have no name', () => {
    expect(table.count).toBe(5);
    expect([...table.symbols()].map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    expect(table.symbol(1)).toBeUndefined();
    for (const { name, address } of ends) expect(table.addressOf(name)).toBe(address);
  });

  it('end the symbol before them', () => {
    expect(table.symbolAt(BASE + 0x1008n)).toMatchObject({ name: 'one', at: 8, size: 0x10 });
    expect(table.symbolAt(BASE + 0x1018n)).toMatchObject({ name: 'one', at: 0x18, size: 0x10 });
    expect(table.symbolAt(BASE + 0x1039n)).toMatchObject({ name: 'two', size: 0x20 });
    expect(table.symbolAt(BASE + 0x1100n)).toMatchObject({ name: 'three', size: 8 });
  });
});

describe('tokens', () => {
  it('stand for several characters, including the type letter', () => {
    const tokenTable = fromLatin1('Tfoo\0_bar\0\0');
    const tokenIndex = new DataView(new ArrayBuffer(512));
    tokenIndex.setUint16(2 * 0x80, 5, true);
    const table = openSymbolTable({
      count: 2,
      names: Uint8Array.of(2, 0x10, 0x80, 3, 0x10, 0x80, 0x80),
      markers: new DataView(new ArrayBuffer(4)),
      tokenTable,
      tokenIndex,
      addresses: {
        kind: 'pointers',
        view: new DataView(Uint8Array.of(0, 0, 0x20, 0, 4, 0, 0x20, 0).buffer),
        pointerSize: 4,
      },
    });
    expect([...table.symbols()]).toEqual([
      { name: 'foo_bar', type: 'T', offset: 0x20_0000 },
      { name: 'foo_bar_bar', type: 'T', offset: 0x20_0004 },
    ]);
    expect(table.addressOf('foo_bar_bar')).toBe(0x20_0004n);
    expect(table.fast).toBe(false);
  });
});

const names = fc.uniqueArray(fc.stringMatching(/^[a-z_./#0-9]{1,40}$/), { minLength: 1, maxLength: 60 });

describe('any table', () => {
  it('finds all its symbols by name and by address, with and without the sorted names', () => {
    fc.assert(
      fc.property(names, fc.boolean(), fc.boolean(), (all, sorted, offsets) => {
        const symbols = all.map((name, i) => symbol(i * 16, name, i % 3 === 0 ? 't' : 'T', i % 2 === 0 ? 8 : 0));
        const table = openSymbolTable(encodeSymbolTable(symbols, { sorted, ...(offsets ? { origin: BASE } : {}) }));
        for (const { name, address } of symbols) {
          expect(table.addressOf(name)).toBe(address);
          expect(table.symbolAt(address)).toMatchObject({ name, at: 0 });
        }
        expect(table.addressOf(`${all[0]}!`)).toBeUndefined();
      }),
    );
  });

  it('is not decoded by a lookup: 8192 names take at most 14 probes', () => {
    const symbols = Array.from({ length: 8192 }, (_, i) => symbol(i * 16, `name_${i}`));
    const bytes = encodeSymbolTable(symbols, { origin: BASE });
    const { view } = ensure(bytes.sorted, 'sorted by default');
    const counter = counting(view);
    const table = openSymbolTable(bytes);
    expect(counter.reads).toBe(0);
    for (const index of [0, 1, 4095, 8191]) {
      counter.reads = 0;
      expect(table.addressOf(`name_${index}`)).toBe(BASE + BigInt(index * 16));
      // One read per probe, and one for the index of the address.
      expect(counter.reads).toBeLessThanOrEqual(15);
    }
  });

  it('reads damaged bytes without throwing, and comes to an end', () => {
    const good = encodeSymbolTable(SYMBOLS, { origin: BASE });
    const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const small = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(small, small, small, small, small, small, fc.nat(0xffff_ffff), (n, m, t, i, a, s, count) => {
        const damaged: SymbolTableBytes[] = [
          { ...good, names: n },
          { ...good, tokenTable: t, tokenIndex: view(i) },
          {
            count,
            names: n,
            markers: view(m),
            tokenTable: t,
            tokenIndex: view(i),
            addresses: { kind: 'pointers', view: view(a), pointerSize: 8 },
            sorted: { view: view(s), count },
          },
        ];
        for (const bytes of damaged) {
          const table = openSymbolTable(bytes);
          expect([...table.symbols()].length).toBeLessThanOrEqual(64);
          expect(table.offsetOf('xen')).toBeOneOf([undefined, expect.any(Number)]);
          expect(table.symbolAt(BASE + 0x1000n)).toBeOneOf([undefined, expect.any(Object)]);
        }
      }),
    );
  });
});
