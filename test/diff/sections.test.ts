import { afterAll, describe, expect, it } from 'vitest';
import type { PairsDiff } from '../../src/diff/index.ts';
import { type ElfFile, isProblem, readElf, SHF_ALLOC } from '../../src/elf/index.ts';
import { byStatus, type Subject, type SubjectArch, subject } from './support/subject.ts';

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

const HEAD = '#include <xen.h>\n';

async function changed(
  arch: SubjectArch,
  before: string,
  after: string,
  options: Parameters<typeof subject>[2] = {},
): Promise<PairsDiff> {
  const built = await subject(arch, { 'a.c': HEAD + before }, options);
  subjects.push(built);
  return built.diff({ 'a.c': HEAD + after });
}

function objectOf(diff: PairsDiff): ElfFile {
  expect(diff.refusals).toEqual([]);
  const elf = readElf(diff.objects[0]?.bytes as Uint8Array);
  if (isProblem(elf)) throw new Error(elf.message);
  return elf;
}

/** Where the relocations of a section lead: the symbol, or the section, and the addend. */
function targetsOf(elf: ElfFile, name: string): string[] {
  const table = elf.relocationsOf(elf.section(name)?.index ?? 0)[0];
  return Array.from({ length: table?.count ?? 0 }, (_, i) => {
    return `${elf.symbols.displayName(table?.symbol(i) ?? 0)} ${table?.addend(i)}`;
  });
}

describe('noise', () => {
  const source = (noise: string): string =>
    `asm ( ".section ${noise}\\n.previous" );\nnoinline int f(int x) { return x * x; }\n`;

  it.each([
    ['.discard', '.discard, \\"a\\", @progbits\\n.byte 1', '.discard, \\"a\\", @progbits\\n.byte 2, 3'],
    [
      '.note.gnu.property',
      '.note.gnu.property, \\"a\\", @note\\n.long 4, 0, 5\\n.asciz \\"GNU\\"',
      '.note.gnu.property, \\"a\\", @note\\n.long 4, 8, 5\\n.asciz \\"GNU\\"\\n.long 1, 2',
    ],
    [
      '.comment',
      '.comment, \\"MS\\", @progbits, 1\\n.asciz \\"a\\"',
      '.comment, \\"MS\\", @progbits, 1\\n.asciz \\"b\\"',
    ],
  ])('in %s counts for nothing', async (_name, before, after) => {
    const diff = await changed('x86_64', source(before), source(after));
    expect(diff.verdict).toBe('unchanged');
    expect(byStatus(diff)).toEqual({ unchanged: ['f'] });
  });
});

describe('literals of the compiler', () => {
  /** As gcc puts them into memory: labels in a section of entries that may be merged. */
  const source = (value: number, other: string): string => `
asm ( ".section .rodata.cst2, \\"aM\\", @progbits, 2\\n.LC900: .value ${value}\\n.LC901: .value 777\\n.previous" );
noinline int f(int x) { int s; asm volatile ( "movzwl .LC900(%%rip), %0" : "=r" (s) ); return s + x; }
noinline int g(int x) { int s; asm volatile ( "movzwl .LC901(%%rip), %0" : "=r" (s) ); return s * x ${other}; }
`;

  it('are constants: a function with another one has changed', async () => {
    const diff = await changed('x86_64', source(12, ''), source(13, ''));
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    expect(diff.functions.find(({ status }) => status === 'changed')?.reason).toMatch(/a constant, whose content/);
    const elf = objectOf(diff);
    // Only the literal that is used, and no name that nobody could resolve.
    expect([...(elf.section('.rodata.cst2')?.data() ?? [])]).toEqual([13, 0]);
    expect(targetsOf(elf, '.text.f')).toContain('.rodata.cst2 -4');
  });

  it('are complete where the function has changed otherwise', async () => {
    const diff = await changed('x86_64', source(12, ''), source(12, '+ 3'));
    expect(byStatus(diff)).toEqual({ changed: ['g'], unchanged: ['f'] });
    expect([...(objectOf(diff).section('.rodata.cst2')?.data() ?? [])]).toEqual([777 & 0xff, 777 >> 8]);
  });
});

