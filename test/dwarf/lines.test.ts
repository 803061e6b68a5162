import { describe, expect, it } from 'vitest';
import { type DwarfFile, framesAt, readDwarf, sourceInSection, sourceOfPlace } from '../../src/dwarf/index.ts';
import { compileC, link, objcopy } from '../support/gcc.ts';
import {
  addr2line,
  addr2lineOf,
  codeOffsets,
  compile,
  GCC_ARM32,
  GCC_ARM64,
  GCC_I386,
  GCC_X86_64,
  INLINING,
  inflate,
  openDwarf,
  openElf,
} from './samples.ts';

/** Returns our answer for an offset of a section, in the format of addr2line. */
function frames(dwarf: DwarfFile, address: bigint): { function: string; source: string }[] {
  const found = framesAt(dwarf, address, { absolute: true });
  if (found.length === 0) return [{ function: '??', source: '??:0' }];
  return found.map(({ function: name = '??', source }) => ({
    function: name,
    source: source === undefined ? '??:?' : `${source.file}:${source.line}`,
  }));
}

/** Returns both answers for every byte of a section. */
function compareSection(bytes: Uint8Array, name: string, tool?: string): { ours: unknown[]; theirs: unknown[] } {
  const elf = openElf(bytes);
  const dwarf = openDwarf(bytes);
  const section = elf.section(name);
  if (section === undefined) throw new Error(`no ${name}`);
  const offsets = codeOffsets(elf, section.index);
  const ours = offsets.map((offset) => frames(dwarf, dwarf.places.addressOf(section.index, offset) as bigint));
  return { ours, theirs: addr2line(bytes, offsets.map(BigInt), name, tool) };
}

const VERSIONS = ['-gdwarf-4', '-gdwarf-5'];

describe.each(VERSIONS)(
  '%s: file, line and inlined functions of every byte of code are those of addr2line',
  (version) => {
    it.each([GCC_X86_64, GCC_I386, GCC_ARM64, GCC_ARM32])('$name, optimised', (compiler) => {
      const bytes = compile(compiler, INLINING, [version, '-O2']);
      const { ours, theirs } = compareSection(bytes, '.text', addr2lineOf(compiler));
      expect(ours).toEqual(theirs);
      // The code has what this test is about.
      expect(Math.max(...theirs.map((list) => (list as unknown[]).length))).toBe(3);
    });

    it('not optimised', () => {
      // In one file: if a version 5 program begins in a header, addr2line of binutils 2.40 reports the main file.
      const source = `${INLINING['clamp.h']}${INLINING['main.c']}`.replace('#include "clamp.h"', '');
      const { ours, theirs } = compareSection(compile(GCC_X86_64, { 'main.c': source }, [version, '-O0']), '.text');
      expect(ours).toEqual(theirs);
    });

    it('begins in a header if the first function is from there', () => {
      const bytes = compile(GCC_X86_64, INLINING, [version, '-O0']);
      const dwarf = openDwarf(bytes);
      const text = openElf(bytes).section('.text')?.index ?? 0;
      expect(sourceInSection(dwarf, text, 0)).toEqual({ file: 'clamp.h', line: 3, column: 1 });
    });

    it.each(['.text.work', '.text.sum', '.text.unlikely.work'])('in a section of its own, %s', (section) => {
      const bytes = compile(GCC_X86_64, INLINING, [version, '-O2', '-ffunction-sections']);
      const { ours, theirs } = compareSection(bytes, section);
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeGreaterThan(0);
    });

    it('in compressed debug sections', () => {
      const bytes = compile(GCC_X86_64, INLINING, [version, '-O2', '-gz']);
      const { ours, theirs } = compareSection(bytes, '.text');
      expect(openDwarf(bytes).problems).toEqual([]);
      expect(ours).toEqual(theirs);
    });

    it('of several objects in one, as a payload is', () => {
      const first = compile(GCC_X86_64, INLINING, [version, '-O2']);
      const second = compileC('int late(int a)\n{\n    return a +\n        7;\n}\n', ['-g', version, '-O1']);
      const { ours, theirs } = compareSection(link([first, second], ['-r']), '.text');
      expect(ours).toEqual(theirs);
      expect(JSON.stringify(ours)).toContain('late');
    });

    it('of a linked file', () => {
      const object = compile(GCC_X86_64, INLINING, [version, '-O2']);
      const stub = compileC('void panic(const char *m) { for (;;); }', ['-g', version]);
      const bytes = link([object, stub], ['-e', 'work', '-Ttext=0xffff82d040200000']);
      const elf = openElf(bytes);
      const dwarf = openDwarf(bytes);
      const text = elf.section('.text')?.index ?? 0;
      const addresses = codeOffsets(elf, text).map((offset) => 0xffff82d040200000n + BigInt(offset));
      expect(addresses.length).toBeGreaterThan(100);
      expect(addresses.map((address) => frames(dwarf, address))).toEqual(addr2line(bytes, addresses));
    });
  },
);

