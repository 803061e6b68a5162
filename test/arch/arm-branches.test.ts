import { describe, expect, it } from 'vitest';
import { branchOffset as offset32, withBranchOffset as with32 } from '../../src/arch/arm32/branch.ts';
import { branchOffset as offset64, withBranchOffset as with64 } from '../../src/arch/arm64/branch.ts';
import { ARM32, ARM64, type Architecture, type PatchContext } from '../../src/arch/index.ts';
import { hex, viewOf } from '../../src/base/index.ts';
import { type CrossArch, crossAssemble, crossLink } from '../support/cross.ts';
import { func, functionState, release } from './support.ts';

const wordOf = (bytes: Uint8Array): number => viewOf(bytes).getUint32(0, true);

/** Assembles one line at an address, with a symbol `to`. */
function assembled(arch: CrossArch, line: string, at: bigint, to: bigint): number {
  const object = crossAssemble(arch, `.text\n${line}\n`);
  return wordOf(crossLink(arch, object, { '.text': at }, { to }, '.text').bytes);
}

describe('the branch that patches a function', () => {
  it('matches the measured encodings', () => {
    const jump = (arch: Architecture, from: bigint, to: bigint) => wordOf(arch.encodeJump(from, to));
    expect(jump(ARM64, 0xa000_0210_000n, 0xa000_1002_000n)).toBe(0x1437_c800);
    expect(jump(ARM64, 0xa000_1002_000n, 0xa000_0210_000n)).toBe(0x17c8_3800);
    expect(jump(ARM32, 0x21_0000n, 0x100_2000n)).toBe(0xea37_c7fe);
    expect(jump(ARM32, 0x100_2000n, 0x21_0000n)).toBe(0xeac8_37fe);
  });

  it.each([
    [0x20_1000n, 0xa0_2000n],
    [0xa0_2000n, 0x20_1000n],
    [0x20_1000n, 0x20_1004n],
    [0x20_1000n, 0x20_1000n],
    [0x20_1000n, 0x20_0ffcn],
    [0x20_1000n, 0x220_0ffcn],
  ])('is what the assembler and ld make, from %i to %i', (from, to) => {
    expect(wordOf(ARM64.encodeJump(from, to))).toBe(assembled('arm64', 'b to', from, to));
    expect(wordOf(ARM32.encodeJump(from, to))).toBe(assembled('arm32', 'b to', from, to));
  });

  it('is BRK on arm64 if it cannot be encoded, and a truncated branch on arm32', () => {
    const at = 0x1000_0000n;
    expect(wordOf(ARM64.encodeJump(at, at + 0x800_0000n))).toBe(0xd420_0040);
    expect(wordOf(ARM64.encodeJump(at, at + 0x7ff_fffcn))).toBe(0x15ff_ffff);
    expect(wordOf(ARM64.encodeJump(at, at - 0x800_0000n))).toBe(0x1600_0000);
    expect(wordOf(ARM64.encodeJump(at, at + 2n))).toBe(0xd420_0040);
    expect(wordOf(ARM32.encodeJump(at, at + 0x200_0000n + 8n))).toBe(0xea80_0000);
    expect(wordOf(ARM32.encodeJump(at, at + 2n))).toBe(0xeaff_fffe);
  });

  it('reaches as far as asm/livepatch.h says', () => {
    expect([ARM64.range, ARM32.range]).toEqual([128n << 20n, 32n << 20n]);
    expect([ARM64.patchInsnSize, ARM32.patchInsnSize]).toEqual([4, 4]);
  });

  it('becomes one NOP per four bytes', () => {
    expect(ARM64.nopSequences(8).map((nops) => hex(nops))).toEqual(['1f2003d51f2003d5']);
    expect(ARM32.nopSequences(4).map((nops) => hex(nops))).toEqual(['0000a0e1']);
    expect(wordOf(ARM64.nopSequences(4)[0] as Uint8Array)).toBe(assembled('arm64', 'nop', 0n, 0n));
    expect(wordOf(ARM32.nopSequences(4)[0] as Uint8Array)).toBe(assembled('arm32', 'mov r0, r0', 0n, 0n));
  });
});

describe('branches in alternatives', () => {
  const from = 0x20_1000n;
  const to = 0x20_3f20n;
  const again = 0x20_0f40n;

  it.each(['b to', 'bl to', 'tbz x3, #33, to', 'tbnz w3, #5, to', 'cbz x7, to', 'cbnz w7, to', 'b.eq to', 'b.lt to'])(
    'of arm64: %s',
    (line) => {
      const word = assembled('arm64', line, from, to);
      expect(offset64(word)).toBe(Number(to - from));
      expect(with64(word, Number(again - from))).toBe(assembled('arm64', line, from, again));
    },
  );

  it.each(['b to', 'bl to', 'beq to', 'blgt to'])('of arm32: %s', (line) => {
    const word = assembled('arm32', line, from, to);
    // Counts from two instructions ahead.
    expect(offset32(word)).toBe(Number(to - from) - 8);
    expect(with32(word, Number(again - from) - 8)).toBe(assembled('arm32', line, from, again));
  });

  it.each(['nop', 'br x3', 'ret', 'adr x0, to', 'ldr x0, to', 'brk #1', 'svc #0'])('are not: %s', (line) => {
    expect(offset64(assembled('arm64', line, from, to))).toBeUndefined();
  });

  it('of arm32 end at 32 MiB, those of arm64 are truncated', () => {
    expect([with32(0xea00_0000, 0x1ff_fffc), with32(0xea00_0000, 0x200_0000)]).toEqual([0xea7f_ffff, null]);
    expect([with32(0xea00_0000, -0x200_0000), with32(0xea00_0000, -0x200_0004)]).toEqual([0xea80_0000, null]);
    // tbz to 32 KiB: the highest bit of imm14, which is the sign.
    expect(offset64(with64(0x3600_0003, 0x8000))).toBe(-0x8000);
  });
});

