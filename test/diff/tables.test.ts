import { afterAll, describe, expect, it } from 'vitest';
import type { PairsDiff } from '../../src/diff/index.ts';
import { type ElfFile, isProblem, readElf } from '../../src/elf/index.ts';
import { byStatus, type Subject, type SubjectArch, subject } from './support/subject.ts';

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

const HEAD = '#include <xen.h>\n';

async function changed(arch: SubjectArch, before: string, after: string): Promise<PairsDiff> {
  const built = await subject(arch, { 'a.c': HEAD + before });
  subjects.push(built);
  return built.diff({ 'a.c': HEAD + after });
}

/** The one payload object of a diff. */
function objectOf(diff: PairsDiff): ElfFile {
  expect(diff.refusals).toEqual([]);
  expect(diff.objects).toHaveLength(1);
  const elf = readElf(diff.objects[0]?.bytes as Uint8Array);
  if (isProblem(elf)) throw new Error(elf.message);
  return elf;
}

const sizeOf = (elf: ElfFile, name: string): number | undefined => elf.section(name)?.size;

/** Two functions with an alternative each. */
const alternatives = (first: string, second: string): string => `
noinline int f(int x) { asm volatile ( ${first} : "+r" (x) ); return x * x; }
noinline int g(int x) { asm volatile ( ${second} : "+r" (x) ); return x * x + 7; }
`;

const X86_ALTERNATIVE = (replacement: string): string => `ALTERNATIVE("nop", 4, "${replacement}", FEATURE_ALWAYS)`;
const ARM_ALTERNATIVE = (replacement: string): string => `ALTERNATIVE("nop", "${replacement}", ARM_LIVEPATCH)`;

describe('alternatives', () => {
  it.each([
    ['x86_64', X86_ALTERNATIVE, 'addl $1, %0', 'subl $1, %0', 14],
    ['arm64', ARM_ALTERNATIVE, 'add %w0, %w0, #1', 'sub %w0, %w0, #1', 12],
  ] as const)('a change of the replacement alone is a change, on %s', async (arch, make, was, is, size) => {
    const before = alternatives(make(was), make(was));
    const diff = await changed(arch, before, alternatives(make(is), make(was)));
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    const [first] = diff.functions.filter(({ status }) => status === 'changed');
    expect(first?.reason).toMatch(/^its alternative at \+0x[0-9a-f]+ changed$/);
    expect(first?.firstDifference?.orig).toMatch(/^add/);
    expect(first?.firstDifference?.patched).toMatch(/^sub/);
    expect(first?.firstDifference?.source).toMatch(/^common\/a\.c:\d+$/);
    const elf = objectOf(diff);
    // That of the other function stays behind.
    expect(sizeOf(elf, '.altinstructions')).toBe(size);
    expect(sizeOf(elf, '.altinstr_replacement')).toBeLessThanOrEqual(4);
  });

  it('one without a replacement leads into the section of replacements all the same', async () => {
    const none = 'ALTERNATIVE("nop; nop", 0, "", FEATURE_SMAP)';
    const diff = await changed('x86_64', alternatives(none, none), alternatives(`"incl %0;" ${none}`, none));
    const elf = objectOf(diff);
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    expect(sizeOf(elf, '.altinstructions')).toBe(14);
    expect(sizeOf(elf, '.altinstr_replacement')).toBe(4);
    const table = elf.relocationsOf(elf.section('.altinstructions')?.index ?? 0)[0];
    expect(elf.symbols.displayName(table?.symbol(1) ?? 0)).toBe('.altinstr_replacement');
  });
});

/** Two functions that read memory which may fault; the fix-up of the first is as given. */
const fixups = (fixup: string, offset = 'x + 1'): string => `
noinline int f(const int *p, int x) {
    int v, err = 0;
    asm volatile ( "1: movl %2, %0\\n2:\\n.section .fixup, \\"ax\\"\\n3: ${fixup}\\n jmp 2b\\n.previous\\n"
                   ".section .ex_table, \\"a\\"\\n.balign 4\\n.long 1b - ., 3b - .\\n.previous"
                   : "=&r" (v), "+r" (err) : "m" (*p) );
    return err ? err : v + ${offset};
}
noinline int g(const int *p) {
    int v, err = 0;
    asm volatile ( "1: movl %2, %0\\n2:\\n.section .fixup, \\"ax\\"\\n3: movl $-5, %1\\n nop\\n nop\\n xorl %0, %0\\n jmp 2b\\n.previous\\n"
                   ".section .ex_table, \\"a\\"\\n.balign 4\\n.long 1b - ., 3b - .\\n.previous"
                   : "=&r" (v), "+r" (err) : "m" (*p) );
    return err ? err : v;
}
`;

