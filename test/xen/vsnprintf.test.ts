import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/base/index.ts';
import {
  type ArgumentSource,
  callArguments,
  type PrintkMachine,
  type Release,
  releaseByVersion,
  symbolText,
  vaListArguments,
  vsnprintf,
} from '../../src/xen/index.ts';
import { ARENA, ARENA_SIZE, arena, LONG_STRING, machine, parseVectors, SYMBOLS, VCPUS } from './vsnprintf/world.ts';

const release = (version: string): Release => releaseByVersion(version)?.release as Release;

const slots = (...args: bigint[]): ArgumentSource => {
  let next = 0;
  return { next: () => args[next++] ?? 0n };
};

const on = (version: string): PrintkMachine => machine(release(version), arena());
const text = (version: string, format: string, ...args: bigint[]): string =>
  vsnprintf(1024, format, slots(...args), on(version)).text;

describe.each(['4.17.5', '4.14.6'])("vsnprintf against Xen's own of %s", (version) => {
  const vectors = parseVectors(readFileSync(new URL(`vsnprintf/vectors-${version}.jsonl`, import.meta.url)));

  it('gives the same text and length for every recorded call', () => {
    const host = on(version);
    const wrong = vectors
      .map((vector) => ({ vector, made: vsnprintf(vector.size, vector.format, slots(...vector.args), host) }))
      .filter(({ vector, made }) => made.text !== vector.text || made.length !== vector.length);
    expect(wrong).toEqual([]);
  });

  it('has vectors of every conversion', () => {
    const seen = vectors.map(({ format }) => format).join('\n');
    const missing = ['%p', 'ps', 'pS', 'pd', 'pv', '*pb', '*pbl', '*ph', '*phC', '*phD', '*phN', 'pp'].filter(
      (conversion) => !seen.includes(conversion),
    );
    expect(missing).toEqual([]);
    expect(vectors.length).toBeGreaterThan(700);
  });
});

describe('suffixes of %p', () => {
  it('are text in releases without them', () => {
    expect(text('4.11.4', '%pd %pb %pp', 1n, 2n, 3n)).toBe('0000000000000001d 0000000000000002b 0000000000000003p');
    expect(text('4.12.0', '%2pb', 1n)).toBe(' 1b');
    expect(text('4.13.0', '%pbx', 1n)).toBe('x');
    expect(text('4.14.6', '%pp', 1n)).toBe('0000000000000001p');
    expect(text('4.15.0', '%pp', ARENA + 0x1000n)).toBe('0000:00:00.0');
  });

  it('names the idle domain like the release', () => {
    const idle = ARENA + BigInt(VCPUS + 9 * 32);
    expect(text('4.11.0', '%pv', idle)).toBe('IDLEv63');
    expect(text('4.12.0', '%pv', idle)).toBe('d[IDLE]v63');
    expect(text('4.11.0', '%pv', ARENA + BigInt(VCPUS + 32))).toBe('d1v7');
  });

  it('reads a NULL vcpu in 4.11 only', () => {
    expect(() => text('4.11.0', '%pv', 0n)).toThrow('fault at');
    expect(text('4.12.0', '%pv', 0n)).toBe('NULL');
  });

  it('names symbols', () => {
    expect(text('4.17.5', '%ps|%pS', SYMBOLS + 0x100n, SYMBOLS + 0x100n)).toBe('symbol_1|symbol_1+0/0x10');
    expect(text('4.17.5', '%ps', SYMBOLS + 0x412n)).toBe('symbol_4+0x12/0x40 [payload4]');
    expect(text('4.17.5', '%ps', 5n)).toBe('0000000000000005');
    expect(symbolText({ name: 'f', offset: 0, size: 0 }, true)).toBe('f+0/0');
  });
});

