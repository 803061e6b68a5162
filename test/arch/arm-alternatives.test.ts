import { describe, expect, it } from 'vitest';
import { ARM32, ARM64, type Architecture, type WholeAlternativesHost } from '../../src/arch/index.ts';
import { type Address, addOffset, viewOf } from '../../src/base/index.ts';
import { FlatMemory, release, Stopped } from './support.ts';

const BASE = 0xa0_2000n;
const SIZE = 0x1000;

/** Offsets in the memory: code, replacements, the table. */
const ORIG = 0x100;
const REPL = 0x400;
const TABLE = 0x800;

interface Entry {
  readonly feature: number;
  readonly origLength?: number;
  readonly replLength?: number;
}

interface Places {
  /** Address of the memory. */
  readonly base?: Address;
  /** Offset of the original. */
  readonly orig?: number;
}

function setUp(
  arch: Architecture,
  words: readonly number[],
  entries: readonly Entry[],
  { base = BASE, orig = ORIG }: Places = {},
) {
  const memory = new FlatMemory(base, SIZE);
  const view = viewOf(memory.bytes);
  words.forEach((word, i) => {
    view.setUint32(orig + 4 * i, 0x1111_1111, true);
    view.setUint32(REPL + 4 * i, word, true);
  });
  entries.forEach(({ feature, origLength = 4 * words.length, replLength = 4 * words.length }, i) => {
    const at = TABLE + 12 * i;
    view.setInt32(at, orig - at, true);
    view.setInt32(at + 4, REPL - (at + 4), true);
    view.setUint16(at + 8, feature, true);
    view.setUint8(at + 10, origLength);
    view.setUint8(at + 11, replLength);
  });
  const events: string[] = [];
  const rules = release('4.17.5').alternatives;
  const host: WholeAlternativesHost = {
    memory,
    rules: { ...rules, featureLimit: rules.armCapabilities },
    hasFeature: (feature) => feature === 4,
    nops: () => new Uint8Array(0),
    toolchainNopsIdeal: true,
    ibtBuild: false,
    returnThunk: undefined,
    readPointer: () => 0n,
    read: (address, length) => memory.read(Number(address - base), length),
    nullCalls: 'trap',
    log: (level, template) => {
      events.push(`${level} ${template}`);
    },
    symbol: String,
    // The hypervisor's own text; the payload's is not registered yet.
    isActiveText: (address) => address >= 0x20_0000n && address < 0x28_0000n,
    callback: (address) => {
      events.push(`call ${address.toString(16)}`);
    },
    checkWord: () => {},
    cleanDataCache: (address, length) => {
      events.push(`clean ${address.toString(16)}+${length}`);
    },
    invalidateInstructionCache: () => {
      events.push('icache');
    },
    bug: (index, why) => {
      throw new Stopped(`BUG ${index}: ${why}`);
    },
  };
  const run = () => arch.alternatives.apply(host, TABLE, TABLE + 12 * entries.length);
  const code = () => words.map((_, i) => view.getUint32(orig + 4 * i, true));
  return { run, code, events };
}

const at = (offset: number): Address => addOffset(BASE, offset);
const bl64 = (from: Address, to: Address): number =>
  (0x9400_0000 | Number(BigInt.asUintN(26, (to - from) >> 2n))) >>> 0;
const bl32 = (from: Address, to: Address): number =>
  (0xeb00_0000 | Number(BigInt.asUintN(24, (to - from - 8n) >> 2n))) >>> 0;

describe.each([ARM64, ARM32])('alternatives of $name', (arch) => {
  it('apply if the host has the capability', () => {
    const { run, code, events } = setUp(arch, [0xd503_201f, 0xd503_203f], [{ feature: 4 }]);
    expect(run()).toBeNull();
    expect(code()).toEqual([0xd503_201f, 0xd503_203f]);
    expect(events).toEqual(['clean a02100+8', 'icache']);
  });

  it('do not apply if it has not', () => {
    const { run, code, events } = setUp(arch, [0xd503_201f], [{ feature: 9 }]);
    expect(run()).toBeNull();
    expect(code()).toEqual([0x1111_1111]);
    expect(events).toEqual(['icache']);
  });

  it('ignore a partial instruction at the end', () => {
    const words = [0xd503_201f, 0xd503_203f];
    const { run, code, events } = setUp(arch, words, [{ feature: 4, origLength: 7, replLength: 7 }]);
    run();
    expect(code()).toEqual([0xd503_201f, 0x1111_1111]);
    expect(events[0]).toBe('clean a02100+4');
  });

  it('panic if the lengths differ, for features and past them', () => {
    expect(setUp(arch, [0xd503_201f], [{ feature: 4, replLength: 0 }]).run).toThrow(
      'BUG 2: the replacement has 0 bytes',
    );
    expect(setUp(arch, [0xd503_201f], [{ feature: 19, replLength: 0 }]).run).toThrow('BUG 2');
    expect(setUp(arch, [0xd503_201f], [{ feature: 18 }]).run).toThrow(
      'BUG 1: a callback entry must have no replacement',
    );
  });

  it('may call a function', () => {
    const { run, events } = setUp(arch, [0xd503_201f], [{ feature: 18, replLength: 0 }]);
    run();
    expect(events).toEqual(['call a02400', 'clean a02100+4', 'icache']);
  });
});

