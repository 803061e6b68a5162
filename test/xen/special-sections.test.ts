import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/base/index.ts';
import {
  ALT_CALL,
  ALT_INSTR,
  ALT_INSTR_4_10,
  ALT_INSTR_ARM,
  ARM_BUG_FRAME,
  altCallSite,
  altFeature,
  altTargets,
  bugFileName,
  bugFramesSection,
  bugFrameTypes,
  decodeExTableEntry,
  decodeX86BugFrame,
  EX_TABLE_ENTRY,
  encodeExTableEntry,
  encodeX86BugFrame,
  HOOK_SECTIONS,
  sortExTable,
  X86_ASSERT_SUFFIX,
  X86_BUG_FRAME,
  X86_FEATURE_ALWAYS,
} from '../../src/xen/index.ts';
import { assemble, objcopy } from '../support/gcc.ts';
import { constants } from './structures.ts';

/** Returns the bytes that `as` makes from these lines. */
const assembled = (lines: string): DataView =>
  viewOf(objcopy(assemble(`.section .bytes, "a"\n${lines}\n`), ['-O', 'binary', '-j', '.bytes']));

describe('record sizes', () => {
  it('are those of the structures', () => {
    const c = `
struct __attribute__((packed)) alt { int32_t o, r; uint16_t cpuid; uint8_t ol, rl, pl, priv; };
struct alt410 { int32_t o, r; uint16_t cpuid; uint8_t ol, rl; };
struct altcall { int32_t o; };
struct bugx86 { int32_t loc_disp:24; uint32_t line_hi:7; uint32_t :1; int32_t ptr_disp:24; uint32_t line_lo:7; uint32_t :1; };
struct bugarm { int32_t l, f, m; uint16_t line; uint32_t pad0:16; };
struct ex { int32_t addr, cont; };`;
    const names = ['alt', 'alt410', 'alt410', 'altcall', 'bugx86', 'bugarm', 'ex'];
    const sizes = constants(
      c,
      names.map((name) => `sizeof(struct ${name})`),
      [],
    );
    const tables = [ALT_INSTR, ALT_INSTR_4_10, ALT_INSTR_ARM, ALT_CALL, X86_BUG_FRAME, ARM_BUG_FRAME, EX_TABLE_ENTRY];
    expect(tables.map((table) => table.size)).toEqual(sizes);
  });
});

describe('alternatives', () => {
  it('have offsets relative to their own fields', () => {
    const view = assembled(`
      .skip 16, 0x90
entry: .long entry - 16 - .
      .long entry + 100 - .
      .word 93
      .byte 5, 6, 7, 0`);
    const value = ALT_INSTR.read(view, 16);
    expect(value).toMatchObject({ cpuid: X86_FEATURE_ALWAYS, orig_len: 5, repl_len: 6, pad_len: 7, priv: 0 });
    const entry = 0xffff_82d0_4060_0010n;
    expect(altTargets(entry, value)).toEqual({ orig: entry - 16n, repl: entry + 100n });
  });

  it('invert a feature by bit 15, in releases that know it', () => {
    expect(altFeature(0x8000 | 93, true)).toEqual({ feature: 93, not: true });
    expect(altFeature(93, true)).toEqual({ feature: 93, not: false });
    expect(altFeature(0x8000 | 93, false)).toEqual({ feature: 0x805d, not: false });
  });

  it('say where an alternative call is', () => {
    const view = assembled('.skip 8\n.long -8');
    expect(altCallSite(0x1008n, ALT_CALL.read(view, 8).offset)).toBe(0x1000n);
  });
});

describe('x86 bug frames', () => {
  it('have the vector of line 1234', () => {
    const view = new DataView(new ArrayBuffer(8));
    encodeX86BugFrame(view, 0, { locDisp: -0x100, ptrDisp: 0x40, line: 1234 });
    expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([0x08ff_ff00, 0x5200_0040]);
    expect(decodeX86BugFrame(view, 0)).toEqual({ locDisp: -0x100, ptrDisp: 0x40, line: 1234 });
  });

  it.each([
    [-4, -8, 0],
    [-0x80_0000, 0x7f_ffff, 16383],
    [12, -1, 127],
    [-1, 12, 128],
  ])('are as the assembler computes them: %i, %i, line %i', (locDisp, ptrDisp, line) => {
    // The sums of asm/bug.h.
    const view = assembled(`
frame: .long (${locDisp}) + (${line >> 7} << 24)
       .long (${ptrDisp}) + (${line & 127} << 24)`);
    const made = new DataView(new ArrayBuffer(8));
    encodeX86BugFrame(made, 0, { locDisp, ptrDisp, line });
    expect(new Uint8Array(made.buffer)).toEqual(new Uint8Array(view.buffer, view.byteOffset, 8));
    expect(decodeX86BugFrame(view, 0)).toEqual({ locDisp, ptrDisp, line });
  });

  it('round-trip', () => {
    const disp = fc.integer({ min: -0x80_0000, max: 0x7f_ffff });
    fc.assert(
      fc.property(disp, disp, fc.integer({ min: 0, max: 16383 }), (locDisp, ptrDisp, line) => {
        const view = new DataView(new ArrayBuffer(8));
        encodeX86BugFrame(view, 0, { locDisp, ptrDisp, line });
        expect(decodeX86BugFrame(view, 0)).toEqual({ locDisp, ptrDisp, line });
      }),
    );
  });

  it('have a second half for asserts, counted from the first', () => {
    const view = assembled(`frame: .long 0, 0\n.long 0, message - frame\nmessage: .asciz "x"`);
    expect(X86_ASSERT_SUFFIX.read(view, 8)).toEqual({ zero: 0, msg_disp: 16 });
  });
});

