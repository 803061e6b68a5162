import { describe, expect, test } from 'vitest';
import * as elf from '../../src/elf/index.ts';
import { assemble, compileC, readelf, withTool } from '../support/gcc.ts';
import { readelfRelocations, readelfSections } from './readelf-tables.ts';

describe('relocation types', () => {
  test.each([
    [elf.EM_X86_64, 2, 'R_X86_64_'],
    [elf.EM_AARCH64, 2, 'R_AARCH64_'],
    [elf.EM_ARM, 1, 'R_ARM_'],
    [elf.EM_386, 1, 'R_386_'],
  ] as const)('machine %d has the names that readelf prints', (machine, elfClass, prefix) => {
    const writer = new elf.ElfWriter({ machine, class: elfClass });
    const names = elf.relocationNames(machine) as ReadonlyMap<number, string>;
    expect(names.size).toBeGreaterThan(40);
    const target = writer.section('.data', { data: new Uint8Array(8) });
    writer.relocations(
      target,
      [...names.keys()].map((type) => ({ offset: 0, type })),
    );
    const printed = readelfRelocations(writer.write())
      .get('.rela.data')
      ?.map(({ type }) => type);
    expect(printed).toEqual([...names.values()]);
    for (const [type, name] of names) {
      expect(name.startsWith(prefix)).toBe(true);
      expect(elf.relocationType(machine, name)).toBe(type);
    }
  });

  test('types and machines without a name', () => {
    expect(elf.relocationName(elf.EM_X86_64, 0xcc)).toBe('unrecognized: cc');
    expect(elf.relocationName(8, 1)).toBe('unrecognized: 1');
    expect(elf.relocationType(elf.EM_X86_64, 'R_ARM_ABS32')).toBeUndefined();
  });
});

describe('section flags', () => {
  test('letters agree with readelf, flag by flag', () => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    const flags = Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter(
      // readelf has `l` for x86-64's large sections and `D` for others; `R` depends on the OS of the file.
      (flag) => ![0x1000_0000, elf.SHF_GNU_RETAIN, 0x100_0000].includes(flag),
    );
    flags.push(elf.SHF_WRITE | elf.SHF_ALLOC | elf.SHF_EXECINSTR);
    for (const flag of flags) writer.section('.s', { flags: flag });
    const rows = readelfSections(writer.write()).filter(({ name }) => name === '.s');
    expect(rows.map((row) => row.flags)).toEqual(flags.map(elf.sectionFlagLetters));
    expect(elf.sectionFlagLetters(7)).toBe('WAX');
  });
});

describe('file header', () => {
  test.each([
    ['64-bit', [] as string[]],
    ['32-bit', ['-m32']],
  ])('type and machine of a %s object', (_name, flags) => {
    const bytes = compileC('int x;', flags);
    const file = elf.readElf(bytes);
    if (elf.isProblem(file)) throw new Error(file.message);
    const header = readelf(bytes, ['-hW']);
    expect(header).toContain(`Type:                              ${elf.fileTypeName(file.header.e_type)} (`);
    expect(header).toContain(`Machine:                           ${elf.machineName(file.machine)}\n`);
  });
});

test('assembling and tools fail loudly', () => {
  expect(() => assemble('not an instruction')).toThrow();
  expect(withTool('cat', ['in'], { in: 'abc' }, ({ stdout }) => stdout)).toBe('abc');
});
