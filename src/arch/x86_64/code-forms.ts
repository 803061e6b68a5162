import type { CodeBranch, CodeForms } from '../code-forms.ts';
import { ENDBR64 } from './endbr.ts';
import { NOP_MAX } from './nops.ts';

/** `ud2`, and `udb` since 1f3dd605ea (4.22). Source: xen/arch/x86/include/asm/bug.h; AMD64 APM volume 3, UD2. */
const TRAPS = { ud2: Uint8Array.of(0x0f, 0x0b), udb: Uint8Array.of(0xd6) } as const;

/**
 * `jcc rel8`, `loop`/`jrcxz rel8`, `jmp rel8`, `call` and `jmp rel32`, `jcc rel32`. Source: Intel SDM volume 2, appendix A. Bytes are looked for, not
 * instructions: a 2 MB image has some hundred thousand of them, and hardly one leads to a marked byte.
 */
function branchesTo(code: Uint8Array, wanted: Uint8Array): CodeBranch[] {
  const found: CodeBranch[] = [];
  const reach = code.length;
  const rel32 = (at: number, field: number): void => {
    if (field + 4 > reach) return;
    const displacement =
      (code[field] as number) |
      ((code[field + 1] as number) << 8) |
      ((code[field + 2] as number) << 16) |
      ((code[field + 3] as number) << 24);
    const target = field + 4 + displacement;
    if (target >= 0 && target < reach && wanted[target] !== 0) found.push({ at, size: field + 4 - at, target });
  };
  for (const opcode of [0xe8, 0xe9]) {
    for (let at = code.indexOf(opcode); at >= 0; at = code.indexOf(opcode, at + 1)) rel32(at, at + 1);
  }
  for (let at = code.indexOf(0x0f); at >= 0; at = code.indexOf(0x0f, at + 1)) {
    if (((code[at + 1] ?? 0) & 0xf0) === 0x80) rel32(at, at + 2);
  }
  // Short jumps come from near by: only around marked bytes are they looked for.
  for (let mark = wanted.indexOf(1); mark >= 0; mark = wanted.indexOf(1, mark + 1)) {
    for (let at = Math.max(0, mark - 129); at < Math.min(reach - 1, mark + 127); at++) {
      const opcode = code[at] as number;
      if ((opcode & 0xf0) !== 0x70 && opcode !== 0xeb && (opcode < 0xe0 || opcode > 0xe3)) continue;
      if (at + 2 + (((code[at + 1] as number) << 24) >> 24) === mark) found.push({ at, size: 2, target: mark });
    }
  }
  return found.sort((a, b) => a.at - b.at || a.target - b.target);
}

/** Opcodes of one byte whose memory operand is written, or may be by the form in ModRM. Source: Intel SDM volume 2, appendix A. */
const WRITING = new Set([
  0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31, 0x80, 0x81, 0x83, 0x86, 0x87,
  0x88, 0x89, 0x8f, 0xc0, 0xc1, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff,
]);

/** Those of two bytes, `0f xx`: moves of vectors, `setcc`, bit tests that set, `xadd`, `cmpxchg`. */
const mayWrite0f = (opcode: number): boolean =>
  [0x11, 0x13, 0x17, 0x29, 0x2b, 0x7e, 0x7f, 0xab, 0xb3, 0xba, 0xbb, 0xb0, 0xb1, 0xc0, 0xc1, 0xc7, 0xd6, 0xe7].includes(
    opcode,
  ) || (opcode & 0xf0) === 0x90;

function mayWriteAt(code: Uint8Array, at: number): boolean {
  // mod 0 and rm 5: a displacement from the next instruction.
  if (((code[at - 1] ?? 0) & 0xc7) !== 0x05) return false;
  const opcode = code[at - 2] ?? 0;
  return WRITING.has(opcode) || (code[at - 3] === 0x0f && mayWrite0f(opcode));
}

/** Mnemonics, without the suffix of the size, that only read a memory operand in the last place. */
const READING =
  /^(?:cmp|test|bt[bwlq]?\b|push|call|jmp|lea|prefetch|nop|ud|mul|imul|div|idiv|ptest|ucomis|comis|clflush|clwb|inv)/;

const withoutPrefix = (text: string): string =>
  text.replace(/^(?:lock|rep|repe|repne|notrack|bnd|xacquire|xrelease|cs|ds) /, '');

/** What x86-64 code looks like. */
export const X86_64_CODE: CodeForms = {
  landingPad: Uint8Array.from(ENDBR64),
  longestNop: NOP_MAX,
  trap: ({ bugTrap }) => TRAPS[bugTrap],
  branchesTo,
  mayWriteAt,
  // lea disp32(%rip): mod 0 and rm 5.
  takesAddressAt: (code, at) => ((code[at - 1] ?? 0) & 0xc7) === 0x05 && code[at - 2] === 0x8d,
  // In AT&T's order what is written stands last.
  writesMemory: (text) => text.endsWith(')') && !READING.test(withoutPrefix(text)),
  endsFlow: (text) => /^(?:ret|jmp|ljmp|iret|sysret|sysexit|ud[012b]|hlt)/.test(withoutPrefix(text)),
  isPadding: (text) => /^(?:nop|int3|data16|xchgw? %ax, %ax)/.test(withoutPrefix(text)),
};
