import { describe, expect, it } from 'vitest';
import {
  constantMoved,
  type DecodedInstruction,
  endsFlow,
  type Instruction,
  isPadding,
  type Operand,
} from '../../src/arch/index.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import { type ElfFile, readElf } from '../../src/elf/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { crossAssemble } from '../support/cross.ts';

const capstone = await loadCapstone();

/** The instructions of a source in which each line is one. */
function assembled(arch: XenArch, lines: readonly string[]): DecodedInstruction[] {
  const object = readElf(crossAssemble(arch, `${EXTENSIONS[arch]}${lines.join('\n')}\n`)) as ElfFile;
  const code = object.section('.text')?.data() ?? new Uint8Array(0);
  const all = capstone.disassemble(arch, code, 0).filter(({ kind }) => kind === 'instruction');
  expect(all.length).toBeGreaterThanOrEqual(lines.length);
  return all.slice(0, lines.length) as DecodedInstruction[];
}

const EXTENSIONS: Readonly<Record<XenArch, string>> = {
  x86_64: '',
  arm64: '.arch armv8.1-a\n',
  arm32: '.arch armv7ve\n.arch_extension sec\n',
};

const flowText = (instruction: Instruction): string =>
  instruction.kind === 'bad'
    ? 'bad'
    : `${instruction.flow}${instruction.conditional ? '?' : ''}${endsFlow(instruction) ? ' ends' : ''}${isPadding(instruction) ? ' fills' : ''}`;

describe('what an instruction does to control flow', () => {
  it.each<readonly [XenArch, readonly (readonly [source: string, flow: string])[]]>([
    [
      'x86_64',
      [
        ['ret', 'return ends'],
        ['ret $8', 'return ends'],
        ['iretq', 'return ends'],
        ['sysretq', 'return ends'],
        ['jmp .', 'jump ends'],
        ['.byte 0xe9, 0, 0, 0, 0', 'jump ends'],
        ['notrack jmp *%rax', 'indirect-jump ends'],
        ['jmp *8(%rip)', 'indirect-jump ends'],
        ['je .', 'jump?'],
        ['.byte 0x0f, 0x85, 0, 0, 0, 0', 'jump?'],
        ['jrcxz .', 'jump?'],
        ['xbegin .', 'jump?'],
        ['call .', 'call'],
        ['call *%rax', 'indirect-call'],
        ['pushq (%rax)', 'next'],
        ['ud2', 'trap ends'],
        ['hlt', 'halt ends'],
        ['int3', 'breakpoint fills'],
        ['nop', 'nop fills'],
        ['.byte 0x66, 0x90', 'nop fills'],
        ['nopw 0(%rax, %rax)', 'nop fills'],
        ['pause', 'next'],
        ['xchg %rax, %r8', 'next'],
        ['endbr64', 'next'],
        ['repne scasb', 'next'],
        ['serialize', 'next'],
        ['vpsubsb %xmm0, %xmm1, %xmm2', 'next'],
      ],
    ],
    [
      'arm64',
      [
        ['ret', 'return ends'],
        ['eret', 'return ends'],
        ['b .', 'jump ends'],
        ['b.eq .', 'jump?'],
        ['cbz x0, .', 'jump?'],
        ['tbnz x0, #40, .', 'jump?'],
        ['br x3', 'indirect-jump ends'],
        ['bl .', 'call'],
        ['blr x3', 'indirect-call'],
        ['brk #1', 'trap ends'],
        ['udf #0', 'trap ends'],
        ['hlt #1', 'breakpoint fills'],
        ['hvc #0', 'next'],
        ['nop', 'nop fills'],
        ['wfi', 'next'],
      ],
    ],
    [
      'arm32',
      [
        ['bx lr', 'return ends'],
        ['bxeq lr', 'return?'],
        ['bx r2', 'indirect-jump ends'],
        ['blx r2', 'indirect-call'],
        ['b .', 'jump ends'],
        ['bne .', 'jump?'],
        ['bl .', 'call'],
        ['pop {r4, pc}', 'return ends'],
        ['pop {pc}', 'return ends'],
        ['popne {r4, pc}', 'return?'],
        ['ldr pc, [pc, r3, lsl #2]', 'indirect-jump ends'],
        ['ldr r3, [r4]', 'next'],
        ['mov pc, lr', 'return ends'],
        ['add pc, pc, r1', 'indirect-jump ends'],
        ['add r1, pc, r1', 'next'],
        ['tst r1, #4', 'next'],
        ['msr cpsr_c, #0xd3', 'next'],
        ['mul r1, r2, r3', 'next'],
        ['udf #0', 'trap ends'],
        ['bkpt #0', 'breakpoint fills'],
        ['nop', 'nop fills'],
        ['mov r0, r0', 'nop fills'],
        ['dmb ish', 'next'],
        ['eret', 'return ends'],
      ],
    ],
  ])('%s', (arch, rows) => {
    const found = assembled(
      arch,
      rows.map(([source]) => source),
    );
    expect(found.map((each, i) => [rows[i]?.[0], flowText(each)])).toEqual(rows);
  });
});

