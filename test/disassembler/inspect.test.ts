import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import type { InspectedInstruction } from '../../src/documents/index.ts';
import { inspectSchema } from '../../src/documents/schemas.ts';
import { EM_AARCH64, EM_ARM, EM_X86_64, SHF_ALLOC, STT_FUNC } from '../../src/elf/index.ts';
import { inspectPayload } from '../../src/inspect/inspect.ts';
import { CODE_PER_FILE, CODE_PER_FUNCTION } from '../../src/inspect/inspect-code.ts';
import { documentJson, PLAIN, renderInspect } from '../../src/report/index.ts';
import { buildPayload, type PayloadSpec } from '../support/elf-builder.ts';
import { examplePath } from '../support/examples.ts';
import { compileC } from '../support/gcc.ts';
import { objdump } from './objdump.ts';
import { C, FLAGS } from './sources.ts';

const disassembler = await loadCapstone();
const inspect = (bytes: Uint8Array, options = { disassembler }) =>
  inspectPayload({ file: 'x.livepatch', name: 'x', bytes }, options);
const codeOf = (spec: PayloadSpec): readonly InspectedInstruction[] =>
  inspect(buildPayload(spec)).functions[0]?.code ?? [];

/** C with an entry in `.livepatch.funcs` that covers the whole of `.text`, so that all of it is shown. */
const patch = (size: number): string => `${C}
  struct func { const char *name; void *new_addr, *old_addr; unsigned new_size, old_size;
                unsigned char version, rest[71]; };
  __attribute__((section(".livepatch.funcs"), used))
  static struct func func = { "insert", (void *)insert, 0, ${size}, 64, 2 };`;

describe('relocated operands, against objdump -dr', () => {
  it.each(FLAGS)('%s', (_what, flags) => {
    const object = compileC(patch(1 << 16), [...flags, '-fno-toplevel-reorder', '-fno-reorder-functions']);
    const theirs = objdump(object);
    const code = inspect(object).functions[0]?.code ?? [];
    expect(code[0]?.offset).toBe(0);
    expect(code.map(({ offset, bytes }) => [offset, bytes.length / 2])).toEqual(
      theirs.map(({ offset, size }) => [offset, size]),
    );
    let relocations = 0;
    theirs.forEach((dumped, i) => {
      const { text, targets = [] } = code[i] as InspectedInstruction;
      expect(targets).toHaveLength(dumped.relocations.length);
      for (const { offset, type, value } of dumped.relocations) {
        relocations++;
        // What objdump has is the addend as stored, which in a relative field counts from the end of the instruction.
        const [, symbol = '', addend = '0'] = /^(.*?)([-+]0x[0-9a-f]+)?$/.exec(value) ?? [];
        const fromEnd = /PC32|PLT32/.test(type) ? dumped.offset + dumped.size - offset : 0;
        const stored = Number(addend.replace(/^([-+])/, '')) * (addend.startsWith('-') ? -1 : 1);
        const distance = stored + fromEnd;
        const label =
          distance === 0 ? symbol : `${symbol}${distance < 0 ? '-' : '+'}0x${Math.abs(distance).toString(16)}`;
        // Types that Xen refuses are told beside the text.
        if (/PC32|PLT32|_64$/.test(type)) expect(text).toContain(label);
        const said = JSON.stringify(targets);
        expect(said).toContain(symbol.startsWith('.L') ? 'section' : symbol);
      }
      if (dumped.relocations.length === 0) expect(text).not.toContain('printk');
    });
    expect(relocations).toBeGreaterThan(10);
  });

  it('in every kind of field that Xen relocates', () => {
    const code = Uint8Array.from([
      ...[0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0], // movabs $symbol, %rax
      ...[0xc7, 0x05, 0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12], // movl $0x12345678, symbol(%rip)
      ...[0xff, 0x15, 0, 0, 0, 0], // call *symbol(%rip)
      ...[0x0f, 0x84, 0, 0, 0, 0], // je symbol
    ]);
    const payload = buildPayload({
      functions: [],
      more: (builder) => {
        const section = builder.writer.section('.text', { flags: SHF_ALLOC | 4, data: code, addralign: 16 });
        const start = builder.writer.symbol('start', { section, type: STT_FUNC, size: BigInt(code.length) });
        const printk = builder.undefinedSymbol('printk');
        builder.writer.relocations(
          section,
          [
            { offset: 2, type: 1, symbol: printk, addend: 0x10 },
            { offset: 12, type: 2, symbol: printk, addend: -8 },
            { offset: 22, type: 2, symbol: printk, addend: -4 },
            { offset: 28, type: 4, symbol: start, addend: -4 },
          ],
          { addends: true },
        );
        builder.fields('.livepatch.hooks.load', 8).pointer(0, { symbol: start }).finish(builder.writer);
      },
    });
    const [hook] = inspect(payload).hooks;
    expect(hook?.code?.map(({ text, targets }) => [text, targets])).toEqual([
      ['movabsq $printk+0x10, %rax', [{ symbol: 'printk+0x10' }]],
      ['movl $0x12345678, printk(%rip)', [{ symbol: 'printk' }]],
      ['callq *printk(%rip)', [{ symbol: 'printk' }]],
      ['je start', [{ section: '.text', offset: 0, symbol: 'start' }]],
    ]);
  });

  it('are left alone where a relocation would change the opcode', () => {
    const code = Uint8Array.of(0x90, 0x90, 0x90, 0x90, 0xc3);
    const payload = buildPayload({
      functions: [],
      more: (builder) => {
        const section = builder.writer.section('.text', { flags: SHF_ALLOC | 4, data: code, addralign: 16 });
        const start = builder.writer.symbol('start', { section, type: STT_FUNC, size: 5n });
        builder.writer.relocations(section, [{ offset: 0, type: 2, symbol: start, addend: 0 }], { addends: true });
        builder.fields('.livepatch.hooks.load', 8).pointer(0, { symbol: start }).finish(builder.writer);
      },
    });
    const code_ = inspect(payload).hooks[0]?.code ?? [];
    expect(code_.map(({ text }) => text)).toEqual(['nop', 'nop', 'nop', 'nop', 'retq']);
    expect(code_[0]?.targets).toHaveLength(1);
  });
});