describe('the place of code', () => {
  const bytes = compile(GCC_X86_64, INLINING, ['-g', '-O2', '-fdebug-prefix-map=/=/build/']);
  const dwarf = openDwarf(bytes);
  const { section, offset } = symbol(bytes, 'other');

  function symbol(file: Uint8Array, name: string): { section: number; offset: number } {
    const { symbols } = openElf(file);
    const index = symbols.find(name) as number;
    return { section: symbols.sectionIndex(index) as number, offset: Number(symbols.value(index)) };
  }

  it('has the path of the line table, its line and its column', () => {
    expect(sourceInSection(dwarf, section, offset)).toEqual({ file: 'main.c', line: 33, column: 12 });
  });

  it('has the compilation directory only on request', () => {
    expect(sourceInSection(dwarf, section, offset, { absolute: true })?.file).toMatch(/^\/build\/.*\/main\.c$/);
  });

  it('is found for the places of findings', () => {
    const place = { file: 'x', section: '.text', offset, symbol: 'other' };
    expect(sourceOfPlace(dwarf, place)).toEqual({ file: 'main.c', line: 33, column: 12 });
    expect(sourceOfPlace(dwarf, { section: '.data', offset: 0 })).toBeUndefined();
    expect(sourceOfPlace(dwarf, { section: '.text' })).toBeUndefined();
    // An address of the hypervisor means nothing in an object.
    expect(sourceOfPlace(dwarf, { address: 0x1000n })).toBeUndefined();
    const linked = link([bytes], ['-e', 'work', '-Ttext=0xffff82d040200000', '--defsym=panic=0xffff82d040200000']);
    const { symbols } = openElf(linked);
    const address = symbols.value(symbols.find('other') as number);
    expect(sourceOfPlace(openDwarf(linked), { address })).toEqual({ file: 'main.c', line: 33, column: 12 });
  });

  it('is unknown outside code, and in other sections', () => {
    expect(sourceInSection(dwarf, section, 1 << 20)).toBeUndefined();
    expect(sourceInSection(dwarf, 0, 0)).toBeUndefined();
    expect(sourceInSection(dwarf, 9999, 0)).toBeUndefined();
  });

  it('is read once for a file', () => {
    const elf = openElf(bytes);
    const first = readDwarf(elf);
    expect(first).toBeDefined();
    expect(readDwarf(elf)).toBe(first);
    // The decompressor may differ.
    expect(readDwarf(elf, { inflate })).not.toBe(first);
  });

  it('is unknown without debug data', () => {
    expect(readDwarf(openElf(compileC('int a;')))).toBeUndefined();
    const without = openDwarf(objcopy(bytes, ['--rename-section', '.debug_line=.not_lines']));
    expect(sourceInSection(without, section, offset)).toBeUndefined();
    expect(framesAt(without, without.places.addressOf(section, offset) as bigint)[0]?.function).toBe('other');
  });
});

describe('compressed sections', () => {
  const bytes = compile(GCC_X86_64, INLINING, ['-g', '-gz']);

  it('are a problem without a decompressor', () => {
    const dwarf = readDwarf(openElf(bytes));
    expect(dwarf?.units).toEqual([]);
    expect(dwarf?.problems.map(({ message }) => message)).toEqual([
      'The section is compressed, and there is no decompressor',
    ]);
  });

  it('are a problem if they are damaged, or claim too large a size', () => {
    const section = openElf(bytes).section('.debug_info');
    const damaged = bytes.slice();
    damaged.fill(0xff, (section?.offset ?? 0) + 30, (section?.offset ?? 0) + 40);
    expect(openDwarf(damaged).problems[0]?.message).toBe('The compressed section cannot be decompressed');
    const huge = bytes.slice();
    new DataView(huge.buffer).setBigUint64((section?.offset ?? 0) + 8, 1n << 40n, true);
    expect(openDwarf(huge).problems[0]?.message).toContain('more than it can hold');
    expect(inflate(new Uint8Array(4), 10)).toBeUndefined();
  });
});
