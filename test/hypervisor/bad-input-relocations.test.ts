import { describe, expect, it, vi } from 'vitest';
import { hex, viewOf } from '../../src/base/index.ts';
import { SHF_ALLOC, SHF_WRITE, SHN_ABS, type WriterRelocation } from '../../src/elf/index.ts';
import { buildPayload } from '../support/elf-builder.ts';
import { fieldsOf, withField } from './mutations.ts';
import { bootHost, loaded, miniatureImage, type Outcome, unload, upload } from './support.ts';

const NONE = 0;
const R64 = 1;
const PC32 = 2;
const PLT32 = 4;
const SIZE = 16;

interface Entry {
  readonly type: number;
  readonly offset?: number | bigint;
  readonly addend?: bigint;
  /** Value of an absolute symbol; without it, the entry has no symbol. */
  readonly value?: bigint;
}

/** A payload with these relocations of a section `.data.reloc`: 16 bytes of 0xaa, alone in its writable pages. */
function payload(entries: readonly Entry[]): Uint8Array {
  const xen = miniatureImage().buildId as Uint8Array;
  return buildPayload({
    functions: [{ name: 'xen_extra_version' }],
    depends: xen,
    xenDepends: xen,
    more: ({ writer }) => {
      const data = new Uint8Array(SIZE).fill(0xaa);
      const section = writer.section('.data.reloc', { flags: SHF_ALLOC | SHF_WRITE, data, addralign: 16 });
      const rows = entries.map(({ type, offset = 0, addend = 0n, value }, i): WriterRelocation => {
        const symbol = value === undefined ? undefined : writer.symbol(`abs_${i}`, { section: SHN_ABS, value });
        return { type, offset, addend, ...(symbol !== undefined && { symbol }) };
      });
      writer.relocations(section, rows, { addends: true });
    },
  });
}

/** Address of `.data.reloc` on this host: the start of the writable pages. */
const PLACE = (() => {
  const target = bootHost();
  upload(target, 'p', payload([]));
  return loaded(target, 'p').rw.addr;
})();

function run(entries: readonly Entry[], change: (file: Uint8Array) => Uint8Array = (file) => file) {
  const target = bootHost();
  const { space } = target.hypervisor.machine;
  let before = '';
  const unmap = space.unmap.bind(space);
  // The refused payload's memory at the moment when it is freed.
  vi.spyOn(space, 'unmap').mockImplementation((start, pages) => {
    if (space.permissionAt(PLACE) !== undefined) before = hex(space.read(PLACE, SIZE));
    unmap(start, pages);
  });
  const result = upload(target, 'p', change(payload(entries)));
  if (result.rc === 0) unload(target, 'p');
  return { ...result, memory: before };
}

const AA = (count: number): string => 'aa'.repeat(count);
const le = (value: bigint, bytes: 4 | 8): string => {
  const out = new Uint8Array(8);
  viewOf(out).setBigUint64(0, BigInt.asUintN(64, value), true);
  return hex(out.subarray(0, bytes));
};

describe('the value that a relocation stores', () => {
  it.each([
    ['nothing', { type: NONE, value: 0x1234n, offset: 99 }, AA(16)],
    [
      'S + A in eight bytes',
      { type: R64, value: 0x1122_3344_5566_7788n, addend: -8n, offset: 4 },
      `${AA(4)}8077665544332211${AA(4)}`,
    ],
    ['S + A, wrapping', { type: R64, value: 2n ** 64n - 1n, addend: 2n }, `0100000000000000${AA(8)}`],
    ['S + A - P in four', { type: PC32, value: PLACE, addend: -4n, offset: 8 }, AA(8) + le(-12n, 4) + AA(4)],
    ['the same for a call', { type: PLT32, value: PLACE + 0x100n, addend: -4n }, `fc000000${AA(12)}`],
  ] as const)('%s', (_what, entry, memory) => {
    expect(run([entry])).toMatchObject({ rc: 0, memory });
  });

  it('may reach the last byte of the section, and no further', () => {
    expect(run([{ type: PC32, value: PLACE, offset: 12 }])).toMatchObject({ rc: 0, memory: AA(12) + le(-12n, 4) });
    expect(run([{ type: R64, value: 1n, offset: 8 }])).toMatchObject({ rc: 0, memory: `${AA(8)}0100000000000000` });
    for (const [type, offset] of [
      [PC32, 13],
      [PC32, 16],
      [PLT32, 13],
      [R64, 9],
      [R64, 16],
      [R64, 2 ** 32],
      [PC32, 2n ** 32n + 4n],
      [PC32, 2n ** 64n - 4n],
      [R64, 2n ** 64n - 8n],
    ] as const) {
      expect(run([{ type, value: PLACE, offset }])).toMatchObject({
        errno: 'EINVAL',
        console: ['livepatch: p: Relative relocation offset is past .data.reloc section'],
        memory: AA(16),
      });
    }
  });
});

