import { describe, expect, it } from 'vitest';
import {
  ARM32,
  ARM64,
  implicitAddend,
  inRange,
  type RelocationRow,
  relocateInstruction,
  X86_64,
} from '../../src/arch/index.ts';
import { viewOf } from '../../src/base/index.ts';
import { crossAssemble, crossLink, type LinkArch } from '../support/cross.ts';

/** Link address of the code: as far from the symbols as a payload is from the hypervisor. */
const TEXT = 0xa0_2000n;

/** One relocation: the bytes at the place, and its target. */
interface Place {
  readonly type: number;
  readonly word: number;
  readonly target: bigint;
  readonly addend?: number;
}

const RECORDS = { x86_64: X86_64, arm64: ARM64, arm32: ARM32 };

const rowOf = (arch: LinkArch, type: number): RelocationRow => {
  const row = RECORDS[arch].relocations.get(type);
  if (row === undefined) throw new Error(`no row ${type}`);
  return row;
};

/** Links the places with ld, eight bytes each, and reports which of them ld says fit. */
function linkedByLd(arch: LinkArch, places: readonly Place[], addends = true) {
  const source = places.map(({ type, word, addend = 0 }, i) => {
    const value = `s${i}${addends && addend !== 0 ? `+${addend}` : ''}`;
    return `.reloc ., ${rowOf(arch, type).name}, ${value}\n.4byte 0x${word.toString(16)}, 0\n`;
  });
  const symbols = Object.fromEntries(places.map(({ target }, i) => [`s${i}`, target]));
  const object = crossAssemble(arch, `.text\n${source.join('')}`);
  const { bytes, complaints } = crossLink(arch, object, { '.text': TEXT }, symbols, '.text');
  const view = viewOf(bytes);
  return places.map((_, i) => ({
    word: view.getUint32(8 * i, true),
    high: view.getUint32(8 * i + 4, true),
    fits: !new RegExp(`against symbol \`s${i}'`).test(complaints),
  }));
}

/** Applies the row to the same place. */
function placed(arch: LinkArch, { type, word, target, addend = 0 }: Place, index: number) {
  const row = rowOf(arch, type);
  const bits = RECORDS[arch].elf.pointerSize * 8;
  const p = TEXT + BigInt(8 * index);
  const sum = target + BigInt(addend);
  const values = { no: sum, place: sum - p, page: (sum & ~0xfffn) - (p & ~0xfffn) };
  const value = BigInt.asIntN(bits, values[row.relative]);
  if (row.field === null) {
    const kept = BigInt.asUintN(8 * row.width, value);
    return { word: Number(kept & 0xffff_ffffn), high: Number(kept >> 32n), overflow: undefined, quirk: undefined };
  }
  const result = relocateInstruction(row, row.field, { word, value, addend: BigInt(addend) });
  return { word: result.word, high: 0, overflow: result.overflow, quirk: result.quirk?.rule };
}

/** Returns a row's instruction with that value in its field. */
function relocated(arch: LinkArch, type: number, word: number, value: bigint, addend = 0n) {
  const row = rowOf(arch, type);
  if (row.field === null) throw new Error(`${row.name} is for data`);
  return relocateInstruction(row, row.field, { word, value, addend });
}

/** Instructions for the relocations of arm64, with immediates of zero. */
const ARM64_WORDS: Readonly<Record<number, number>> = {
  274: 0x1000_0000, // adr x0
  275: 0x9000_0000, // adrp x0
  276: 0x9000_0001,
  277: 0x9100_0000, // add x0, x0, #0
  278: 0x3940_0000, // ldrb w0, [x0]
  279: 0x3600_0003, // tbz w3, #0
  280: 0x5400_0000, // b.eq
  282: 0x1400_0000, // b
  283: 0x9400_0000, // bl
  284: 0x7940_0000, // ldrh w0, [x0]
  285: 0xb940_0000, // ldr w0, [x0]
  286: 0xf940_0000, // ldr x0, [x0]
  299: 0x3dc0_0000, // ldr q0, [x0]
};

/** Values at and around the limits of fields; multiples of 16, as scaled loads require. */
const TARGETS = [
  0x22_deb0n,
  0x20_0000n,
  TEXT + 0x7ff0n,
  TEXT - 0x8000n + 0x400n,
  TEXT + 0xf_ff00n - 0x1000n,
  0x1234_5670n,
  0x7fff_fff0n,
];