describe('memory', () => {
  it('is not read beyond the precision', () => {
    const end = ARENA + BigInt(ARENA_SIZE - 4);
    const host = on('4.17.5');
    host.memory.write(end, new Uint8Array(4).fill(0x41));
    expect(vsnprintf(64, '%.4s', slots(end), host).text).toBe('AAAA');
    expect(() => vsnprintf(64, '%s', slots(end), host)).toThrow(
      `fault at ${(ARENA + BigInt(ARENA_SIZE)).toString(16)}`,
    );
  });

  it('is read across pages', () => {
    const expected = Array.from({ length: 0x50 }, (_, i) => String.fromCharCode(65 + ((LONG_STRING + i) % 26))).join(
      '',
    );
    expect(text('4.17.5', '%s', ARENA + BigInt(LONG_STRING))).toBe(expected);
  });

  it('is read up to a limit for an unterminated string', () => {
    const memory = { ...on('4.17.5').memory, read: (_: bigint, length: number) => new Uint8Array(length).fill(0x41) };
    const made = vsnprintf(8, '%s', slots(0x1000n), { ...on('4.17.5'), memory });
    expect(made).toEqual({ text: 'AAAAAAA', length: 1 << 20 });
  });

  it('receives the length for %n', () => {
    const host = on('4.17.5');
    const at = ARENA + 0x2000n;
    host.memory.write(at, new Uint8Array(16).fill(0xff));
    expect(vsnprintf(4, '12345%n', slots(at), host)).toEqual({ text: '123', length: 5 });
    expect(viewOf(host.memory.read(at, 8)).getBigUint64(0, true)).toBe(0xffff_ffff_0000_0005n);
    vsnprintf(64, '123%ln', slots(at), host);
    expect(viewOf(host.memory.read(at, 8)).getBigUint64(0, true)).toBe(3n);
  });

  it('of ours stays bounded for huge widths', () => {
    const made = vsnprintf(16, '%*d%.*x', slots(0x7fff_ffffn, 1n, 0x7fff_ffffn, 2n), on('4.17.5'));
    expect(made).toEqual({ text: ' '.repeat(15), length: -2 });
  });
});

describe('a machine with pointers of 32 bits', () => {
  const host: PrintkMachine = { ...on('4.17.5'), pointerSize: 4 };

  it.each<[string, bigint[], string]>([
    ['%p', [0xffff_ffff_0021_0000n], '00210000'],
    ['%ld %lu', [0xffff_fffen, 0xffff_fffen], '-2 4294967294'],
    // size_t is zero-extended to 64 bits before its sign is examined.
    ['%zd', [0xffff_fffen], '4294967294'],
    ['%lld', [-3n & 0xffff_ffff_ffff_ffffn], '-3'],
  ])('%s', (format, args, expected) => {
    expect(vsnprintf(64, format, slots(...args), host).text).toBe(expected);
  });
});

describe('arguments', () => {
  const bytes = new Uint8Array(256);
  const view = viewOf(bytes);
  for (let i = 0; i < 32; i++) view.setBigUint64(8 * i, 0x1000n + BigInt(i), true);
  const read = (address: bigint, length: number): Uint8Array =>
    bytes.subarray(Number(address), Number(address) + length);
  const take = (source: ArgumentSource, count: number): bigint[] => Array.from({ length: count }, () => source.next(8));

  it('are in registers, then on the stack', () => {
    expect(take(callArguments([1n, 2n], 16n, read), 4)).toEqual([1n, 2n, 0x1002n, 0x1003n]);
  });

  it('of 64 bits start in even registers of 32', () => {
    view.setUint32(128, 0xaaaa, true);
    view.setUint32(136, 0x1111, true);
    view.setUint32(140, 0x2222, true);
    // r1 … r3: r1 is skipped, then r2 and r3.
    expect(callArguments([1n, 2n, 3n], 128n, read, 4).next(8)).toBe(0x3_0000_0002n);
    // Only r3 is left: it stays unused. A value after a word is aligned.
    const source = callArguments([3n], 128n, read, 4);
    expect([source.next(4), source.next(4), source.next(8), source.next(4)]).toEqual([
      3n,
      0xaaaan,
      0x2222_0000_1111n,
      0x1012n,
    ]);
    expect(callArguments([3n], 136n, read, 4).next(8)).toBe(0x2222_0000_1111n);
  });

  it('of a va_list are in its save area, then in the overflow area', () => {
    view.setUint32(200, 32, true);
    view.setUint32(204, 48, true);
    view.setBigUint64(208, 80n, true);
    view.setBigUint64(216, 0n, true);
    expect(take(vaListArguments(200n, read), 4)).toEqual([0x1004n, 0x1005n, 0x100an, 0x100bn]);
  });
});