const memoryText = (operand: Operand): string =>
  operand.kind === 'memory' ? `${operand.access} ${operand.width}` : '';

describe('what an instruction does with memory', () => {
  it.each<readonly [XenArch, readonly (readonly [source: string, access: string])[]]>([
    [
      'x86_64',
      [
        ['movl $1, (%rip)', 'write 4'],
        ['movq (%rip), %rax', 'read 8'],
        ['lock xaddq %rax, (%rip)', 'read-write 8'],
        ['lock cmpxchgl %eax, (%rip)', 'read-write 4'],
        ['sete (%rip)', 'write 1'],
        ['seta (%rip)', 'write 1'],
        ['cmpq $0, (%rip)', 'read 8'],
        ['testb $1, (%rip)', 'read 1'],
        ['testl %eax, (%rip)', 'read 4'],
        ['notw (%rip)', 'read-write 2'],
        ['btl $1, (%rip)', 'read 4'],
        ['btsl $1, (%rip)', 'read-write 4'],
        ['rolw %cl, (%rip)', 'read-write 2'],
        ['shldq %cl, %rax, (%rip)', 'read-write 8'],
        ['pushq (%rip)', 'read 8'],
        ['popq (%rip)', 'write 8'],
        ['jmpq *(%rip)', 'read 8'],
        ['leaq (%rip), %rax', 'none 0'],
        ['nopl (%rax)', 'none 0'],
        ['prefetcht0 (%rip)', 'none 0'],
        ['invlpg (%rip)', 'none 0'],
        ['lgdt (%rip)', 'read 10'],
        ['sgdt (%rip)', 'write 10'],
        ['fxsave (%rip)', 'write 512'],
        ['xsave (%rip)', 'write 0'],
        ['stmxcsr (%rip)', 'write 4'],
        ['fnstcw (%rip)', 'write 2'],
        ['movnti %rax, (%rip)', 'write 8'],
        ['movups %xmm0, (%rip)', 'write 16'],
        ['movups (%rip), %xmm0', 'read 16'],
        ['movq (%rip), %xmm0', 'read 8'],
        ['vmovdqu %ymm0, (%rip)', 'write 32'],
        ['movabs %al, 0x1122334455667788', 'write 1'],
        ['stosq', 'write 8'],
        ['wrssq %rax, (%rip)', 'write 8'],
      ],
    ],
    [
      'arm64',
      [
        ['ldr x0, [x1]', 'read 8'],
        ['ldr w0, [x1], #4', 'read 4'],
        ['ldrsw x0, [x1]', 'read 4'],
        ['ldrsb x0, [x1, x2]', 'read 1'],
        ['strh w0, [x1, #2]!', 'write 2'],
        ['stur x0, [x1, #-8]', 'write 8'],
        ['ldp x0, x1, [sp, #16]', 'read 16'],
        ['stp w0, w1, [sp]', 'write 8'],
        ['ldpsw x0, x1, [sp]', 'read 8'],
        ['ldr q0, [x1]', 'read 16'],
        ['stp q0, q1, [x1]', 'write 32'],
        ['ldxr x0, [x1]', 'read 8'],
        ['stlxr w2, w0, [x1]', 'write 4'],
        ['ldaxp x0, x1, [x2]', 'read 16'],
        ['ldar w0, [x1]', 'read 4'],
        ['stlrb w0, [x1]', 'write 1'],
        ['ldaddal x0, x1, [x2]', 'read-write 8'],
        ['casal w0, w1, [x2]', 'read-write 4'],
        ['caspal x0, x1, x2, x3, [x4]', 'read-write 16'],
        ['ldr x0, .', 'read 8'],
        ['prfm pldl1keep, [x0]', 'none 0'],
        ['adrp x0, .', 'none 0'],
        ['adr x0, .', 'none 0'],
        ['ld1 {v0.16b, v1.16b}, [x0]', 'read 32'],
      ],
    ],
    [
      'arm32',
      [
        ['ldr r0, [r1]', 'read 4'],
        ['strb r0, [r1], #1', 'write 1'],
        ['ldrh r0, [r1, r2]', 'read 2'],
        ['ldrsb r0, [r1]', 'read 1'],
        ['strd r0, r1, [r2]', 'write 8'],
        ['ldrd r0, r1, [r2]', 'read 8'],
        ['ldrexd r0, r1, [r2]', 'read 8'],
        ['strexh r0, r1, [r2]', 'write 2'],
        ['pld [r0]', 'none 0'],
        ['adr r0, .', 'none 0'],
        ['ldr r0, [pc, #4]', 'read 4'],
      ],
    ],
  ])('%s', (arch, rows) => {
    const found = assembled(
      arch,
      rows.map(([source]) => source),
    );
    const texts = found.map(({ operands }) => operands.map(memoryText).find((text) => text !== ''));
    expect(texts.map((text, i) => [rows[i]?.[0], text])).toEqual(rows);
  });
});

