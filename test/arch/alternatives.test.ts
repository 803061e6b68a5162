import { describe, expect, it } from 'vitest';
import { applyAlternatives } from '../../src/arch/index.ts';
import { hex, viewOf } from '../../src/base/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import {
  ALT_SIZE,
  type Alternative,
  bytes,
  FlatMemory,
  fakeHost,
  type HostSettings,
  Stopped,
  writeAlternatives,
} from './support.ts';

const BASE = 0xffff_82d0_4060_0100n;
const REPL = 0x100;
const TABLE = 0x200;
const ALWAYS = 93;
const NEVER = 94;

interface Case {
  readonly version?: string;
  /** Bytes at offset 0. */
  readonly text: string;
  /** Bytes at {@link REPL}. */
  readonly replacement?: string;
  readonly entries: readonly Partial<Alternative>[];
  readonly settings?: HostSettings;
}

/** Applies entries; by default `orig` is at 0 and `repl` at {@link REPL}, with the lengths of the texts. */
function run({ version = '4.18.6', text, replacement = '', entries, settings }: Case) {
  const memory = new FlatMemory(BASE, 0x1000);
  memory.write(0, bytes(text));
  memory.write(REPL, bytes(replacement));
  const end = writeAlternatives(
    memory,
    TABLE,
    entries.map((entry) => ({
      orig: 0,
      repl: REPL,
      cpuid: ALWAYS,
      origLength: bytes(text).length,
      replLength: bytes(replacement).length,
      ...entry,
    })),
  );
  const host = fakeHost(version, memory, { features: [ALWAYS], ...settings });
  const priv = () => entries.map((_, i) => memory.bytes[TABLE + ALT_SIZE * i + 13]);
  const errno = applyAlternatives(host, TABLE, end);
  return { errno, text: hex(memory.read(0, bytes(text).length), ' '), lines: host.lines, memory, priv: priv() };
}

describe('replacing', () => {
  it('writes the replacement, and NOPs over the rest and the padding', () => {
    const text = '0f 31 c3 90 90 cc';
    const done = run({ text, replacement: '0f 01 f9', entries: [{ origLength: 3, padLength: 2 }] });
    expect(done).toMatchObject({ errno: null, text: '0f 01 f9 66 90 cc', lines: [], priv: [1] });
  });

  it("pads with the host's NOPs", () => {
    const text = '0f 31 c3 90 90 90 90 cc';
    const entries = [{ origLength: 3, padLength: 4 }];
    expect(run({ text, entries, settings: { nops: 'K8' } }).text).toBe('66 66 66 90 66 66 90 cc');
    expect(run({ text, entries }).text).toBe('0f 1f 80 00 00 00 00 cc');
  });

  it('overwrites the padding even if the toolchain padded with ideal NOPs', () => {
    const text = '0f 31 66 66 66 cc';
    const entries = [{ origLength: 2, padLength: 3 }];
    expect(run({ text, replacement: 'f3 90', entries, settings: { toolchainNopsIdeal: true } }).text).toBe(
      'f3 90 0f 1f 00 cc',
    );
  });

  it.each([
    // repl - orig is 0x100; disp32 is at 1.
    ['call', 'e8 10 00 00 00', 'e8 10 01 00 00'],
    ['jmp', 'e9 f0 fe ff ff', 'e9 f0 ff ff ff'],
    ['call, wrapping', 'e8 80 ff ff 7f', 'e8 80 00 00 80'],
  ])('retargets a %s', (_name, replacement, expected) => {
    expect(run({ text: '90 90 90 90 90', replacement, entries: [{}] }).text).toBe(expected);
  });

  it('retargets only the first instruction, and none shorter than five bytes', () => {
    const inside = '31 c0 e8 10 00 00 00';
    expect(run({ text: '90 90 90 90 90 90 90', replacement: inside, entries: [{}] }).text).toBe(inside);
    expect(run({ text: '90 90 90 90', replacement: 'e8 10 00 00', entries: [{}] }).text).toBe('e8 10 00 00');
    const conditional = '0f 84 10 00 00 00';
    expect(run({ text: '90 90 90 90 90 90', replacement: conditional, entries: [{}] }).text).toBe(conditional);
  });
});

