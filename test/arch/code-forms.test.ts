import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARM32, ARM64, X86_64 } from '../../src/arch/index.ts';
import { fromHex, viewOf } from '../../src/base/index.ts';

const forms = X86_64.code ?? expect.fail('x86-64 has code');

/** Reference implementation: tries every byte as the start of a branch. */
function plainly(code: Uint8Array, wanted: Uint8Array): { at: number; size: number; target: number }[] {
  const found: { at: number; size: number; target: number }[] = [];
  const view = viewOf(code);
  for (let at = 0; at < code.length; at++) {
    const opcode = code[at] as number;
    const short = (opcode & 0xf0) === 0x70 || opcode === 0xeb || (opcode >= 0xe0 && opcode <= 0xe3);
    const two = opcode === 0x0f && ((code[at + 1] ?? 0) & 0xf0) === 0x80;
    if (short && at + 2 <= code.length) found.push({ at, size: 2, target: at + 2 + view.getInt8(at + 1) });
    for (const [is, size] of [
      [opcode === 0xe8 || opcode === 0xe9, 5],
      [two, 6],
    ] as const) {
      if (is && at + size <= code.length)
        found.push({ at, size, target: at + size + view.getInt32(at + size - 4, true) });
    }
  }
  return found.filter(({ target }) => target >= 0 && target < code.length && wanted[target] === 1);
}

describe('branchesTo', () => {
  const SIZE = 0x3_0000;

  it('agrees with the reference, with few targets and with many', () => {
    const branch = fc.record({
      at: fc.nat(SIZE - 8),
      kind: fc.constantFrom(0xe8, 0xe9, 0x0f, 0xeb, 0x75, 0xe2),
      target: fc.nat(40),
      off: fc.integer({ min: -2, max: 5 }),
    });
    const property = fc.property(
      fc.array(fc.nat(SIZE - 8), { minLength: 1, maxLength: 20 }),
      fc.array(branch, { maxLength: 60 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      (targets, branches, noise) => {
        const code = new Uint8Array(SIZE);
        for (let i = 0; i < 4000; i++) code[(i * 7919) % SIZE] = noise.next().value ?? 0;
        const wanted = new Uint8Array(SIZE);
        for (const target of targets) wanted.fill(1, target, target + 4);
        const ranges = targets.map((start) => ({ start, end: start + 4 }));
        const view = viewOf(code);
        for (const { at, kind, target, off } of branches) {
          const to = (targets[target % targets.length] as number) + off;
          const size = kind === 0x0f ? 6 : kind === 0xe8 || kind === 0xe9 ? 5 : 2;
          code[at] = kind;
          if (kind === 0x0f) code[at + 1] = 0x84;
          if (size === 2) view.setInt8(at + 1, to - at - 2);
          else view.setInt32(at + size - 4, to - at - size, true);
        }
        expect(forms.branchesTo(code, ranges)).toEqual(plainly(code, wanted));
        // Code at an odd offset of its buffer.
        expect(forms.branchesTo(code.subarray(1), ranges)).toEqual(plainly(code.subarray(1), wanted));
      },
    );
    fc.assert(property, { numRuns: 40 });
  });

  it('stops at the ends of the code', () => {
    for (const hex of ['', 'eb', 'e8', 'e900000000', 'ebfe', '0f8400', '7500']) {
      const code = fromHex(hex) ?? expect.fail();
      for (const marks of [0, 1]) {
        const wanted = new Uint8Array(code.length).fill(marks);
        const ranges = marks === 0 ? [] : [{ start: -3, end: code.length + 3 }];
        expect(forms.branchesTo(code, ranges)).toEqual(plainly(code, wanted));
      }
    }
  });
});

describe('branches of Arm', () => {
  it('go to their encoded targets', () => {
    // Targets computed by hand from ARM DDI 0487, C6.2 and DDI 0406C, A8.8.18.
    const words = {
      // b +8; bl -4; cbz x0, +16; tbz x0, #0, +12; b.eq +8; nop
      arm64: [0x1400_0002, 0x97ff_ffff, 0xb400_0080, 0x3600_0060, 0x5400_0040, 0xd503_201f],
      // b +8; bl -4; beq +16; mov r0, r0
      arm32: [0xea00_0000, 0xebff_fffd, 0x0a00_0002, 0xe1a0_0000],
    } as const;
    const offsets = { arm64: [8, -4, 16, 12, 8, undefined], arm32: [8, -4, 16, undefined] } as const;
    for (const [arch, { code: forms }] of [
      ['arm64', ARM64],
      ['arm32', ARM32],
    ] as const) {
      words[arch].forEach((word, i) => {
        const code = new Uint8Array(64);
        viewOf(code).setUint32(32, word, true);
        const offset = offsets[arch][i];
        const found = forms?.branchesTo(code, [{ start: 0, end: 64 }]).filter(({ at }) => at === 32);
        expect(found, `${arch} ${word.toString(16)}`).toEqual(
          offset === undefined ? [] : [{ at: 32, size: 4, target: 32 + offset }],
        );
      });
    }
  });
});
