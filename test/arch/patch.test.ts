import { describe, expect, it } from 'vitest';
import { X86_64 } from '../../src/arch/index.ts';
import { hex } from '../../src/base/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { bytes, FlatMemory, func, functionState, patchContext, release, Stopped } from './support.ts';

const OLD = 0xffff_82d0_4022_1000n;
const NEW = 0xffff_82d0_4080_9000n;
const ENDBR = 'f3 0f 1e fa';
const POISON = '66 0f 1f 01';
/** The bytes after the function's first four, up to 35. */
const BODY = '55 48 89 e5 41 57 41 56 41 55 41 54 53 48 83 ec 18 48 89 fb 48 8b 07 48 85 c0 74 10 31 d2 31 f6 5b 5d c3';

function oldFunction(start: string): FlatMemory {
  const memory = new FlatMemory(OLD, 64);
  memory.write(0, bytes(start + BODY));
  return memory;
}

describe('jumps', () => {
  it.each([
    ['forwards', OLD, NEW, 'e9 fb 7f 5e 00'],
    ['behind an ENDBR64', OLD + 4n, NEW, 'e9 f7 7f 5e 00'],
    ['backwards', NEW, OLD, 'e9 fb 7f a1 ff'],
    // By hand: to = from + 5 gives 0, to = from gives -5.
    ['to the next instruction', OLD, OLD + 5n, 'e9 00 00 00 00'],
    ['to itself', OLD, OLD, 'e9 fb ff ff ff'],
    ['as far forwards as it goes', OLD, OLD + 5n + 0x7fff_ffffn, 'e9 ff ff ff 7f'],
    ['as far backwards as it goes', OLD, OLD + 5n - 0x8000_0000n, 'e9 00 00 00 80'],
  ])('%s', (_what, from, to, expected) => {
    expect(hex(X86_64.encodeJump(from, to), ' ')).toBe(expected);
  });
});

describe('verify_func', () => {
  const verify = (version: string, start: string, fields: Parameters<typeof func>[0]) =>
    X86_64.verifyFunc(func(fields), patchContext(version, oldFunction(start)))?.errno ?? null;

  it('requires 5 bytes for the jump', () => {
    expect(verify('4.18.1', '', { oldSize: 5 })).toBeNull();
    expect(verify('4.18.1', '', { oldSize: 4 })).toBe('EINVAL');
  });

  /** The smallest old_size, by the function's first bytes and release. */
  it.each([
    ['4.13.5', ENDBR, 5],
    ['4.14.4', ENDBR, 5],
    ['4.14.5', ENDBR, 9],
    ['4.15.2', ENDBR, 5],
    ['4.15.3', ENDBR, 9],
    ['4.16.0', ENDBR, 5],
    ['4.16.1', ENDBR, 9],
    ['4.16.7', POISON, 5],
    ['4.17.0', ENDBR, 9],
    ['4.17.0', POISON, 9],
    ['4.22.0', ENDBR, 9],
    ['4.22.0', POISON, 9],
    // One bit off.
    ['4.22.0', 'f3 0f 1e fb', 5],
    ['4.22.0', '66 0f 1f 00', 5],
  ])('in %s, in front of %s, needs %i bytes', (version, start, needed) => {
    expect(verify(version, start, { oldSize: needed })).toBeNull();
    expect(verify(version, start, { oldSize: needed - 1 })).toBe('EINVAL');
  });

  it.each(RELEASES.map(({ version }) => version))('limits NOPs in %s without reading the function', (version) => {
    const nothing = patchContext(version, new FlatMemory(0n, 0));
    const nop = (newSize: number, oldSize: number) =>
      X86_64.verifyFunc(func({ newAddr: 0n, newSize, oldSize }), nothing)?.errno ?? null;
    expect(nop(31, 31)).toBeNull();
    expect(nop(32, 32)).toBe('EOPNOTSUPP');
    // Too long and past the end: Xen checks the length first.
    expect(nop(32, 1)).toBe('EOPNOTSUPP');
    expect(nop(16, 15)).toBe('EINVAL');
    expect(nop(0, 1)).toBeNull();
  });

  it('reads the function if the release checks for ENDBR64', () => {
    const nothing = new FlatMemory(0n, 0);
    expect(() => X86_64.verifyFunc(func({}), patchContext('4.14.5', nothing))).toThrow(RangeError);
    expect(X86_64.verifyFunc(func({}), patchContext('4.14.4', nothing))).toBeNull();
  });
});