describe('the relocations of arm64', () => {
  const BRANCHES = [279, 280, 282, 283];
  const types = [...ARM64.relocations.keys()];

  it('are exactly the 36 of Xen', () => {
    expect(types).toHaveLength(36);
    expect([0, 256, 273, 314, 311].map((type) => ARM64.relocations.get(type))).toEqual(Array(5).fill(undefined));
  });

  it.each(types)('%i agrees with ld', (type) => {
    const { name } = rowOf('arm64', type);
    // ld inserts a veneer for a call or jump out of reach, so vectors below test these.
    const far = [0xffff_8000_1234_5670n, 0x1_2345_6780_1230n, 0x8000_0010n, 0xffff_ffff_ffff_fff0n, 0x10n, 0xfff0n];
    const targets = BRANCHES.includes(type) ? TARGETS.slice(0, 5) : [...TARGETS, ...far];
    const word = ARM64_WORDS[type] ?? (type < 263 ? 0 : 0xd280_0005);
    const places = targets.map((target): Place => ({ type, word, target }));
    for (const [i, linked] of linkedByLd('arm64', places).entries()) {
      const ours = placed('arm64', places[i] as Place, i);
      const what = `${name} to ${targets[i]?.toString(16)}`;
      if (ours.quirk !== undefined) {
        expect([ours.quirk, linked.fits], what).toEqual(['arm64-tstbr-range', false]);
      } else if (ours.overflow !== undefined) {
        expect({ fits: !ours.overflow }, what).toEqual({ fits: linked.fits });
      }
      // ld leaves a place unchanged if the value does not fit.
      if (linked.fits) expect([ours.word, ours.high], what).toEqual([linked.word, type < 263 ? linked.high : 0]);
    }
  });

  it('reach 128 MiB with JUMP26, 1 MiB with CONDBR19, 4 GiB with ADRP', () => {
    const overflow = (type: number, value: bigint) => relocated('arm64', type, ARM64_WORDS[type] ?? 0, value).overflow;
    const edges = (type: number, limit: bigint, step: bigint) =>
      [limit - step, limit, -limit, -limit - step].map((value) => overflow(type, value));
    const half = [false, true, false, true];
    expect(edges(282, 1n << 27n, 4n)).toEqual(half);
    expect(edges(283, 1n << 27n, 4n)).toEqual(half);
    expect(edges(280, 1n << 20n, 4n)).toEqual(half);
    expect(edges(274, 1n << 20n, 1n)).toEqual(half);
    expect(edges(275, 1n << 32n, 0x1000n)).toEqual(half);
    expect(edges(276, 1n << 32n, 0x1000n)).toEqual(Array(4).fill(false));
  });

  it('truncate the offset of TBZ between 32 KiB and 1 MiB, as Xen does', () => {
    const place = (value: bigint) => relocated('arm64', 279, 0x3600_0003, value);
    expect(place(0x7ffcn)).toEqual({ word: 0x3603_ffe3, overflow: false, quirk: null });
    expect(place(0x8000n)).toMatchObject({ word: 0x3604_0003, overflow: false, quirk: { rule: 'arm64-tstbr-range' } });
    // imm14 keeps nothing of 64 KiB: a branch to itself.
    expect(place(0x1_0000n)).toMatchObject({ word: 0x3600_0003, overflow: false });
    expect(place(0x10_0000n)).toMatchObject({ overflow: true });
  });
});