describe('hooks', () => {
  const hook = (section: string): string => `
static void loaded(void) { printk("loaded"); }
void (*livepatch_load_data_loaded)(void) __attribute__((section("${section}"), used)) = loaded;
`;

  it.each(['x86_64', 'arm64'] as const)('make a payload without any function, on %s', async (arch) => {
    const source = 'noinline int f(int x) { return x * x; }\n';
    const diff = await changed(arch, source, source + hook('.livepatch.hooks.load'));
    expect(diff.verdict).toBe('built');
    const elf = objectOf(diff);
    // The macros of xen/livepatch_payload.h have them in a writable section; a payload without one can be applied again.
    expect(elf.section('.livepatch.hooks.load')).toMatchObject({ size: 8, flags: SHF_ALLOC });
    expect(targetsOf(elf, '.livepatch.hooks.load')).toEqual([expect.stringMatching(/^common\/a\.c#loaded\.\w+ 0$/)]);
    expect(elf.section('.livepatch.funcs')).toBeUndefined();
  });
});

describe('alternative calls', () => {
  const source = (more: string): string => `
noinline int f(int x) { asm volatile ( "1: nop\\n.section .alt_call_sites, \\"a\\"\\n.long 1b - .\\n.previous" ); return x * x ${more}; }
noinline int g(int x) { asm volatile ( "1: nop\\n.section .alt_call_sites, \\"a\\"\\n.long 1b - .\\n.previous" ); return x * x + 7; }
`;

  it('go with their functions', async () => {
    const diff = await changed('x86_64', source(''), source('+ 3'), { version: '4.21.0' });
    expect(byStatus(diff)).toEqual({ changed: ['f'], unchanged: ['g'] });
    const elf = objectOf(diff);
    expect(elf.section('.alt_call_sites')?.size).toBe(4);
    expect(targetsOf(elf, '.alt_call_sites')).toEqual([expect.stringMatching(/^f \d+$/)]);
  });
});

describe('cold parts', () => {
  /** As gcc splits a function: a part that is hardly ever run, in a section of its own. */
  const source = (text: string, more: string): string => `
static noinline void part(int x) __asm__("f.cold") __attribute__((section(".text.unlikely.f")));
static noinline void part(int x) { printk("${text}", x); printk("again %d", x); }
noinline int f(int x) { if ( x > 1000 ) part(x); return x * x ${more}; }
`;

  it.each(['x86_64', 'arm64'] as const)('belong to their function, on %s', async (arch) => {
    const cold = await changed(arch, source('a %d', ''), source('b %d', ''));
    expect(byStatus(cold)).toEqual({ changed: ['f'] });
    expect(cold.functions[0]?.reason).toBe('in its cold part, it refers to "b %d" instead of "a %d"');
    const names = objectOf(cold).sections.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['.text.f', '.text.unlikely.f']));
    const hot = await changed(arch, source('a %d', ''), source('a %d', '+ 5'));
    const elf = objectOf(hot);
    expect(elf.section('.text.unlikely.f')).toBeDefined();
    // It is nobody's but the new function's.
    expect(elf.symbols.findAll('f.cold').next().done).toBe(true);
    expect(targetsOf(elf, '.text.f')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^common\/a\.c#f\.cold\.\w+ /)]),
    );
  });
});

describe('a variable without a name', () => {
  const source = (more: string): string => `
asm ( ".section .data.nameless, \\"aw\\"\\n.Lsecret: .long 7\\n.globl landmark\\n.type landmark, @object\\n.size landmark, 4\\nlandmark: .long 9\\n.previous" );
noinline int f(int x) { int v; asm volatile ( "movl .Lsecret(%%rip), %0" : "=r" (v) ); return v * x ${more}; }
`;

  it('is found by its distance from one that has one', async () => {
    const diff = await changed('x86_64', source(''), source('+ 3'));
    expect(targetsOf(objectOf(diff), '.text.f')).toContain('landmark -8');
  });
});

describe('functions in assembly, without type and size', () => {
  const section = (name: string, ...functions: readonly string[]): string =>
    `asm(".section ${name},\\"ax\\"\\n${functions.join('')}.text");\n`;
  const fn = (name: string, body = ''): string =>
    `.globl ${name}\\n${name}: nop\\n nop\\n nop\\n nop\\n${body} nop\\n nop\\n ret\\n`;
  const label = ' .globl inside\\n inside: ';

  it.each(['x86_64', 'arm64'] as const)('can be taken alone, on %s', async (arch) => {
    const diff = await changed(arch, section('.text.asm', fn('one')), section('.text.asm', fn('one', ' nop\\n')));
    expect(byStatus(diff)).toEqual({ changed: ['one'] });
    expect(objectOf(diff).section('.text.asm')?.size).toBeGreaterThan(7);
  });

  it.each([
    ['another function', fn('one'), fn('one', ' nop\\n'), fn('two')],
    ['another place where it is entered', fn('one', label), fn('one', ` nop\\n${label}`), ''],
  ])('are refused where their section has %s', async (_, before, after, rest) => {
    const diff = await changed('x86_64', section('.text.asm', before, rest), section('.text.asm', after, rest));
    expect(diff.verdict).toBe('refused');
    expect(diff.refusals.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^\w+ shares the section \.text\.asm with other functions/),
    );
  });
});

describe('what a function has in a subsection behind it', () => {
  const source = (text: string): string => `noinline int f(int x) {
  asm volatile ( "test %0, %0\\n js unlikely\\n.subsection 1\\nunlikely: lea 5(%q0), %0\\n jmp 1f\\n.subsection 0\\n1:" : "+r" (x) );
  printk("${text}"); return x; }\n`;

  it('belongs to it: it jumps there without a relocation', async () => {
    const diff = await changed('x86_64', source('a'), source('b'));
    expect(byStatus(diff)).toEqual({ changed: ['f'] });
    const orig = readElf(subjects.at(-1)?.object('a.c') as Uint8Array);
    if (isProblem(orig)) throw new Error(orig.message);
    const symbol = orig.symbols.symbol(orig.symbols.find('f') as number);
    const whole = orig.section('.text.f')?.size ?? 0;
    expect(whole).toBeGreaterThan(symbol.size);
    expect(objectOf(diff).section('.text.f')?.size).toBe(whole);
  });

  it('is compared with it', async () => {
    const diff = await changed('x86_64', source('a'), source('a').replace('lea 5', 'lea 6'));
    expect(byStatus(diff)).toEqual({ changed: ['f'] });
  });
});