describe('apply and revert', () => {
  function carry(version: string, start: string, fields: Parameters<typeof func>[0], nops: 'P6' | 'K8' = 'P6') {
    const memory = oldFunction(start);
    const before = hex(memory.bytes);
    const context = patchContext(version, memory, nops);
    const state = functionState();
    const patched = func(fields);
    X86_64.apply(patched, state, context);
    const applied = hex(memory.read(0, 35), ' ');
    X86_64.revert(patched, state, context);
    expect(hex(memory.bytes)).toBe(before);
    return { applied, offset: state.patchOffset };
  }
  const original = (start: string) => hex(bytes(start + BODY).subarray(0, 35), ' ');
  /** Returns the original with `patch` written over it at `at`. */
  const with_ = (start: string, at: number, patch: string) => {
    const copy = bytes(start + BODY).slice(0, 35);
    copy.set(bytes(patch), at);
    return hex(copy, ' ');
  };

  it('write the jump at the start of the function', () => {
    expect(carry('4.18.1', '', {})).toEqual({ applied: with_('', 0, 'e9 fb 7f 5e 00'), offset: 0 });
  });

  it.each([
    ['4.14.4', ENDBR, 0],
    ['4.14.5', ENDBR, 4],
    ['4.16.1', POISON, 0],
    ['4.17.0', POISON, 4],
    ['4.17.0', ENDBR, 4],
    ['4.21.2', ENDBR, 4],
  ])('in %s, with %s in front, keeps that many bytes: %i', (version, start, offset) => {
    const jump = offset === 4 ? 'e9 f7 7f 5e 00' : 'e9 fb 7f 5e 00';
    expect(carry(version, start, {})).toEqual({ applied: with_(start, offset, jump), offset });
  });

  it('check for the ENDBR64 when they apply, not before', () => {
    const memory = oldFunction(ENDBR);
    const state = functionState();
    const context = patchContext('4.18.1', memory);
    X86_64.apply(func({}), state, context);
    X86_64.revert(func({}), state, context);
    memory.write(0, bytes('90 90 90 90'));
    X86_64.apply(func({}), state, context);
    expect(state.patchOffset).toBe(0);
    expect(hex(memory.read(0, 5), ' ')).toBe('e9 fb 7f 5e 00');
  });

  it.each([
    ['P6', '', 7, 0, '0f 1f 80 00 00 00 00'],
    ['K8', '', 7, 0, '66 66 66 90 66 66 90'],
    ['P6', '', 1, 0, '90'],
    // After an ENDBR64, there are four bytes of NOPs fewer, as on the real hypervisor.
    ['P6', ENDBR, 5, 4, '90'],
    ['P6', ENDBR, 13, 4, '66 0f 1f 84 00 00 00 00 00'],
    ['P6', ENDBR, 31, 4, '66 0f 1f 84 00 00 00 00 00 66 0f 1f 84 00 00 00 00 00 66 0f 1f 84 00 00 00 00 00'],
    ['P6', ENDBR, 4, 4, ''],
    ['P6', '', 0, 0, ''],
  ] as const)('fills with NOPs: %s, "%s", new_size %i', (nops, start, newSize, offset, expected) => {
    const result = carry('4.18.1', start, { newAddr: 0n, newSize, oldSize: 31 }, nops);
    expect(result).toEqual({ applied: with_(start, offset, expected), offset });
    if (expected === '') expect(result.applied).toBe(original(start));
  });

  it.each([0, 1, 2, 3])('crash the host if %i bytes of NOPs meet an ENDBR64', (newSize) => {
    const memory = oldFunction(ENDBR);
    const before = hex(memory.bytes);
    const apply = () =>
      X86_64.apply(func({ newAddr: 0n, newSize, oldSize: 31 }), functionState(), patchContext('4.18.1', memory));
    expect(apply).toThrow(Stopped);
    expect(hex(memory.bytes)).toBe(before);
  });

  it('report how many bytes they write', () => {
    expect(X86_64.insnLength(func({}), 0)).toBe(5);
    expect(X86_64.insnLength(func({}), 4)).toBe(5);
    expect(X86_64.insnLength(func({ newAddr: 0n, newSize: 13 }), 4)).toBe(9);
    expect(X86_64.insnLength(func({ newAddr: 0n, newSize: 3 }), 4)).toBe(0xffff_ffff);
  });
});

describe('the record', () => {
  it('has the numbers of asm/livepatch.h', () => {
    expect(X86_64.patchInsnSize).toBe(5);
    expect(X86_64.range).toBe(2n ** 31n);
    const { exTableEntrySize, altCallSize } = X86_64;
    const bugFrameSize = X86_64.bugFrames.size;
    const altInstrSize = X86_64.alternatives.entrySize;
    expect({ bugFrameSize, altInstrSize, exTableEntrySize, altCallSize }).toEqual({
      bugFrameSize: 8,
      altInstrSize: 14,
      exTableEntrySize: 8,
      altCallSize: 4,
    });
  });

  it('skips what the release looks for at the start of a function', () => {
    const rule = (version: string) => release(version).endbr;
    expect(['4.11.0', '4.14.4', '4.15.2', '4.16.0'].map(rule)).toEqual(Array(4).fill('ignored'));
    expect(['4.14.5', '4.15.3', '4.16.1', '4.16.7'].map(rule)).toEqual(Array(4).fill('endbr64'));
    expect(['4.17.0', '4.18.0', '4.22.0'].map(rule)).toEqual(Array(3).fill('endbr64-or-poison'));
  });

  it('accepts four relocations, and only RELA', () => {
    expect(
      [...X86_64.relocations.values()].map(({ type, name, relative, width, range }) => [
        ...[type, name, relative, width, range],
      ]),
    ).toEqual([
      [0, 'R_X86_64_NONE', 'no', 0, null],
      [1, 'R_X86_64_64', 'no', 8, null],
      [2, 'R_X86_64_PC32', 'place', 4, { min: -0x8000_0000, max: 0x7fff_ffff }],
      [4, 'R_X86_64_PLT32', 'place', 4, { min: -0x8000_0000, max: 0x7fff_ffff }],
    ]);
    expect(X86_64.relocationRules.relRefusal).toMatchObject({
      errno: 'EOPNOTSUPP',
      log: ['SHT_REL relocation unsupported'],
    });
  });

  it('verifies machine, class and byte order', () => {
    const ident = (elfClass: number, data: number) =>
      Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, elfClass, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const header = { ...X86_64.elf.readEhdr(new DataView(new ArrayBuffer(64)), 0), e_machine: 62 };
    const errno = (e_machine: number, elfClass: number, data: number) =>
      X86_64.verifyElf({ ...header, e_machine, e_ident: ident(elfClass, data) })?.errno ?? null;
    expect(errno(62, 2, 1)).toBeNull();
    expect(errno(183, 2, 1)).toBe('EOPNOTSUPP');
    expect(errno(62, 1, 1)).toBe('EOPNOTSUPP');
    expect(errno(62, 2, 2)).toBe('EOPNOTSUPP');
  });
});