describe('code in the document', () => {
  it('is there only where it was asked for', () => {
    const bytes = new Uint8Array(readFileSync(examplePath('hooks')));
    const plain = inspectPayload({ file: 'x', name: 'x', bytes });
    expect([...plain.functions, ...plain.hooks].map(({ code }) => code)).toEqual([null, null, null]);
    const { functions, hooks } = inspect(bytes);
    expect([...functions, ...hooks].every(({ code }) => (code?.length ?? 0) > 1)).toBe(true);
  });

  it('is null for a function without code, and empty for one whose code is not in the file', () => {
    const { functions } = inspect(buildPayload({ functions: [{ code: null }, { newSize: 0 }] }));
    expect(functions.map(({ code }) => code)).toEqual([null, []]);
  });

  it('ends where the function ends, or the section', () => {
    expect(codeOf({ functions: [{ newSize: 2 }] })).toEqual([{ offset: 0, bytes: '31c0', text: 'xorl %eax, %eax' }]);
    expect(codeOf({ functions: [{ newSize: 0xffff_ffff }] }).map(({ bytes }) => bytes)).toEqual(['31c0', 'c3']);
  });

  it('is (bad) where it is none', () => {
    const code = Uint8Array.of(0x06, 0xc3);
    expect(codeOf({ functions: [{ code }] }).map(({ bytes, text }) => [bytes, text])).toEqual([
      ['06', '(bad)'],
      ['c3', 'retq'],
    ]);
  });

  it.each([
    ['x86_64', EM_X86_64, ['xorl %eax, %eax', 'retq']],
    ['arm64', EM_AARCH64, ['ret']],
    ['arm32', EM_ARM, ['bx lr']],
  ])('is read as %s', (arch, machine, texts) => {
    const payload = inspect(buildPayload({ machine, hooks: { load: 1 } }));
    expect(payload.arch).toBe(arch);
    expect(payload.functions[0]?.code?.map(({ text }) => text)).toEqual(texts);
    expect(payload.hooks[0]?.code?.map(({ text }) => text)).toEqual(texts);
  });

  it.each<
    readonly [string, number, boolean, readonly (readonly [word: number, type: number, addend: number, text: string])[]]
  >([
    [
      'arm64',
      EM_AARCH64,
      true,
      [
        [0x9000_0000, 275, 0, 'adrp x0, printk'],
        [0x9100_0000, 277, 0x10, 'add x0, x0, printk+0x10'],
        [0xf940_0001, 286, 8, 'ldr x1, [x0, printk+0x8]'],
        [0x5400_0000, 280, 0, 'b.eq printk'],
        [0x3618_0000, 279, 0, 'tbz w0, #3, printk'],
        [0x9400_0000, 283, 0, 'bl printk'],
      ],
    ],
    [
      'arm32, where branches count from two instructions on',
      EM_ARM,
      true,
      [
        [0xe300_0000, 43, 0, 'movw r0, printk'],
        [0xe340_0000, 44, 0, 'movt r0, printk'],
        [0xebff_fffe, 28, -8, 'bl printk'],
        [0x0aff_fffe, 29, 0, 'beq printk+0x8'],
      ],
    ],
    [
      'arm32 with addends in the instructions',
      EM_ARM,
      false,
      [
        [0xe300_0010, 43, 0, 'movw r0, printk+0x10'],
        [0xebff_fffe, 28, 0, 'bl printk'],
      ],
    ],
  ])('names what relocations lead to: %s', (_what, machine, addends, rows) => {
    const payload = buildPayload({
      machine,
      functions: [],
      more: (builder) => {
        const code = new Uint8Array(Uint32Array.from(rows, ([word]) => word).buffer);
        const symbol = builder.code('.text.hook', 'hook', code);
        const printk = builder.undefinedSymbol('printk');
        const entries = rows.map(([, type, addend], i) => ({ offset: 4 * i, type, symbol: printk, addend }));
        builder.writer.relocations(symbol.section as never, entries, { addends });
        builder
          .fields('.livepatch.hooks.load', machine === EM_ARM ? 4 : 8)
          .pointer(0, { symbol })
          .finish(builder.writer);
      },
    });
    const [hook] = inspect(payload).hooks;
    expect(hook?.code?.map(({ text }) => text)).toEqual(rows.map(([, , , text]) => text));
    // The last operand's text has what the document has.
    expect(hook?.code?.map(({ targets }) => targets?.[0]?.symbol)).toEqual(
      rows.map(([, , , text]) => /printk(?:\+0x[0-9a-f]+)?/.exec(text)?.[0]),
    );
  });
});