describe('bug frame sections', () => {
  it('mean other things where there is no run_fn', () => {
    const all = ['run_fn', 'warn', 'bug', 'assert'];
    expect(bugFrameTypes(true)).toEqual(all);
    expect(bugFrameTypes(false)).toEqual(['warn', 'bug', 'assert']);
    expect(bugFramesSection(3)).toBe('.bug_frames.3');
  });

  it('print long file names from the end', () => {
    expect(bugFileName('a'.repeat(50))).toEqual({ prefix: '', name: 'a'.repeat(50) });
    const long = bugFileName(`${'a'.repeat(10)}${'b'.repeat(47)}`);
    expect(long).toEqual({ prefix: '...', name: 'b'.repeat(47) });
  });
});

describe('hook sections', () => {
  it('are in the order of prepare_payload', () => {
    expect(HOOK_SECTIONS.map(({ section }) => section)).toEqual(
      'load unload preapply apply postapply prerevert revert postrevert'.split(' ').map((k) => `.livepatch.hooks.${k}`),
    );
    expect(HOOK_SECTIONS.filter(({ multiple }) => multiple).map(({ kind }) => kind)).toEqual(['load', 'unload']);
  });
});

/** A table of absolute [addr, cont] pairs, which starts at address 0x10000. */
function table(pairs: readonly (readonly [number, number])[]): DataView {
  const view = new DataView(new ArrayBuffer(pairs.length * 8));
  pairs.forEach(([addr, cont], i) => {
    encodeExTableEntry(view, i * 8, 0x10000n, { addr: BigInt(addr), cont: BigInt(cont) });
  });
  return view;
}

const pairsOf = (view: DataView): [number, number][] =>
  Array.from({ length: view.byteLength / 8 }, (_, i) => {
    const { addr, cont } = decodeExTableEntry(view, i * 8, 0x10000n);
    return [Number(addr), Number(cont)];
  });

describe('exception tables', () => {
  it('have offsets relative to their own fields', () => {
    const view = assembled('.skip 8\nentry: .long entry - 8 - ., entry + 0x100 - .');
    expect(decodeExTableEntry(view, 8, 0x1000n)).toEqual({ addr: 0x1000n, cont: 0x1108n });
  });

  it('sort in place, and entries keep their targets', () => {
    const number = fc.integer({ min: 0, max: 0x3fff_ffff });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { maxLength: 40 }), (pairs) => {
        const view = table(pairs);
        sortExTable(view);
        const sorted = pairsOf(view);
        expect(sorted.map(([addr]) => addr)).toEqual(pairs.map(([addr]) => addr).sort((a, b) => a - b));
        const key = (pair: readonly number[]): string => pair.join();
        expect(sorted.map(key).sort()).toEqual(pairs.map(key).sort());
      }),
    );
  });

  it('put equal addresses in the order of Xen’s heap sort', () => {
    // The result of xen/include/xen/sort.h and swap_ex of 4.17, compiled.
    const addresses = [0x500, 0x300, 0x300, 0x700, 0x100, 0x300, 0x500, 0x100, 0x300];
    const view = table(addresses.map((addr, i) => [addr, 0x1000 + i * 16]));
    sortExTable(view);
    const order = [4, 7, 5, 1, 8, 2, 6, 0, 3];
    expect(pairsOf(view)).toEqual(order.map((i) => [addresses[i], 0x1000 + i * 16]));
  });

  it('leave a trailing piece alone', () => {
    const bytes = Uint8Array.of(
      ...new Uint8Array(
        table([
          [9, 9],
          [1, 1],
        ]).buffer,
      ),
      1,
      2,
      3,
    );
    sortExTable(viewOf(bytes));
    expect([...bytes.subarray(16)]).toEqual([1, 2, 3]);
    expect(pairsOf(new DataView(bytes.buffer, 0, 16))).toEqual([
      [1, 1],
      [9, 9],
    ]);
  });
});
