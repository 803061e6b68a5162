import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/base/index.ts';
import * as elf from '../../src/elf/index.ts';
import { link, nm, readelf } from '../support/gcc.ts';
import { readelfSections } from './readelf-tables.ts';
import { assembly, joined64, object32, object64, sections64 } from './samples.ts';

const open = (bytes: Uint8Array): elf.ElfFile => {
  const file = elf.readElf(bytes);
  if (elf.isProblem(file)) throw new Error(file.message);
  return file;
};

/** Returns the output of readelf without file offsets, which the writer chooses itself. */
const described = (bytes: Uint8Array): string =>
  readelf(bytes, ['-aW'])
    .replace(/(Start of section headers: +)\d+/, '$1…')
    .replace(/^( +\[ *\d+\] .*?[0-9a-f]{8,16}) [0-9a-f]{6} /gm, '$1 …    ')
    .replace(/ at offset 0x[0-9a-f]+/g, '')
    // Sizes of .strtab and .shstrtab: binutils merges suffixes of names, the writer does not.
    .replace(/^(.*\.(?:sh)?strtab +STRTAB .*?… +)[0-9a-f]{6}/gm, '$1…');

describe('a file that is read and rewritten', () => {
  test.each([
    ['64-bit object', object64],
    ['32-bit object (REL)', object32],
    ['many sections', sections64],
    ['ld -r', joined64],
    ['groups', () => assembly()],
    ['32-bit groups', () => assembly(['--32'])],
  ])('looks the same to readelf: %s', (_name, make) => {
    const original = make();
    const copy = elf.copyElf(open(original)).writer.write();
    expect(described(copy)).toBe(described(original));
    expect(nm(copy)).toEqual(nm(original));
    for (const section of open(original).sections) {
      // Section headers, symbols and relocations are compared above; these are the bytes.
      if (section.type !== elf.SHT_PROGBITS) continue;
      expect(hex(open(copy).sections[section.index]?.data() as Uint8Array)).toBe(hex(section.data()));
    }
  });

  test('links to the same program', () => {
    const flags = ['-static', '-e', 'entry', '--unresolved-symbols=ignore-all'];
    const copy = elf.copyElf(open(joined64())).writer.write();
    expect(described(link([copy], flags))).toBe(described(link([joined64()], flags)));
  });
});

describe('symbols', () => {
  test('start with the local ones, and sh_info is the index of the first other one', () => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    const text = writer.section('.text', { flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, data: new Uint8Array(16) });
    const global = writer.symbol('global', { section: text, type: elf.STT_FUNC });
    const local = writer.symbol('local', { section: text, bind: elf.STB_LOCAL, value: 4n });
    writer.relocations(text, [
      { offset: 0, type: 2, symbol: global, addend: -4 },
      { offset: 8, type: 2, symbol: local, addend: 4n },
      { offset: 12, type: 0 },
    ]);
    const file = open(writer.write());
    expect(file.symbols.section?.info).toBe(2);
    expect([file.symbols.name(1), file.symbols.name(2)]).toEqual(['local', 'global']);
    const [table] = file.relocationsOf(1);
    expect([0, 1, 2].map((i) => [table?.symbol(i), table?.addend(i)])).toEqual([
      [2, -4n],
      [1, 4n],
      [0, 0n],
    ]);
    expect(nm(writer.write())).toEqual(['0000000000000000 T global', '0000000000000004 t local']);
  });

  test('a name is stored once', () => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    const text = writer.section('.text');
    for (let i = 0; i < 10; i++) writer.symbol('twice', { section: text, bind: elf.STB_LOCAL });
    expect(open(writer.write()).section('.strtab')?.size).toBe(1 + 'twice'.length + 1);
  });

  test('a section symbol is made once', () => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    const text = writer.section('.text');
    expect(writer.sectionSymbol(text)).toBe(writer.sectionSymbol(text));
    expect(writer.symbols).toHaveLength(1);
  });

  test('a symbol of another file is a bug of the caller', () => {
    const other = new elf.ElfWriter({ machine: elf.EM_X86_64 }).symbol('other');
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    writer.relocations(writer.section('.data', { data: new Uint8Array(8) }), [{ offset: 0, type: 1, symbol: other }]);
    expect(() => writer.write()).toThrow('other is not a symbol of this file');
  });
});

describe('executables', () => {
  test('sections have file offsets congruent to their addresses, and readelf maps them to their segments', () => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64, type: elf.ET_EXEC, entry: 0xffff82d040200010n });
    const text = writer.section('.text', {
      flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR,
      addr: 0xffff82d040200000n,
      data: new Uint8Array(0x1234).fill(0x90),
      addralign: 16,
    });
    const data = writer.section('.data', {
      flags: elf.SHF_ALLOC | elf.SHF_WRITE,
      addr: 0xffff82d040202040n,
      data: new Uint8Array(0x40).fill(1),
      addralign: 64,
    });
    const bss = writer.section('.bss', {
      type: elf.SHT_NOBITS,
      flags: elf.SHF_ALLOC | elf.SHF_WRITE,
      addr: 0xffff82d040202080n,
      size: 0x3000,
      addralign: 64,
    });
    writer.segment({ type: elf.PT_LOAD, flags: elf.PF_R | elf.PF_X, align: 0x1000n, sections: [text] });
    writer.segment({
      type: elf.PT_LOAD,
      flags: elf.PF_R | elf.PF_W,
      align: 0x1000n,
      sections: [data, bss],
      paddr: 0x202040n,
    });
    const bytes = writer.write();
    const listing = readelf(bytes, ['-hlW']);
    expect(listing).toContain('EXEC (Executable file)');
    expect(listing).toMatch(/LOAD +0x001000 0xffff82d040200000 0xffff82d040200000 0x001234 0x001234 R E 0x1000/);
    expect(listing).toMatch(/LOAD +0x003040 0xffff82d040202040 0x0000000000202040 0x000040 0x003040 RW +0x1000/);
    expect(listing).toMatch(/00 +\.text/);
    expect(listing).toMatch(/01 +\.data \.bss/);
    expect(listing).not.toContain('Warning');
    expect(open(bytes).header.e_entry).toBe(0xffff82d040200010n);
  });
});