describe('fix-ups', () => {
  it('go along with their function, whatever their sizes are', async () => {
    const diff = await changed('x86_64', fixups('movl $-14, %1'), fixups('movl $-14, %1', 'x * 9'));
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    const elf = objectOf(diff);
    expect(sizeOf(elf, '.ex_table')).toBe(8);
    // movl and jmp rel32: 5 bytes each.
    expect(sizeOf(elf, '.fixup')).toBe(10);
  });

  it('are refused where they go on in that of another function', async () => {
    const shared = (offset: string): string =>
      fixups('movl $-14, %1\\n jmp .Lshared', offset).replace('3: movl $-5, %1', '3: movl $-5, %1\\n.Lshared:');
    const { verdict, refusals } = await changed('x86_64', shared('x + 1'), shared('x * 9'));
    expect(verdict).toBe('refused');
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^f branches out of \.fixup\+0x0 without a relocation \(jmp 0x[0-9a-f]+ at \+0x5\)$/),
    ]);
  });

  it('are refused where they go back to that of another function', async () => {
    const shared = (more: string): string =>
      fixups('.Lshared: movl $-14, %1')
        .replace('3: movl $-5, %1', '3: movl $-5, %1\\n jmp .Lshared')
        .replace('return err ? err : v;', `return err ? err : v${more};`);
    const { refusals } = await changed('x86_64', shared(''), shared(' * 9'));
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^g branches out of \.fixup\+0xa without a relocation \(jmp 0xfffffff[0-9a-f]+ at/),
    ]);
  });

  it('are part of their function: a change of the fix-up alone is a change', async () => {
    const diff = await changed('x86_64', fixups('movl $-14, %1'), fixups('movl $-22, %1'));
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    const [first] = diff.functions.filter(({ status }) => status === 'changed');
    expect(first?.reason).toMatch(/^its exception table entry at \+0x[0-9a-f]+ changed$/);
    expect(first?.firstDifference?.orig).toContain('$0xfffffff2');
  });
});

describe('bug frames', () => {
  it.each(['x86_64', 'arm64'] as const)('of functions that stay are left out, on %s', async (arch) => {
    const source = (more: string): string => `
noinline int f(int x) { WARN_ON(x > 9); return x * x; }
noinline int g(int x) { WARN_ON(x > 9);\n${more} BUG_ON(x < -5); return x * x + 7; }
`;
    const diff = await changed(arch, source(''), source('WARN_ON(x == 3);'));
    expect(byStatus(diff)).toEqual({ changed: ['g'], unchanged: ['f'] });
    const elf = objectOf(diff);
    const one = arch === 'x86_64' ? 8 : 16;
    expect(sizeOf(elf, '.bug_frames.1')).toBe(2 * one);
    expect(sizeOf(elf, '.bug_frames.2')).toBe(one);
  });
});

/** An assertion of x86-64: two entries of eight bytes, the second with its condition. Source: asm/bug.h, ASSERT_FRAME. */
const ASSERT = `
#define ASSERT_(text) asm volatile ( "1: ud2\\n.pushsection .bug_frames.3, \\"a\\", @progbits\\n.p2align 2\\n" \\
    "2: .long (1b - 2b) + %c[hi], (%c[ptr] - 2b) + %c[lo]\\n.long 0, %c[msg] - 2b\\n.popsection" \\
    :: [hi] "i" ((__LINE__ >> 7) << 24), [lo] "i" ((__LINE__ & 127) << 24), [ptr] "i" (__FILE__), [msg] "i" (text) )
`;

describe('assertions', () => {
  const source = (text: string, more = ''): string => `${ASSERT}${more}
noinline int f(int x) { if ( x > 9 ) ASSERT_("x <= 9"); return x * x; }
noinline int g(int x) { if ( x > 99 ) ASSERT_("${text}"); return x * x + 7; }
`;

  it('are entries of sixteen bytes, and have changed with their condition', async () => {
    const diff = await changed('x86_64', source('x <= 99'), source('x < 100'));
    expect(byStatus(diff)).toEqual({ changed: ['g'], unchanged: ['f'] });
    const [first] = diff.functions.filter(({ status }) => status === 'changed');
    expect(first?.reason).toMatch(/^its assertion at \+0x[0-9a-f]+ changed$/);
    expect(first?.firstDifference?.patched).toContain('"x < 100"');
    const elf = objectOf(diff);
    expect(sizeOf(elf, '.bug_frames.3')).toBe(16);
    const table = elf.relocationsOf(elf.section('.bug_frames.3')?.index ?? 0)[0];
    expect(Array.from({ length: table?.count ?? 0 }, (_, i) => table?.offset(i))).toEqual([0, 4, 12]);
  });

  it('are where they were when only their lines move', async () => {
    const diff = await changed('x86_64', source('x <= 99'), source('x <= 99', '\n'.repeat(200)));
    expect({ verdict: diff.verdict, ...byStatus(diff) }).toEqual({ verdict: 'unchanged', 'line-only': ['f', 'g'] });
  });
});