describe('overflow', () => {
  const limit = 2n ** 31n;
  const line = 'livepatch: p: Overflow in relocation 0 in .rela.data.reloc for .data.reloc';

  it.each([PC32, PLT32])('starts exactly at ±2 GiB: type %i', (type) => {
    for (const reach of [limit - 1n, -limit, 0n]) {
      expect(run([{ type, value: PLACE, addend: reach }])).toMatchObject({ rc: 0, memory: le(reach, 4) + AA(12) });
    }
    for (const reach of [limit, -limit - 1n, 2n ** 32n, 2n ** 63n - 1n]) {
      expect(run([{ type, value: PLACE, addend: reach }])).toMatchObject({ errno: 'EOVERFLOW', console: [line] });
    }
  });

  it('is detected after the store of the low word', () => {
    expect(run([{ type: PC32, value: PLACE, addend: limit }]).memory).toBe(`00000080${AA(12)}`);
    expect(run([{ type: PC32, value: PLACE, addend: 0x1_2345_6789n }]).memory).toBe(`89674523${AA(12)}`);
  });

  it('depends on the place', () => {
    const value = PLACE + limit;
    expect(run([{ type: PC32, value, offset: 1 }]).rc).toBe(0);
    expect(run([{ type: PC32, value, offset: 0 }]).errno).toBe('EOVERFLOW');
  });

  it('reports the first entry by its number', () => {
    const good = { type: PC32, value: PLACE, offset: 4 };
    const result = run([good, { ...good, addend: limit + 8n, offset: 8 }, { ...good, offset: 12 }]);
    expect(result.console).toEqual(['livepatch: p: Overflow in relocation 1 in .rela.data.reloc for .data.reloc']);
    expect(result.memory).toBe(`${AA(4)}${le(-4n, 4)}${le(limit, 4)}${AA(4)}`);
  });
});

describe('refused entries', () => {
  const first = { type: PC32, value: PLACE };
  const fieldOf = (file: Uint8Array, name: string) => {
    const field = fieldsOf(file).rela.find((each) => each.name === `.rela.data.reloc+0.${name}`);
    if (field === undefined) throw new Error(name);
    return field;
  };
  const with_ = (name: string, value: bigint, entries: readonly Entry[] = [first]): Outcome =>
    run(entries, (file) => withField(file, fieldOf(file, name), value));

  it('have no symbol, whatever their type', () => {
    for (const type of [NONE, R64, PC32, 99]) {
      expect(run([{ type }])).toMatchObject({ errno: 'EOPNOTSUPP', console: ['livepatch: p: Encountered STN_UNDEF'] });
    }
  });

  it('have a symbol past the end', () => {
    const count = fieldsOf(payload([first])).sym.length / 5;
    expect(with_('r_symbol', BigInt(count - 1)).rc).not.toBe(-22);
    for (const symbol of [count, 0x7fff_ffff, 0xffff_ffff]) {
      expect(with_('r_symbol', BigInt(symbol))).toMatchObject({
        errno: 'EINVAL',
        console: [`livepatch: p: Relative relocation wants symbol@${symbol} which is past end`],
      });
    }
  });

  it.each([3, 9, 10, 11, 24, 41, 42, 0xffff_ffff])('have type %i', (type) => {
    expect(with_('r_type', BigInt(type))).toMatchObject({
      errno: 'EOPNOTSUPP',
      console: [`livepatch: p: Unhandled relocation ${type}`],
    });
  });

  it('are checked by symbol first, then type, then place', () => {
    const bad = { type: 99, offset: 99 };
    expect(run([bad]).console).toEqual(['livepatch: p: Encountered STN_UNDEF']);
    expect(run([{ ...bad, value: 1n }]).console).toEqual(['livepatch: p: Unhandled relocation 99']);
  });
});

describe('a table whose size has wrapped', () => {
  // sh_offset + sh_size is taken modulo 2^64, so that sizes just below 2^64 pass as if the table ended before it began.
  const wrapped = (entries: readonly Entry[]): Outcome =>
    run(entries, (file) => {
      const field = fieldsOf(file).shdr.find(({ name }) => name.endsWith(':.rela.data.reloc.sh_size'));
      if (field === undefined) throw new Error('no size');
      return withField(file, field, 2n ** 64n - 16n);
    });

  it('is read entry by entry, so entries before the first unmapped page are still refused', () => {
    expect(
      wrapped([
        { type: PC32, value: PLACE },
        { type: 99, value: 1n },
      ]),
    ).toMatchObject({
      errno: 'EOPNOTSUPP',
      console: ['livepatch: p: Unhandled relocation 99'],
    });
  });
});