describe('not replacing', () => {
  const text = '0f 31 c3 90 90 90 cc';
  const entries = [{ cpuid: NEVER, origLength: 3, padLength: 3 }];

  it('writes ideal NOPs over the padding', () => {
    const done = run({ text, replacement: 'f4', entries });
    expect(done).toMatchObject({ errno: null, text: '0f 31 c3 0f 1f 00 cc', priv: [1] });
  });

  it("keeps the padding since 4.12 if the toolchain's NOPs are ideal", () => {
    const settings = { toolchainNopsIdeal: true };
    for (const version of ['4.12.0', '4.17.7', '4.22.0']) {
      expect(run({ version, text, replacement: 'f4', entries, settings })).toMatchObject({ text, priv: [1] });
    }
    expect(run({ version: '4.11.4', text, replacement: 'f4', entries, settings }).text).toBe('0f 31 c3 0f 1f 00 cc');
  });

  it.each([0, 1])('keeps %i bytes of padding', (padLength) => {
    const done = run({ text: '0f 31 c3 66 cc', entries: [{ cpuid: NEVER, origLength: 3, padLength }] });
    expect(done).toMatchObject({ text: '0f 31 c3 66 cc', priv: [1] });
  });
});

describe('runs of entries with the same original', () => {
  const text = '0f 31 90 90 90 90 90 cc';

  it('are not padded by an entry that does not apply after one that did', () => {
    const entries = [
      { origLength: 2, padLength: 5 },
      { cpuid: NEVER, origLength: 2, padLength: 5 },
    ];
    const done = run({ text, replacement: '48 31 c0 48 31 db f4', entries });
    expect(done).toMatchObject({ text: '48 31 c0 48 31 db f4 cc', priv: [1, 0] });
  });

  it('are replaced by a later entry if an earlier one did not apply', () => {
    const entries = [
      { cpuid: NEVER, origLength: 2, padLength: 5 },
      { origLength: 2, padLength: 5 },
    ];
    const done = run({ text, replacement: '48 31 c0', entries });
    expect(done).toMatchObject({ text: '48 31 c0 0f 1f 40 00 cc', priv: [1, 1] });
  });

  it('are padded once, by the first entry and with its length', () => {
    const entries = [
      { cpuid: NEVER, origLength: 2, padLength: 3 },
      { cpuid: NEVER, origLength: 2, padLength: 5 },
    ];
    expect(run({ text, entries })).toMatchObject({ text: '0f 31 0f 1f 00 90 90 cc', priv: [1, 0] });
  });

  it('end at an entry with another original', () => {
    const entries = [
      { origLength: 2, padLength: 2 },
      { cpuid: NEVER, orig: 5, origLength: 1, padLength: 0, replLength: 1 },
      { cpuid: NEVER, origLength: 2, padLength: 2 },
    ];
    // The third starts a run of its own, so it pads what the first wrote.
    const done = run({ text, replacement: '48 31 c0 f4', entries });
    expect(done).toMatchObject({ text: '48 31 66 90 90 90 90 cc', priv: [1, 1, 1] });
  });

  it.each([
    ['4.12.4', '48 31 c0 cc'],
    ['4.13.0', '0f 31 90 cc'],
    ['4.22.0', '0f 31 90 cc'],
  ])('in %s: an entry with priv set is %s', (version, expected) => {
    expect(
      run({ version, text: '0f 31 90 cc', replacement: '48 31 c0', entries: [{ origLength: 3, priv: 1 }] }).text,
    ).toBe(expected);
  });

  it('are not padded if priv of the first entry is set', () => {
    const entries = [
      { cpuid: NEVER, origLength: 2, padLength: 3, priv: 7 },
      { cpuid: NEVER, origLength: 2, padLength: 3 },
    ];
    expect(run({ text, entries })).toMatchObject({ text, priv: [7, 0] });
  });
});