describe('more sections than the file header can count', () => {
  test.each([0xfefb, 0xfefc, 0xfefd, 0xfeff, 0xff00, 0x10001])('%d sections', (count) => {
    const writer = new elf.ElfWriter({ machine: elf.EM_X86_64 });
    const made = Array.from({ length: count }, (_, i) => writer.section(`.s${i % 7}`));
    const last = made.at(-1) as elf.WriterSection;
    writer.symbol('first', { section: made[0] as elf.WriterSection });
    writer.symbol('last', { section: last });
    const bytes = writer.write();
    const file = open(bytes);
    const tables = count >= 0xff00 ? 4 : 3;
    expect(file.sections).toHaveLength(count + 1 + tables);
    expect(file.sections.at(-1)?.name).toBe('.shstrtab');
    expect(file.symbols.sectionIndex(file.symbols.find('last') as number)).toBe(count);
    expect(file.symbols.sectionIndex(file.symbols.find('first') as number)).toBe(1);
    const header = readelf(bytes, ['-hW']);
    const total = count + 1 + tables;
    expect(header).toContain(`Number of section headers:         ${total >= 0xff00 ? `0 (${total})` : total}`);
    expect(header).toContain(
      `Section header string table index: ${total - 1 >= 0xff00 ? `65535 (${total - 1})` : total - 1}`,
    );
  });
});

describe('any written file', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '_', '1'), maxLength: 5 });
  const section = fc.record({
    name: name.map((text) => `.${text}`),
    data: fc.uint8Array({ maxLength: 40 }),
    flags: fc.constantFrom(0, 2, 3, 6, 0x32),
    addralign: fc.constantFrom(0, 1, 4, 16, 64),
  });
  const symbol = fc.record({
    name,
    value: fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
    size: fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
    bind: fc.constantFrom(elf.STB_LOCAL, elf.STB_GLOBAL, elf.STB_WEAK),
    type: fc.constantFrom(elf.STT_NOTYPE, elf.STT_OBJECT, elf.STT_FUNC),
    where: fc.nat(),
  });

  test('is read back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1 as const, 2 as const),
        fc.array(section, { minLength: 1, maxLength: 8 }),
        fc.array(symbol, { maxLength: 12 }),
        fc.array(fc.tuple(fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 255 }), fc.nat(), fc.integer()), {
          maxLength: 8,
        }),
        (elfClass, sections, symbols, relocations) => {
          const writer = new elf.ElfWriter({ class: elfClass, machine: elfClass === 2 ? elf.EM_X86_64 : elf.EM_ARM });
          const made = sections.map(({ name: text, ...fields }) => writer.section(text, fields));
          const placed = symbols.map(({ name: text, where, ...fields }) =>
            writer.symbol(text, { ...fields, section: made[where % made.length] as elf.WriterSection }),
          );
          const entries = relocations.map(([offset, type, which, addend]) => ({
            offset,
            type,
            symbol: placed[which % Math.max(placed.length, 1)],
            addend,
          }));
          writer.relocations(made[0] as elf.WriterSection, entries);
          const plan = writer.layout();
          const file = open(writer.write(plan));

          sections.forEach((wanted, i) => {
            const read = file.sections[i + 1] as elf.ElfSection;
            expect([read.name, read.flags, read.addralign, hex(read.data())]).toEqual([
              wanted.name,
              wanted.flags,
              wanted.addralign,
              hex(wanted.data),
            ]);
            expect(read.offset % Math.max(wanted.addralign, 1)).toBe(0);
          });
          expect(file.symbols.count).toBe(symbols.length + 1);
          placed.forEach((wanted, i) => {
            const read = file.symbols.symbol(plan.symbols.get(wanted) as number);
            expect(read).toMatchObject({
              name: wanted.name,
              value: wanted.value,
              type: wanted.type,
              bind: wanted.bind,
            });
            expect(read.shndx).toBe(((symbols[i] as { where: number }).where % made.length) + 1);
          });
          const [table] = file.relocationsOf(1);
          expect(table?.count).toBe(entries.length);
          entries.forEach((wanted, i) => {
            expect(table?.offset(i)).toBe(wanted.offset);
            expect(table?.type(i)).toBe(wanted.type);
            expect(table?.addend(i)).toBe(BigInt(wanted.addend));
            expect(table?.symbol(i)).toBe(wanted.symbol === undefined ? 0 : plan.symbols.get(wanted.symbol));
          });
        },
      ),
    );
  });

  test('has no overlaps: every byte of the file belongs to one part', () => {
    const rows = readelfSections(elf.copyElf(open(joined64())).writer.write());
    const placed = rows
      .filter(({ type }) => type !== 'NOBITS' && type !== 'NULL')
      .sort((a, b) => a.offset - b.offset || a.size - b.size);
    placed.slice(1).forEach((row, i) => {
      const before = placed[i] as (typeof placed)[number];
      expect(row.offset).toBeGreaterThanOrEqual(before.offset + before.size);
    });
  });
});