describe('the relocations of arm32', () => {
  const even = (target: bigint, index: number): bigint => target + ((target - TEXT - 8n * BigInt(index)) & 4n);

  it('are the seven of Xen', () => {
    expect([...ARM32.relocations.keys()]).toEqual([0, 2, 3, 28, 29, 43, 44]);
  });

  it.each([2, 3, 43, 44])('%i agrees with ld', (type) => {
    const words: Readonly<Record<number, number>> = { 43: 0xe300_3000, 44: 0xe340_3000 };
    const targets = [...TARGETS, 0xffff_fff0n, 0x8000_0000n, 0x1_2345n];
    const places = targets.map((target): Place => ({ type, word: words[type] ?? 0, target }));
    const ours = places.map((place, i) => placed('arm32', place, i).word);
    expect(ours).toEqual(linkedByLd('arm32', places).map(({ word }) => word));
  });

  it.each([28, 29])('%i agrees with ld for targets at an even number of words', (type) => {
    // The addend of the pipeline is in the instruction: imm24 = -2.
    const word = type === 28 ? 0xebff_fffe : 0xeaff_fffe;
    const targets = [0x22_b90cn, 0x20_0000n, TEXT + 0x100n, 0x1ff_0000n];
    const places = targets.map((target, i): Place => ({ type, word, target: even(target, i), addend: -8 }));
    const linked = linkedByLd('arm32', places, false);
    for (const [i, place] of places.entries()) {
      expect(placed('arm32', place, i)).toMatchObject({ word: linked[i]?.word, overflow: false, quirk: undefined });
    }
  });

  it.each([28, 29])('%i lands four bytes too low at an odd number of words, and reports it', (type) => {
    const word = type === 28 ? 0xebff_fffe : 0xeaff_fffe;
    const targets = [0x22_b90cn, 0x20_0000n, TEXT + 0x100n];
    const places = targets.map((target, i): Place => ({ type, word, target: even(target, i) + 4n, addend: -8 }));
    const linked = linkedByLd('arm32', places, false);
    for (const [i, place] of places.entries()) {
      const expected = { word: (linked[i]?.word ?? 0) - 1, overflow: false, quirk: 'arm32-branch-mask' };
      expect(placed('arm32', place, i)).toMatchObject(expected);
    }
    // S = 210004, P = 1002000.
    const value = 0x21_0004n - 8n - 0x100_2000n;
    expect(relocated('arm32', 28, 0xebff_fffe, value, -8n).word).toBe(0xebc8_37fe);
  });

  it('reach 32 MiB with a branch, and clear its old offset even out of range', () => {
    const place = (value: bigint) => relocated('arm32', 28, 0xebff_fffe, value, -8n);
    expect([0x1ff_fff8n, 0x200_0000n, -0x200_0000n, -0x200_0004n].map((value) => place(value).overflow)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(place(0x200_0000n)).toEqual({ word: 0xeb00_0000, overflow: true, quirk: null });
  });

  it('ignore the addend of MOVW and MOVT, and report it', () => {
    const move = (type: number, word: number, addend: bigint) =>
      relocated('arm32', type, word, 0x1234_5678n + addend, addend);
    expect(move(43, 0xe305_3678, 0x5678n)).toMatchObject({ word: 0xe305_3678, quirk: { rule: 'arm32-move-addend' } });
    expect(move(44, 0xe340_3004, 4n)).toMatchObject({ word: 0xe341_3234, quirk: { rule: 'arm32-move-addend' } });
    expect(move(44, 0xe340_3000, 0n)).toEqual({ word: 0xe341_3234, overflow: false, quirk: null });
  });

  it('find the addend in the instruction', () => {
    const addend = (type: number, word: number) => implicitAddend(rowOf('arm32', type), word);
    expect(addend(2, 0xffff_fffc)).toBe(-4);
    expect(addend(28, 0xebff_fffe)).toBe(-8);
    expect(addend(29, 0xea00_0001)).toBe(4);
    expect(addend(43, 0xe30f_3ffc)).toBe(-4);
    expect(addend(44, 0xe341_3234)).toBe(0x1234);
  });
});

describe('the range of a relocation', () => {
  /** Values on both sides of each bound, as near as the alignment allows, and the target that gives them at place `i`. */
  const bounds = (arch: LinkArch) =>
    [...RECORDS[arch].relocations.values()].flatMap((row) => {
      const { range, relative, field, quirk } = row;
      if (range === null) return [];
      const step = quirk?.kind === 'lost-bit' ? 2 * quirk.bit : relative === 'page' ? 0x1000 : row.alignment;
      return [range.min, range.min - step, range.max + 1 - step, range.max + 1].map((value) => ({
        ...{ row, value: BigInt(value), addend: field === null ? 0 : -row.pcOffset },
      }));
    });
  /** The ABI allows values of either sign in these fields; ld does not. */
  const STRICTER = new Set([
    'R_AARCH64_ABS32 -2147483648',
    'R_AARCH64_ABS16 -32768',
    'R_AARCH64_PREL32 4294967295',
    'R_AARCH64_PREL16 65535',
  ]);
  /** Branches of arm32 hold their addend in the instruction. */
  const START: Readonly<Record<number, number>> = { 28: 0xebff_fffe, 29: 0xeaff_fffe };

  it.each(['x86_64', 'arm64', 'arm32'] as const)('agrees with ld on %s', (arch) => {
    const cases = bounds(arch);
    const places = cases.map(({ row: { type, field, relative }, value, addend }, i): Place => {
      const word = START[type] ?? ARM64_WORDS[type] ?? (field === null ? 0 : 0xd280_0005);
      const p = TEXT + BigInt(8 * i);
      const from = { no: 0n, place: p, page: p & ~0xfffn }[relative];
      return { type, word, target: BigInt.asUintN(64, from + value - BigInt(addend)), addend };
    });
    expect(places.length).toBeGreaterThan(7);
    for (const [i, linked] of linkedByLd(arch, places, arch !== 'arm32').entries()) {
      const { row, value } = cases[i] as (typeof cases)[number];
      const { word, overflow } = placed(arch, places[i] as Place, i);
      const fits = inRange(row.range, value);
      // ld inserts a veneer for a call out of reach.
      const what = `${row.name} ${value}`;
      expect(linked.fits && linked.word === word, what).toBe(fits && !STRICTER.has(what));
      if (overflow !== undefined && row.quirk?.kind !== 'range') expect(overflow).toBe(!fits);
    }
  });

  it.each([2, 4, 8, 16])('of a load or store of %i bytes allows only multiples of that, as ld does', (size) => {
    const row = [...ARM64.relocations.values()].find(({ name }) => name === `R_AARCH64_LDST${8 * size}_ABS_LO12_NC`);
    const { type, alignment } = row ?? expect.fail(`no row for ${size} bytes`);
    const places = [size, size / 2].map(
      (target): Place => ({ type, word: ARM64_WORDS[type] ?? 0, target: BigInt(target) }),
    );
    expect([alignment, ...linkedByLd('arm64', places).map(({ fits }) => fits)]).toEqual([size, true, false]);
  });
});