describe('a constant that is moved', () => {
  it.each<readonly [XenArch, readonly (readonly [source: string, value: bigint | undefined])[]]>([
    [
      'x86_64',
      [
        ['movl $123, %esi', 123n],
        ['movl $123, 8(%rsp)', 123n],
        ['movq $-5, %rax', -5n],
        ['addl $123, %esi', undefined],
        ['cmpl $123, (%rax)', undefined],
        ['movl %eax, %esi', undefined],
        ['pushq $123', undefined],
        ['jmp .', undefined],
      ],
    ],
    [
      'arm64',
      [
        ['mov w1, #123', 123n],
        ['movk w1, #123', undefined],
        ['add x0, x0, #123', undefined],
        ['adr x0, .', undefined],
      ],
    ],
    [
      'arm32',
      [
        ['movw r1, #123', 123n],
        ['mov r1, #12', 12n],
        ['movt r1, #123', undefined],
        ['cmp r1, #12', undefined],
      ],
    ],
  ])('%s', (arch, rows) => {
    const found = assembled(
      arch,
      rows.map(([source]) => source),
    );
    expect(found.map((each, i) => [rows[i]?.[0], constantMoved(each)?.value])).toEqual(rows);
  });
});

it('where relative operands lead, and what they count from', () => {
  const leads = (arch: XenArch, lines: readonly string[]) =>
    assembled(arch, lines).map(({ operands }) =>
      operands.map((operand) =>
        operand.kind === 'target'
          ? [operand.place, operand.countsFrom]
          : operand.kind === 'memory' && operand.relative
            ? [operand.relative.place, operand.relative.countsFrom]
            : null,
      ),
    );
  expect(leads('x86_64', ['movl $1, 0x10(%rip)', 'call .+0x100', 'jmp .-2'])).toEqual([
    [null, [0x1a, 10]],
    [[0x10a, 5]],
    [[0xd, 2]],
  ]);
  expect(leads('arm64', ['nop', 'bl .+0x100', 'adr x0, .-4', 'ldr x0, .+16', 'tbz x0, #3, .+8'])).toEqual([
    [],
    [[0x104, 0]],
    [null, [4, 0]],
    [null, [0x1c, 0]],
    [null, null, [0x18, 0]],
  ]);
  expect(leads('arm32', ['nop', 'bl .+0x100', 'sub r0, pc, #12', 'add r0, pc, #4', 'ldr r0, [pc, #-4]'])).toEqual([
    [],
    [[0x104, 8]],
    [null, null, [4, 8]],
    [null, null, [0x18, 8]],
    [null, [0x14, 8]],
  ]);
});