describe('inverted features', () => {
  const NOT = 0x8000;
  const first = { 17: 6, 18: 5, 19: 3, 20: 1, 21: 0, 22: 0 } as Readonly<Record<number, number>>;

  it('are supported since 4.17.6, 4.18.5, 4.19.3, 4.20.1 and 4.21.0', () => {
    for (const { version, alternatives } of RELEASES) {
      const [, minor, point] = version.split('.').map(Number) as [number, number, number];
      expect([version, alternatives.inverted]).toEqual([version, point >= (first[minor] ?? Infinity)]);
    }
  });

  it('apply if the host lacks the feature', () => {
    const run_ = (cpuid: number) =>
      run({ version: '4.18.5', text: '90 90', replacement: 'f3 90', entries: [{ cpuid }] }).text;
    expect(run_(NOT | NEVER)).toBe('f3 90');
    expect(run_(NOT | ALWAYS)).toBe('90 90');
    expect(run_(ALWAYS)).toBe('f3 90');
    expect(run_(NEVER)).toBe('90 90');
  });

  it('are out of range in earlier releases', () => {
    const entries = [{ cpuid: NOT | NEVER }];
    expect(() => run({ version: '4.18.3', text: '90 90', replacement: 'f3 90', entries })).toThrow('BUG 2');
    expect(run({ version: '4.18.4', text: '90 90', replacement: 'f3 90', entries })).toMatchObject({
      errno: 'ERANGE',
      lines: [`ERR Alt for %s, feature %#x outside of featureset range %#x <${BASE.toString(16)}> ${NOT | NEVER} 640`],
    });
  });
});

describe('bad entries', () => {
  const bad: readonly (readonly [string, 0 | 1 | 2, 'ENOSPC' | 'ERANGE', Partial<Alternative>])[] = [
    ['a replacement longer than original and padding', 0, 'ENOSPC', { origLength: 2, padLength: 1, replLength: 4 }],
    ['more than 254 bytes', 1, 'ENOSPC', { origLength: 200, padLength: 55, replLength: 1 }],
    ['a feature that does not exist', 2, 'ERANGE', { cpuid: 704, replLength: 1 }],
    // Several faults: the order of the checks decides.
    ['too long and out of range', 1, 'ENOSPC', { origLength: 255, padLength: 255, replLength: 255, cpuid: 0x7fff }],
  ];
  /** First point release, by branch, in which these are errors; earlier ones BUG(). aa5a06d5d6. */
  const errnoSince = { 18: 4, 19: 1, 20: 0, 21: 0, 22: 0 } as Readonly<Record<number, number>>;

  it.each(bad)('%s: BUG() or errno by release', (_name, index, errno, entry) => {
    for (const { version } of RELEASES) {
      const [, minor, point] = version.split('.').map(Number) as [number, number, number];
      const attempt = () => run({ version, text: '90 90 90', entries: [entry] });
      if (point >= (errnoSince[minor] ?? Infinity)) {
        const done = attempt();
        expect([version, done.errno, done.lines.length]).toEqual([version, errno, 1]);
        expect(done.text).toBe('90 90 90');
      } else {
        expect(attempt, version).toThrow(`BUG ${index}`);
        expect(attempt, version).toThrow(Stopped);
      }
    }
  });

  it('log the reason', () => {
    const line = (entry: Partial<Alternative>) =>
      run({ version: '4.20.0', text: '90 90 90', entries: [entry] }).lines[0];
    const at = `<${BASE.toString(16)}>`;
    expect(line({ origLength: 2, padLength: 1, replLength: 4 })).toBe(
      `ERR Alt for %s, replacement size %#x larger than origin %#x ${at} 4 3`,
    );
    expect(line({ origLength: 200, padLength: 55, replLength: 1 })).toBe(
      `ERR Alt for %s, origin size %#x bigger than buffer %#zx ${at} 255 254`,
    );
    expect(line({ cpuid: 640, replLength: 1 })).toBe(
      `ERR Alt for %s, feature %#x outside of featureset range %#x ${at} 640 640`,
    );
  });

  it('start just past the limits', () => {
    const errno = (entry: Partial<Alternative>) =>
      run({ version: '4.21.0', text: '90'.repeat(255), replacement: '90'.repeat(255), entries: [entry] }).errno;
    expect(errno({ origLength: 254, replLength: 254 })).toBeNull();
    expect(errno({ origLength: 127, padLength: 127, replLength: 254 })).toBeNull();
    expect(errno({ origLength: 128, padLength: 127, replLength: 254 })).toBe('ENOSPC');
    expect(errno({ origLength: 1, padLength: 1, replLength: 3 })).toBe('ENOSPC');
    expect(errno({ origLength: 1, padLength: 1, replLength: 2 })).toBeNull();
    expect(errno({ cpuid: 671, replLength: 1, origLength: 1 })).toBeNull();
    expect(errno({ cpuid: 672, replLength: 1, origLength: 1 })).toBe('ERANGE');
    expect(errno({ cpuid: 0x8000 | 671, replLength: 1, origLength: 1 })).toBeNull();
    expect(errno({ cpuid: 0x8000 | 672, replLength: 1, origLength: 1 })).toBe('ERANGE');
  });

  it('keep the effect of earlier entries', () => {
    const done = run({
      version: '4.20.0',
      text: '90 90 90 90',
      replacement: 'f3 90',
      entries: [{ origLength: 2 }, { orig: 2, origLength: 1, replLength: 2 }, { orig: 2, origLength: 2 }],
    });
    expect(done).toMatchObject({ errno: 'ENOSPC', text: 'f3 90 90 90', priv: [1, 0, 0] });
  });
});