describe.each([
  { arch: ARM64, bl: bl64 },
  { arch: ARM32, bl: bl32 },
])('branches in alternatives of $arch.name', ({ arch, bl }) => {
  it('into the hypervisor are retargeted', () => {
    const target = 0x20_1234n;
    const { run, code } = setUp(arch, [0xd503_201f, bl(at(REPL + 4), target)], [{ feature: 4 }]);
    run();
    expect(code()).toEqual([0xd503_201f, bl(at(ORIG + 4), target)]);
  });

  it('inside the replacement, including its end, stay unchanged', () => {
    const within = bl(at(REPL), at(REPL + 4));
    // Offsets of arm32 count from two instructions ahead, but the check of the target ignores that.
    const toEnd = arch === ARM64 ? bl64(at(REPL + 4), at(REPL + 8)) : 0xeb00_0001;
    const { run, code } = setUp(arch, [within, toEnd], [{ feature: 4 }]);
    if (arch === ARM64) {
      run();
      expect(code()).toEqual([within, toEnd]);
    } else {
      // Without the two instructions, this one points before the replacement.
      expect(run).toThrow('BUG 0: a replacement branches to 0xa023fc');
    }
  });

  it('into the payload panic: its text is not registered yet', () => {
    const { run } = setUp(arch, [bl(at(REPL), at(0x600)), 0], [{ feature: 4 }]);
    expect(run).toThrow('BUG 0');
  });
});

it('a branch out of reach of the original becomes a trap on arm32, with a log line', () => {
  // It just reaches from the replacement, but the original is higher.
  const base = 0x220_2000n;
  const word = (0xeb00_0000 | Number(BigInt.asUintN(24, -0x200_0000n >> 2n))) >>> 0;
  const { run, events, code } = setUp(ARM32, [word], [{ feature: 4 }], { base, orig: REPL + 0x100 });
  expect(run()).toBeNull();
  expect(code()).toEqual([0xe7f0_00f0]);
  expect(events[0]).toBe('ERR aarch32_set_branch_offset: new branch offset out of range.');
});

it('the callbacks of an image reveal how many capabilities its hypervisor has', () => {
  const { featureLimit, highestFeature } = ARM64.alternatives;
  const rules = release('4.17.0').alternatives;
  expect([featureLimit(rules, -1), featureLimit(rules, 9), featureLimit(rules, 18)]).toEqual([17, 17, 18]);
  const table = new DataView(new ArrayBuffer(24));
  table.setUint16(8, 4, true);
  table.setUint16(20, 18, true);
  expect([highestFeature(table), highestFeature(new DataView(new ArrayBuffer(0)))]).toEqual([18, -1]);
});

describe('alternatives for lint', () => {
  const { alternatives } = ARM64;
  const rules = release('4.17.5').alternatives;

  it('have faults if the lengths differ, or if the feature is past that of callbacks', () => {
    const limit = 16;
    const outcomes = (feature: number, replLen: number) =>
      alternatives.faults({ feature, origLen: 8, replLen, padLen: 0 }, rules, limit).map(({ outcome }) => outcome);
    expect([outcomes(3, 8), outcomes(3, 4), outcomes(3, 12)]).toEqual([[], ['panic'], ['panic']]);
    expect([outcomes(limit, 0), outcomes(limit + 1, 0)]).toEqual([[], ['called']]);
  });

  it.each([
    ['bl', 0x9400_0000, true],
    ['b.eq', 0x5400_0000, true],
    ['adr', 0x1000_0000, false],
  ])('tell whether Xen retargets %s', (_name, word, expected) => {
    const code = new Uint8Array(8);
    viewOf(code).setUint32(4, word, true);
    expect(alternatives.retargets({ code, at: 4, width: 4, symbol: 'f' }, rules)).toBe(expected);
    expect(alternatives.retargets({ code, at: 6, width: 2, symbol: 'f' }, rules)).toBe(false);
  });

  it('list the replaced code by feature', () => {
    const table = new DataView(new ArrayBuffer(24));
    table.setInt32(12, -0x100, true);
    table.setUint16(20, 5, true);
    table.setUint8(22, 8);
    const found = [...alternatives.replaced(table, BASE)];
    expect(found).toEqual([
      { orig: BASE, length: 0, feature: 0 },
      { orig: addOffset(BASE, 12 - 0x100), length: 8, feature: 5 },
    ]);
  });
});