describe('limits', () => {
  const nops = (count: number): Uint8Array => new Uint8Array(count).fill(0x90);

  it('show so much of a function, and say so', () => {
    const whole = inspect(buildPayload({ functions: [{ code: nops(CODE_PER_FUNCTION) }] }));
    expect(whole.functions[0]?.code).toHaveLength(CODE_PER_FUNCTION);
    expect(whole.findings).toEqual([]);
    const cut = inspect(buildPayload({ functions: [{ code: nops(CODE_PER_FUNCTION + 1) }] }));
    expect(cut.functions[0]?.code).toHaveLength(CODE_PER_FUNCTION);
    expect(cut.findings).toMatchObject([{ rule: 'disassembly-limit', severity: 'note', where: { section: '.text' } }]);
  });

  it('show so much of a file, and say so once', () => {
    const long = CODE_PER_FILE / CODE_PER_FUNCTION;
    const functions = [...Array.from({ length: long }, () => ({ code: nops(CODE_PER_FUNCTION) })), {}, {}];
    const { functions: shown, findings } = inspect(buildPayload({ functions }));
    expect(shown.reduce((sum, { code }) => sum + (code?.length ?? 0), 0)).toBe(CODE_PER_FILE);
    expect(shown.slice(-2).map(({ code }) => code)).toEqual([[], []]);
    expect(findings.map(({ rule, where }) => [rule, where.offset])).toEqual([['disassembly-limit', CODE_PER_FILE]]);
  });
});

describe('whatever is in a file', () => {
  it('code is shown byte for byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (code) => {
        const shown = codeOf({ functions: [{ code }] });
        expect(shown.map(({ bytes }) => bytes).join('')).toBe(hex(code));
        expect(shown.every(({ text }) => /^[\x20-\x7e]+$/.test(text))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('there is a document that its schema describes: any eight bytes changed', () => {
    const sound = compileC(patch(1 << 16), FLAGS[0]?.[1]);
    fc.assert(
      fc.property(fc.nat(sound.length - 8), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (at, value) => {
        const bytes = sound.slice();
        new DataView(bytes.buffer).setBigUint64(at, value, true);
        const report = { format: 'xsplice-inspect/1', payloads: [inspect(bytes)] } as const;
        expect(inspectSchema.safeParse(JSON.parse(documentJson(report))).error?.message).toBeUndefined();
        expect(renderInspect(report, PLAIN)).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 300 },
    );
  });
});
