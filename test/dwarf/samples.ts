import { inflateSync } from 'node:zlib';
import { type DwarfFile, type Inflate, readDwarf } from '../../src/dwarf/index.ts';
import { type ElfFile, ET_REL, isProblem, readElf, STT_FUNC } from '../../src/elf/index.ts';
import { type ToolFiles, withTool } from '../support/gcc.ts';

/** A compiler command, with the flags that it always needs. */
export interface Compiler {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
}

export const GCC_X86_64: Compiler = { name: 'x86-64', command: 'gcc', flags: [] };
export const GCC_I386: Compiler = { name: 'i386', command: 'gcc', flags: ['-m32'] };

export const GCC_ARM64: Compiler = { name: 'arm64', command: 'aarch64-linux-gnu-gcc', flags: [] };
/** REL relocations; without Thumb, whose addresses have a mode bit. */
export const GCC_ARM32: Compiler = { name: 'arm32', command: 'arm-linux-gnueabihf-gcc', flags: ['-marm'] };

/** The addr2line for a compiler's objects. */
export const addr2lineOf = ({ command }: Compiler): string => command.replace(/gcc$/, 'addr2line');

/** Compiles an object from `main.c` and the headers beside it. */
export const compile = (compiler: Compiler, files: ToolFiles, flags: readonly string[]): Uint8Array =>
  withTool(
    compiler.command,
    ['-c', '-ffreestanding', '-fno-asynchronous-unwind-tables', ...compiler.flags, ...flags, '-o', 'main.o', 'main.c'],
    files,
    ({ read }) => read('main.o'),
  );

/** {@link Inflate} by zlib. */
export const inflate: Inflate = (data, maxSize) => {
  try {
    return inflateSync(data, { maxOutputLength: maxSize });
  } catch {
    return undefined;
  }
};

export function openElf(bytes: Uint8Array): ElfFile {
  const file = readElf(bytes);
  if (isProblem(file)) throw new Error(file.message);
  return file;
}

/** Returns the debug data of a file, which must have some. */
export function openDwarf(bytes: Uint8Array, unpack: Inflate | undefined = inflate): DwarfFile {
  const dwarf = readDwarf(openElf(bytes), unpack === undefined ? {} : { inflate: unpack });
  if (dwarf === undefined) throw new Error('no .debug_info');
  return dwarf;
}

/** One function of a line of {@link addr2line}: its name, `??` if unknown, and `file:line`. */
export interface OracleFrame {
  readonly function: string;
  readonly source: string;
}

/** Returns the output of `addr2line -a -f -i` for offsets in a section of an object, or for addresses of a linked file. */
export function addr2line(
  bytes: Uint8Array,
  addresses: readonly bigint[],
  section?: string,
  tool = 'addr2line',
): OracleFrame[][] {
  const where = section === undefined ? [] : ['-j', section];
  const asked = addresses.map((address) => `0x${address.toString(16)}`);
  const { stdout } = withTool(tool, ['-e', 'in', ...where, '-a', '-f', '-i', ...asked], { in: bytes }, (done) => done);
  return stdout
    .split(/^0x[0-9a-f]+\n/m)
    .slice(1)
    .map((group) => {
      const lines = group.trimEnd().split('\n');
      const frames: OracleFrame[] = [];
      for (let i = 0; i + 1 < lines.length; i += 2) {
        const source = (lines[i + 1] as string).replace(/ \(discriminator \d+\)$/, '');
        frames.push({ function: lines[i] as string, source });
      }
      return frames;
    });
}

/** Returns the offsets of all bytes of a section that belong to functions in the symbol table; the rest is padding. */
export function codeOffsets(elf: ElfFile, section: number): number[] {
  const { symbols } = elf;
  const start = elf.header.e_type === ET_REL ? 0n : (elf.sections[section]?.addr ?? 0n);
  const offsets = new Set<number>();
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.type(i) !== STT_FUNC || symbols.sectionIndex(i) !== section) continue;
    const first = Number(symbols.value(i) - start);
    for (let at = 0; at < symbols.size(i); at++) offsets.add(first + at);
  }
  return [...offsets].sort((a, b) => a - b);
}

/** Code with nested inlined calls, some from a header, and a cold part. */
export const INLINING: ToolFiles = {
  'clamp.h': `
static inline int clamp(int v, int lo, int hi)
{
    if (v < lo)
        return lo;
    return v > hi ? hi : v;
}
`,
  'main.c': `
#include "clamp.h"

extern void panic(const char *) __attribute__((noreturn, cold));

static int __attribute__((noinline)) sum(const int *p, int n)
{
    int s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

static inline int twice(int v)
{
    return clamp(v, -5, 5) * 2 +
           clamp(v + 1, -7, 7);
}

int work(const int *p, int n)
{
    int a = twice(n);

    if (n < 0)
        panic("negative");
    if (a > 3)
        a += sum(p, n);
    return a + clamp(p[0], 0, 9);
}

int other(const int *p)
{
    return twice(p[1]) ^ clamp(p[2], 1, 2);
}
`,
};