describe('verifyFunc', () => {
  const context = {} as PatchContext;
  const refusal = (fields: Parameters<typeof func>[0]) => {
    const found = ARM64.verifyFunc(func(fields), context);
    return found === null ? null : [found.rule, found.errno];
  };

  it('limits the NOPs, and requires whole instructions', () => {
    expect([28, 0, 4].map((newSize) => refusal({ newAddr: 0n, newSize, oldSize: 4 }))).toEqual([null, null, null]);
    for (const newSize of [32, 31, 30, 2]) {
      expect(refusal({ newAddr: 0n, newSize, oldSize: 64 })).toEqual(['nop-length', 'EOPNOTSUPP']);
    }
  });

  it('requires room for one instruction', () => {
    expect(refusal({ oldSize: 3 })).toEqual(['function-too-small', 'EINVAL']);
    expect(refusal({ oldSize: 4 })).toBeNull();
    // Xen checks the length of the NOPs first, but not that they end in the function.
    expect(refusal({ newAddr: 0n, newSize: 6, oldSize: 1 })).toEqual(['nop-length', 'EOPNOTSUPP']);
    expect(refusal({ newAddr: 0n, newSize: 28, oldSize: 4 })).toBeNull();
    expect(ARM32.verifyFunc).toBe(ARM64.verifyFunc);
  });
});

describe('apply and revert', () => {
  const ALIAS = 0x4080_0000n;
  const START = 0x20_0000n;

  /** Memory in words, with a log of its changes. */
  function host(build: 'debug' | 'release' = 'release') {
    const memory = new Map<bigint, number>();
    const events: string[] = [];
    const context: PatchContext = {
      release: release('4.17.5'),
      memory: {
        read: (address, length) => {
          const bytes = new Uint8Array(length);
          for (let i = 0; i < length; i++) bytes[i] = memory.get(address + BigInt(i)) ?? 0x11;
          return bytes;
        },
        write: (address, bytes) => {
          events.push(`${address.toString(16)}: ${hex(bytes)}`);
          for (const [i, byte] of bytes.entries()) memory.set(address + BigInt(i), byte);
        },
      },
      nops: () => new Uint8Array(0),
      textAlias: (address) => address - START + ALIAS,
      cleanDataCache: (address, length) => {
        events.push(`clean ${address.toString(16)}+${length}`);
      },
      within: (_name, body) => body(),
      log: (_level, text) => {
        events.push(text);
      },
      assertionFails: (_where, condition) => {
        if (build === 'debug') throw new Error(condition);
      },
      reset: (reason) => {
        throw new Error(reason);
      },
    };
    return { context, events };
  }

  it('write through the second mapping, and clean the cache', () => {
    const { context, events } = host();
    const state = functionState();
    state.patchOffset = 0;
    const patched = func({ oldAddr: 0x20_1000n, newAddr: 0xa0_2000n, newSize: 20 });
    ARM64.apply(patched, state, context);
    ARM64.revert(patched, state, context);
    expect(events).toEqual([
      '40801000: 00042014',
      'clean a02000+20',
      'clean 40801000+4',
      '40801000: 11111111',
      'clean 40801000+4',
    ]);
  });

  it('write NOPs over new_size bytes', () => {
    const { context, events } = host();
    const state = functionState();
    state.patchOffset = 0;
    ARM32.apply(func({ oldAddr: 0x20_1000n, newAddr: 0n, newSize: 8 }), state, context);
    ARM32.apply(func({ oldAddr: 0x20_1000n, newAddr: 0n, newSize: 0 }), state, context);
    expect(events).toEqual(['40801000: 0000a0e10000a0e1', 'clean 40801000+8']);
  });

  it('log and write a trap if arm64 cannot encode the branch; a debug build panics', () => {
    const { context, events } = host();
    const state = functionState();
    state.patchOffset = 0;
    const far = func({ oldAddr: 0x20_1000n, newAddr: 0x20_1000n + ARM64.range, newSize: 0 });
    ARM64.apply(far, state, context);
    const misaligned = func({ oldAddr: 0x20_1000n, newAddr: 0xa0_2002n, newSize: 0 });
    ARM64.apply(misaligned, state, context);
    expect(events).toEqual([
      'branch_imm_common: offset out of range',
      '40801000: 400020d4',
      `clean ${far.newAddr.toString(16)}+0`,
      'clean 40801000+4',
      'branch_imm_common: A64 instructions must be word aligned',
      '40801000: 400020d4',
      'clean a02002+0',
      'clean 40801000+4',
    ]);
    expect(() => ARM64.apply(far, state, host('debug').context)).toThrow('insn != AARCH64_BREAK_FAULT');
  });
});

describe('symbols', () => {
  it('that map code and data are left out, and Thumb code is refused', () => {
    const names = ['$d', '$x', '$a', '$t', '$d.1', '$x.foo', '$a.', '$dx', '$', 'foo$d'];
    expect(names.filter((name) => ARM64.symbolOk?.(name) === false)).toEqual(['$d', '$x', '$d.1', '$x.foo']);
    expect(names.filter((name) => ARM32.symbolOk?.(name) === false)).toEqual(['$d', '$a', '$d.1', '$a.']);
    expect([...names, '$t.x'].filter((name) => ARM32.symbolDeny?.(name))).toEqual(['$t', '$t.x']);
    expect(ARM64.symbolDeny).toBeNull();
  });
});
