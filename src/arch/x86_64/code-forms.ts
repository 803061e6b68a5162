import type { CodeBranch, CodeForms, CodeRange } from '../code-forms.ts';
import { ENDBR64 } from './endbr.ts';
import { FOREIGN } from './foreign-forms.ts';
import { NOP_MAX } from './nops.ts';
import { operands } from './operands.ts';

/** Sorts the ranges, merges those that touch, and clips them to `length` bytes. */
function merged(ranges: readonly CodeRange[], length: number): CodeRange[] {
  const runs: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const [from, to] = [Math.max(0, start), Math.min(length, end)];
    const last = runs.at(-1);
    if (from >= to) continue;
    if (last !== undefined && from <= last.end) last.end = Math.max(last.end, to);
    else runs.push({ start: from, end: to });
  }
  return runs;
}

/** Returns the `call`, `jmp` or `jcc` whose 32-bit displacement is at `field`, if there is one. Source: Intel SDM volume 2, appendix A. */
function branchWith(code: Uint8Array, field: number): CodeBranch | undefined {
  if (field < 1 || field + 4 > code.length) return undefined;
  const opcode = code[field - 1] as number;
  const two = (opcode & 0xf0) === 0x80 && code[field - 2] === 0x0f;
  if (opcode !== 0xe8 && opcode !== 0xe9 && !two) return undefined;
  const displacement =
    (code[field] as number) |
    ((code[field + 1] as number) << 8) |
    ((code[field + 2] as number) << 16) |
    ((code[field + 3] as number) << 24);
  const at = two ? field - 2 : field - 1;
  return { at, size: field + 4 - at, target: field + 4 + displacement };
}

/** Finds every long branch into one of the runs by checking all opcodes: some hundred thousand in a 2 MB image. */
function longBranches(code: Uint8Array, runs: readonly CodeRange[], found: CodeBranch[]): void {
  const wanted = new Uint8Array(code.length);
  for (const { start, end } of runs) wanted.fill(1, start, end);
  const look = (field: number): void => {
    const branch = branchWith(code, field);
    if (branch !== undefined && branch.target >= 0 && wanted[branch.target] === 1) found.push(branch);
  };
  for (const opcode of [0xe8, 0xe9]) {
    for (let at = code.indexOf(opcode); at >= 0; at = code.indexOf(opcode, at + 1)) look(at + 1);
  }
  for (let at = code.indexOf(0x0f); at >= 0; at = code.indexOf(0x0f, at + 1)) {
    if (((code[at + 1] ?? 0) & 0xf0) === 0x80) look(at + 2);
  }
}

/**
 * Does the same for few targets. The upper half of the displacement to one target is constant over 64 KiB of code, so the array's own
 * search finds the fields. This takes a tenth of the time, which matters when a process checks a single payload.
 */
function longBranchesTo(
  code: Uint8Array,
  run: { start: number; end: number },
  words: Words,
  found: CodeBranch[],
): void {
  const { start, end } = run;
  // A field at p holds target - p - 4.
  const lowest = (start - code.length) >> 16;
  const highest = (end - 5) >> 16;
  for (let upper = lowest; upper <= highest; upper++) {
    const first = Math.max(1, start - 4 - (upper * 0x1_0000 + 0xffff));
    const last = Math.min(code.length - 4, end - 5 - upper * 0x1_0000);
    const value = words.value(upper & 0xffff);
    for (const [array, odd] of [
      [words.even, 0],
      [words.odd, 1],
    ] as const) {
      const from = (first + 2 - odd + 1) >> 1;
      const piece = array.subarray(from, ((last + 2 - odd) >> 1) + 1);
      for (let i = piece.indexOf(value); i >= 0; i = piece.indexOf(value, i + 1)) {
        const branch = branchWith(code, 2 * (from + i) + odd - 2);
        if (branch !== undefined && branch.target >= start && branch.target < end) found.push(branch);
      }
    }
  }
}

/** Code as 16-bit words from its even and its odd offsets, and a number as such a word, all in this machine's byte order. */
interface Words {
  readonly even: Uint16Array;
  readonly odd: Uint16Array;
  value(number: number): number;
}

const wordsOf = (code: Uint8Array): Words => ({
  // Avoid a copy if aligned: code is large.
  even:
    code.byteOffset % 2 === 0
      ? new Uint16Array(code.buffer, code.byteOffset, code.length >> 1)
      : new Uint16Array(code.slice(0, code.length & ~1).buffer),
  odd: new Uint16Array(code.slice(1, 1 + ((code.length - 1) & ~1)).buffer),
  value: (number) => new Uint16Array(Uint8Array.of(number & 0xff, number >> 8).buffer)[0] as number,
});

/** With more targets than this, one pass over all opcodes is faster. */
const FEW = 8;

/** `jcc rel8`, `loop`/`jrcxz rel8`, `jmp rel8`, and the long forms. Source: Intel SDM volume 2, appendix A. */
function branchesTo(code: Uint8Array, targets: readonly CodeRange[]): CodeBranch[] {
  const found: CodeBranch[] = [];
  const runs = merged(targets, code.length);
  if (runs.length > FEW) longBranches(code, runs, found);
  else if (runs.length > 0 && code.length > 1) {
    const words = wordsOf(code);
    for (const run of runs) longBranchesTo(code, run, words, found);
  }
  // Short jumps are near their targets: search only there.
  for (const { start, end } of runs) {
    const last = Math.min(code.length - 1, end + 127);
    for (let at = Math.max(0, start - 129); at < last; at++) {
      const opcode = code[at] as number;
      if ((opcode & 0xf0) !== 0x70 && opcode !== 0xeb && (opcode < 0xe0 || opcode > 0xe3)) continue;
      const target = at + 2 + (((code[at + 1] as number) << 24) >> 24);
      if (target >= start && target < end) found.push({ at, size: 2, target });
    }
  }
  return found.sort((a, b) => a.at - b.at || a.target - b.target);
}

/** One-byte opcodes that write their memory operand, or may, depending on ModRM. Source: Intel SDM volume 2, appendix A. */
const WRITING = new Set([
  0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31, 0x80, 0x81, 0x83, 0x86, 0x87,
  0x88, 0x89, 0x8f, 0xc0, 0xc1, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff,
]);

/** The same for two-byte opcodes, `0f xx`: vector moves, `setcc`, `bts` and the like, `xadd`, `cmpxchg`. */
const mayWrite0f = (opcode: number): boolean =>
  [0x11, 0x13, 0x17, 0x29, 0x2b, 0x7e, 0x7f, 0xab, 0xb3, 0xba, 0xbb, 0xb0, 0xb1, 0xc0, 0xc1, 0xc7, 0xd6, 0xe7].includes(
    opcode,
  ) || (opcode & 0xf0) === 0x90;

function mayWriteAt(code: Uint8Array, at: number): boolean {
  // mod 0 and rm 5: RIP-relative.
  if (((code[at - 1] ?? 0) & 0xc7) !== 0x05) return false;
  const opcode = code[at - 2] ?? 0;
  return WRITING.has(opcode) || (code[at - 3] === 0x0f && mayWrite0f(opcode));
}

export const X86_64_CODE: CodeForms = {
  landingPad: Uint8Array.from(ENDBR64),
  longestNop: NOP_MAX,
  branchesTo,
  operands,
  mayWriteAt,
  // lea disp32(%rip): mod 0 and rm 5.
  takesAddressAt: (code, at) => ((code[at - 1] ?? 0) & 0xc7) === 0x05 && code[at - 2] === 0x8d,
  foreign: FOREIGN,
};