describe('the feature limit', () => {
  /** NCAPINTS * 32, from each point release on. */
  const LIMITS: readonly (readonly [from: string, limit: number])[] = [
    ['4.11.0', 352],
    ['4.12.0', 352],
    ['4.13.0', 416],
    ['4.14.0', 416],
    ['4.14.5', 512],
    ['4.14.6', 640],
    ['4.15.0', 416],
    ['4.15.3', 512],
    ['4.15.5', 640],
    ['4.16.0', 448],
    ['4.16.1', 512],
    ['4.16.4', 576],
    ['4.16.5', 640],
    ['4.17.0', 512],
    ['4.17.1', 576],
    ['4.17.2', 640],
    ['4.17.6', 672],
    ['4.18.0', 640],
    ['4.18.6', 672],
    ['4.19.0', 640],
    ['4.19.3', 672],
    ['4.20.0', 640],
    ['4.20.1', 672],
    ['4.21.0', 672],
    ['4.21.1', 704],
    ['4.22.0', 704],
  ];
  const order = (version: string) => version.split('.').reduce((sum, part) => sum * 100 + Number(part), 0);

  it.each(RELEASES.map(({ version }) => version))('of %s', (version) => {
    const limit = LIMITS.filter(([from]) => order(from) <= order(version)).at(-1)?.[1] as number;
    const attempt = (cpuid: number) => {
      try {
        return run({
          version,
          text: '90 90',
          replacement: 'f3 90',
          entries: [{ cpuid }],
          settings: { features: [cpuid] },
        });
      } catch (thrown) {
        return (thrown as Error).message;
      }
    };
    expect(attempt(limit - 1)).toMatchObject({ errno: null, text: 'f3 90' });
    const refused = attempt(limit);
    if (typeof refused === 'string') expect(refused).toBe('BUG 2');
    else expect(refused.errno).toBe('ERANGE');
  });
});

