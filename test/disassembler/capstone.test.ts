import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instructionText } from '../../src/arch/index.ts';
import { fromHex } from '../../src/base/index.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import { type ElfFile, readElf } from '../../src/elf/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { assemble, compileC } from '../support/gcc.ts';
import { objdump, sameMnemonic } from './objdump.ts';
import { C, FLAGS } from './sources.ts';

const capstone = await loadCapstone();
const textOf = (object: Uint8Array): Uint8Array => (readElf(object) as ElfFile).section('.text')?.data() as Uint8Array;
const decode = (arch: XenArch, hex: string, origin = 0) => {
  const code = fromHex(hex) as Uint8Array;
  return capstone.disassemble(arch, code, origin).map(instructionText);
};

describe('what gcc makes, as objdump reads it', () => {
  it.each(FLAGS)('%s: the same instructions', (_what, flags) => {
    const object = compileC(C, flags);
    const theirs = objdump(object);
    const ours = capstone.disassemble('x86_64', textOf(object), 0);
    expect(theirs.length).toBeGreaterThan(140);
    expect(ours.map(({ offset, size }) => [offset, size])).toEqual(theirs.map(({ offset, size }) => [offset, size]));
    const other = theirs.flatMap(({ text }, i) => {
      const instruction = ours[i];
      const mine = instruction === undefined ? '' : instructionText(instruction);
      return sameMnemonic(text, mine) ? [] : [`${text} is ${mine}`];
    });
    expect(other).toEqual([]);
  });

  it('and numbers are printed as objdump prints them', () => {
    const source = `
      movq $-1, %rax
      movq $5, %rdi
      movl $9, 8(%rax, %rbx, 4)
      movl %gs:5, %eax
      movb 7(,%rbx,8), %r9b
      fxch %st(3)
      cmpb $255, (%r12)
      call *9(%r11)
      jmp .
      ret $8
    `;
    const object = assemble(source);
    const operands = (text: string): string => text.replace(/^\S+ */, '').replace(/\s/g, '');
    const ours = capstone.disassemble('x86_64', textOf(object), 0).map((each) => operands(instructionText(each)));
    // objdump prints 0x for all but the targets of jumps, which are addresses.
    const theirs = objdump(object).map(({ text }) => operands(text).replace(/^([0-9a-f]+)$/, '0x$1'));
    expect(ours).toEqual(theirs);
  });
});

describe('the port', () => {
  it('tells the sizes alone as it tells them with the texts, on all architectures and of any bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<XenArch[]>('x86_64', 'arm64', 'arm32'),
        fc.uint8Array({ maxLength: 200 }),
        (arch, code) => {
          const sizes = new Uint8Array(code.length);
          for (const { kind, offset, size } of capstone.disassemble(arch, code, 0)) {
            if (kind === 'instruction') sizes[offset] = size;
          }
          expect(capstone.sizes(arch, code)).toEqual(sizes);
        },
      ),
    );
  });

  it('tells jump targets from where the code starts', () => {
    expect(decode('x86_64', 'eb0e e8fbffffff', 0x4000)).toEqual(['jmp 0x4010', 'callq 0x4002']);
  });

  it('shows what is no instruction byte by byte, and goes on', () => {
    const code = fromHex('90 06 0e c3') as Uint8Array;
    const found = capstone.disassemble('x86_64', code, 0);
    expect(found.map(({ kind, offset, size }) => [kind, offset, size])).toEqual([
      ['instruction', 0, 1],
      ['bad', 1, 1],
      ['bad', 2, 1],
      ['instruction', 3, 1],
    ]);
    expect(found.map(instructionText)).toEqual(['nop', '(bad)', '(bad)', 'retq']);
  });

  it('does not go beyond the code for the rest of an instruction', () => {
    capstone.disassemble('x86_64', new Uint8Array(64), 0);
    expect(decode('x86_64', '90 e8 00 00')).toEqual(['nop', '(bad)', 'addb %al, (%rax)']);
  });

  // Words of Xen's own Arm code, and encodings of the architecture manuals (Arm DDI 0487, DDI 0406).
  it('reads arm64', () => {
    expect(decode('arm64', '00c83714 1f2003d5 c0035fd6 420000d4')).toEqual(['b #0xdf2000', 'nop', 'ret', 'hvc #2']);
    expect(decode('arm64', '00000000 1f2003d5 1f20')).toEqual(['udf #0', 'nop', '(bad)']);
    expect(decode('arm64', 'ffffffff 1f2003d5')).toEqual(['(bad)', 'nop']);
  });

  it('reads arm32', () => {
    expect(decode('arm32', '1eff2fe1 feffffeb 00f020e3', 0x100)).toEqual(['bx lr', 'bl #0x104', 'nop']);
  });

  it('keeps architectures apart, asked for in any order', () => {
    const nop = { x86_64: '90', arm64: '1f2003d5', arm32: '00f020e3' } as const;
    for (const arch of ['arm32', 'x86_64', 'arm64', 'x86_64', 'arm32'] as const) {
      expect(decode(arch, nop[arch])).toEqual(['nop']);
    }
  });

  it('takes the WebAssembly as bytes, as a browser has to give it', async () => {
    const path = createRequire(import.meta.url).resolve('@alexaltea/capstone-js/dist/capstone.wasm');
    const given = await loadCapstone({ wasm: new Uint8Array(readFileSync(path)) });
    expect(given.disassemble('x86_64', Uint8Array.of(0xc3), 0).map(instructionText)).toEqual(['retq']);
    await expect(loadCapstone({ wasm: Uint8Array.of(1, 2, 3, 4) })).rejects.toThrow();
  });
});

describe('whatever bytes are given', () => {
  const arch = fc.constantFrom<XenArch>('x86_64', 'arm64', 'arm32');
  const code = fc.uint8Array({ maxLength: 300 });

  it('the instructions cover each of them once', () => {
    fc.assert(
      fc.property(arch, code, fc.nat(), (of, bytes, origin) => {
        let at = 0;
        for (const instruction of capstone.disassemble(of, bytes, origin)) {
          const { offset, size } = instruction;
          expect(offset).toBe(at);
          expect(size).toBeGreaterThan(0);
          expect(instructionText(instruction)).not.toBe('');
          at += size;
        }
        expect(at).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('the same bytes give the same text', () => {
    fc.assert(
      fc.property(arch, code, (of, bytes) => {
        const texts = () => capstone.disassemble(of, bytes, 0).map(instructionText);
        expect(texts()).toEqual(texts());
      }),
      { numRuns: 200 },
    );
  });
});