describe('alternative calls in .altinstructions', () => {
  const POINTER = 0xffff_82d0_4050_0000n;
  const DEST = 0xffff_82d0_4020_0000n;
  const CALL = (opcode = '15') => {
    const disp = new Uint8Array(4);
    viewOf(disp).setInt32(0, Number(POINTER - (BASE + 6n)), true);
    return `ff ${opcode} ${hex(disp, ' ')}`;
  };
  const le64 = (value: bigint) => {
    const out = new Uint8Array(8);
    viewOf(out).setBigUint64(0, value, true);
    return hex(out);
  };
  const elsewhere = (dest: bigint, code: string) => ({ [POINTER.toString(16)]: le64(dest), [dest.toString(16)]: code });
  const call = (version: string, more: Partial<Case> & { settings?: HostSettings } = {}) =>
    run({
      version,
      text: CALL(),
      replacement: 'e8 fb ff ff ff',
      entries: [{ origLength: 6, replLength: 5 }],
      ...more,
      settings: { ibtBuild: true, elsewhere: elsewhere(DEST, 'f3 0f 1e fa'), ...more.settings },
    });

  it('enter past the ENDBR64 in builds with IBT, from 4.17 to 4.20', () => {
    for (const version of ['4.17.0', '4.17.7', '4.18.1', '4.19.0', '4.20.4']) {
      expect(call(version)).toMatchObject({ errno: null, text: 'e8 ff fe bf ff 90', lines: [] });
    }
  });

  it('call the function itself in other builds and releases', () => {
    // 0x40200000 - 0x40600105.
    const expected = 'e8 fb fe bf ff 90';
    expect(call('4.18.1', { settings: { ibtBuild: false } }).text).toBe(expected);
    for (const version of ['4.13.0', '4.14.6', '4.16.7']) expect(call(version).text).toBe(expected);
  });

  it('warn if the target has no ENDBR64', () => {
    const done = call('4.18.1', { settings: { elsewhere: elsewhere(DEST, '55 48 89 e5') } });
    expect(done.text).toBe('e8 fb fe bf ff 90');
    expect(done.lines).toEqual([
      `WARNING altcall %s dest %s has no endbr64 <${BASE.toString(16)}> <${DEST.toString(16)}>`,
    ]);
  });

  it('trap if the pointer is NULL', () => {
    const settings = { elsewhere: { [POINTER.toString(16)]: le64(0n) } };
    expect(call('4.18.1', { settings }).text).toBe('0f 0b 0f ff ff 90');
  });

  it('stay unchanged during boot while the pointer is NULL', () => {
    const settings = { elsewhere: { [POINTER.toString(16)]: le64(0n) }, nullCalls: 'defer' } as const;
    expect(call('4.18.1', { settings })).toMatchObject({ text: CALL(), priv: [0] });
  });

  it('may be tail calls', () => {
    const done = call('4.18.1', { text: CALL('25'), replacement: 'e9 fb ff ff ff' });
    expect(done.text).toBe('e9 ff fe bf ff 90');
  });

  it.each<[string, Partial<Case>]>([
    ['another feature', { entries: [{ origLength: 6, replLength: 5, cpuid: 1 }], settings: { features: [1] } }],
    ['another displacement', { replacement: 'e8 fa ff ff ff' }],
    ['a call of a jump', { text: CALL('25') }],
    ['a jump of a call', { replacement: 'e9 fb ff ff ff' }],
    ['no indirect branch', { text: `fe ${CALL().slice(3)}` }],
  ])('are recognised by every part of the pattern: %s', (_what, more) => {
    const done = call('4.18.1', more);
    // The displacement moves by 0x100, as for any other branch.
    const disp = more.replacement?.startsWith('e8 fa') ? 'fa' : 'fb';
    expect(done.text).toBe(`${(more.replacement ?? 'e8').slice(0, 2)} ${disp} 00 00 00 90`);
  });

  it('need an original of six bytes', () => {
    const done = call('4.18.1', { text: CALL(), entries: [{ origLength: 5, replLength: 5 }] });
    expect(done.text).toBe(`e8 fb 00 00 00 ${CALL().slice(-2)}`);
  });

  it('are ordinary branches before 4.13 and from 4.21 on', () => {
    for (const version of ['4.11.4', '4.12.4', '4.21.0', '4.22.0'])
      expect(call(version).text).toBe('e8 fb 00 00 00 90');
  });
});

describe('tail jumps to the return thunk', () => {
  const THUNK = BASE + 0x800n;
  /** `mov $1,%eax; jmp target` at {@link REPL}. */
  const replacement = (target: bigint) => {
    const code = bytes('b8 01 00 00 00 e9 00 00 00 00');
    viewOf(code).setInt32(6, Number(target - (BASE + BigInt(REPL) + 10n)), true);
    return hex(code, ' ');
  };
  const target = (text: string) => BASE + 10n + BigInt(viewOf(bytes(text)).getInt32(6, true));
  const text = '90 '.repeat(10);

  it('are retargeted since 4.21', () => {
    const at = (version: string, settings: HostSettings, to = THUNK) =>
      target(run({ version, text, replacement: replacement(to), entries: [{}], settings }).text) - BASE;
    expect(at('4.21.0', { returnThunk: THUNK })).toBe(0x800n);
    expect(at('4.22.0', { returnThunk: THUNK })).toBe(0x800n);
    // In other releases, the jump is off by the distance that the replacement moved.
    expect(at('4.20.4', { returnThunk: THUNK })).toBe(0x700n);
    expect(at('4.21.0', {})).toBe(0x700n);
    expect(at('4.21.0', { returnThunk: THUNK }, THUNK + 1n)).toBe(0x701n);
  });

  it('are retargeted like any jump if they are the whole replacement', () => {
    const code = bytes('e9 00 00 00 00');
    viewOf(code).setInt32(1, 0x800 - REPL - 5, true);
    const done = run({
      version: '4.21.0',
      text: '90 90 90 90 90',
      replacement: hex(code),
      entries: [{}],
      settings: { returnThunk: THUNK },
    });
    expect(viewOf(bytes(done.text)).getInt32(1, true)).toBe(0x800 - 5);
  });
});
