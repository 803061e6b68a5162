import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Finding, hex } from '../../src/base/index.ts';
import {
  ELF64,
  type ElfFile,
  findBuildId,
  isProblem,
  readElf,
  readNotes,
  relocationName,
  sectionFlagLetters,
  sectionIndexName,
  sectionTypeName,
  symbolBindName,
  symbolTypeName,
  symbolVisibilityName,
} from '../../src/elf/index.ts';
import { nm, objcopy, readelf } from '../support/gcc.ts';
import { readelfRelocations, readelfSections, readelfSymbols } from './readelf-tables.ts';
import { assembly, executable64, joined64, object32, object64, SAMPLES } from './samples.ts';

const open = (bytes: Uint8Array): ElfFile => {
  const file = readElf(bytes);
  if (isProblem(file)) throw new Error(file.message);
  return file;
};

describe.each(SAMPLES)('%s agrees with readelf', (_name, make) => {
  const bytes = make();
  const file = open(bytes);

  test('section headers', () => {
    const ours = file.sections.map((section) => ({
      name: section.name,
      type: sectionTypeName(file.machine, section.type),
      addr: section.addr,
      offset: section.offset,
      size: section.size,
      entsize: section.entsize,
      flags: sectionFlagLetters(section.flags),
      link: section.link,
      info: section.info,
      align: section.addralign,
    }));
    expect(ours.length).toBeGreaterThan(4);
    expect(ours).toEqual(readelfSections(bytes));
  });

  test('symbols', () => {
    const { symbols } = file;
    const ours = Array.from({ length: symbols.count }, (_, i) => ({
      value: symbols.value(i),
      size: symbols.size(i),
      type: symbolTypeName(symbols.type(i)),
      bind: symbolBindName(symbols.bind(i)),
      visibility: symbolVisibilityName(symbols.other(i)),
      section: sectionIndexName(symbols.shndx(i)),
      name: symbols.displayName(i),
    }));
    expect(ours.length).toBeGreaterThan(3);
    expect(ours).toEqual(readelfSymbols(bytes));
  });

  test('relocations', () => {
    const ours = new Map(
      file.relocationTables().map((table) => [
        table.section.name,
        Array.from({ length: table.count }, (_, i) => ({
          offset: table.offset(i),
          type: relocationName(file.machine, table.type(i)),
          symbol: table.symbol(i),
          addend: table.hasAddends ? table.addend(i) : undefined,
        })),
      ]),
    );
    expect(ours).toEqual(readelfRelocations(bytes));
  });

  test('look-ups by name agree with nm', () => {
    let found = 0;
    for (const line of nm(bytes)) {
      const m = /^([0-9a-f]*) +([A-Za-z]) (.*)$/.exec(line);
      const name = m?.[3];
      if (name === undefined || /[a-z]/.test(m?.[2] as string)) continue;
      const i = file.symbols.find(name);
      expect(i, name).toBeDefined();
      // nm prints a common symbol's size; st_value has its alignment.
      if (m?.[1] !== '' && m?.[2] !== 'C') expect(file.symbols.value(i as number)).toBe(BigInt(`0x${m?.[1]}`));
      found++;
    }
    expect(found).toBeGreaterThan(0);
  });

  test('data() agrees with objcopy', () => {
    const section = file.section('.text') ?? file.section('.text.entry');
    expect(section?.complete).toBe(true);
    const dumped = objcopy(bytes, ['-O', 'binary', '--only-section', section?.name as string]);
    expect(hex(section?.data() as Uint8Array)).toBe(hex(dumped));
  });
});

describe('sections', () => {
  test('section() finds the first of that name', () => {
    const file = open(assembly());
    const groups = file.sections.filter(({ name }) => name === '.group');
    expect(groups.length).toBeGreaterThan(0);
    expect(file.section('.group')).toBe(groups[0]);
    expect(file.section('.nowhere')).toBeUndefined();
    expect(file.section('')).toBeUndefined();
  });

  test('NOBITS has a size and no bytes', () => {
    const bss = open(assembly()).section('.bss');
    expect(bss?.size).toBe(300);
    expect(bss?.data()).toHaveLength(0);
    expect(bss?.complete).toBe(true);
  });

  test('data of a section that runs past the end of the file stops there', () => {
    const bytes = object64().slice();
    const text = open(bytes).section('.text');
    const view = new DataView(bytes.buffer);
    view.setBigUint64((text?.headerOffset as number) + (ELF64.shdr.at['sh_size'] as number), 1n << 60n, true);
    const broken = open(bytes).section('.text');
    expect(broken?.data()).toHaveLength(bytes.length - (text?.offset as number));
    expect(broken?.complete).toBe(false);
    expect(broken?.header.sh_size).toBe(1n << 60n);
  });

  test('a view of a larger buffer is read from its own start', () => {
    const bytes = object64();
    const padded = new Uint8Array(bytes.length + 100);
    padded.set(bytes, 37);
    const file = open(padded.subarray(37, 37 + bytes.length));
    expect(file.symbols.count).toBe(open(bytes).symbols.count);
    expect(file.symbols.find('entry')).toBe(open(bytes).symbols.find('entry'));
    expect(hex(file.section('.text')?.data() as Uint8Array)).toBe(
      hex(open(bytes).section('.text')?.data() as Uint8Array),
    );
  });
});

describe('program headers', () => {
  test('agree with readelf', () => {
    const bytes = executable64();
    const rows = readelf(bytes, ['-lW'])
      .split('\n')
      .map((line) => /^ {2}([A-Z_]+) +(0x\S+) (0x\S+) (0x\S+) (0x\S+) (0x\S+)/.exec(line))
      .filter((m) => m !== null)
      .map((m) => m.slice(2).map(BigInt));
    expect(rows.length).toBeGreaterThan(1);
    expect(
      open(bytes)
        .programHeaders()
        .map((p) => [p.p_offset, p.p_vaddr, p.p_paddr, p.p_filesz, p.p_memsz]),
    ).toEqual(rows);
    expect(open(object64()).programHeaders()).toEqual([]);
  });
});

describe('static symbols of several files', () => {
  const file = open(joined64());

  test('carry the name of their FILE symbol', () => {
    const helpers = readelfSymbols(joined64())
      .map((row, i) => ({ ...row, i }))
      .filter(({ name }) => name === 'helper');
    expect(helpers).toHaveLength(2);
    // gcc names both files source.c here; the first one has the smaller index.
    expect(helpers.map(({ i }) => file.symbols.qualifiedName(i))).toEqual(['source.c#helper', 'source.c#helper']);
    expect(file.symbols.findInFile('source.c', 'helper')).toBe(helpers[0]?.i);
    expect(file.symbols.findInFile('source.c', 'entry')).toBeUndefined();
    expect(file.symbols.findInFile('elsewhere.c', 'helper')).toBeUndefined();
  });

  test('findAll gives every symbol of a name, and no FILE symbol', () => {
    const rows = readelfSymbols(joined64());
    for (const name of ['helper', 'entry', 'shared', 'nothing']) {
      const expected = rows.map((row, i) => ({ row, i })).filter(({ row }) => row.name === name);
      expect([...file.symbols.findAll(name)]).toEqual(expected.map(({ i }) => i));
    }
    expect(rows.some(({ name, type }) => name === 'source.c' && type === 'FILE')).toBe(true);
    expect([...file.symbols.findAll('source.c')]).toEqual([]);
    expect(file.symbols.find('')).toBeUndefined();
  });

  test('globals have no file', () => {
    const entry = file.symbols.find('entry') as number;
    expect(file.symbols.fileOf(entry)).toBeUndefined();
    expect(file.symbols.qualifiedName(entry)).toBe('entry');
  });
});

describe('notes', () => {
  test('the build-id is the one readelf prints', () => {
    for (const bytes of [joined64(), executable64()]) {
      const id = /Build ID: ([0-9a-f]+)/.exec(readelf(bytes, ['-nW']))?.[1];
      expect(id).toMatch(/^[0-9a-f]{40}$/);
      expect(hex(findBuildId(open(bytes)) as Uint8Array)).toBe(id);
    }
    expect(findBuildId(open(object64()))).toBeUndefined();
  });

  test('name and descriptor are padded', () => {
    const notes = readNotes(open(assembly()).section('.note.mine')?.data() as Uint8Array);
    expect(notes.map(({ name, type, desc, offset }) => ({ name, type, desc: hex(desc), offset }))).toEqual([
      { name: 'Mine', type: 17, desc: '010203', offset: 0 },
    ]);
  });

  test('never reads past the section, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(1, 4, 8), (bytes, align) => {
        for (const note of readNotes(bytes, align)) {
          expect(note.offset + 12 + note.desc.length).toBeLessThanOrEqual(bytes.length);
        }
      }),
    );
  });
});

describe('invalid files', () => {
  const refused = (bytes: Uint8Array): Finding => {
    const result = readElf(bytes);
    if (!isProblem(result)) throw new Error('accepted');
    return result;
  };

  test('give a problem with its place', () => {
    expect(refused(new Uint8Array(3))).toMatchObject({ message: 'Too short for an ELF file', where: { offset: 3 } });
    expect(refused(new Uint8Array(100))).toMatchObject({ message: 'Not an ELF file', where: { offset: 0 } });
    const bytes = object64().slice();
    bytes[5] = 2;
    expect(refused(bytes)).toMatchObject({ message: expect.stringContaining('Big-endian'), where: { offset: 5 } });
    bytes[4] = 7;
    expect(refused(bytes)).toMatchObject({ message: 'Unknown ELF class 7', where: { offset: 4 } });
    expect(refused(object64().subarray(0, 40)).message).toBe('The file header is cut off: 40 of 64 bytes');
    expect(refused(object64().subarray(0, 200)).message).toContain('past the end of the file of 200 bytes');
  });

  test('a section count beyond the file is refused before anything is allocated', () => {
    const bytes = object64().slice();
    const view = new DataView(bytes.buffer);
    const { sections, header } = open(bytes);
    expect(sections.length).toBeGreaterThan(0);
    view.setUint16(ELF64.ehdr.at['e_shnum'] as number, 0, true);
    view.setBigUint64(Number(header.e_shoff) + (ELF64.shdr.at['sh_size'] as number), 0xffff_ffff_ffffn, true);
    expect(refused(bytes).message).toContain('281474976710655 section headers');
  });

  /** Reads everything readable. */
  function exhaust(bytes: Uint8Array): void {
    const file = readElf(bytes);
    if (isProblem(file)) return;
    for (const section of file.sections) {
      expect(section.data().length).toBeLessThanOrEqual(bytes.length);
      expect(typeof section.name).toBe('string');
    }
    file.programHeaders();
    file.symbols.find('entry');
    file.symbols.findInFile('source.c', 'helper');
    for (let i = 0; i < file.symbols.count; i++) {
      file.symbols.symbol(i);
      file.symbols.displayName(i);
    }
    for (const table of file.relocationTables()) {
      for (let i = 0; i < table.count; i++)
        expect(table.offset(i) + table.type(i) + table.symbol(i)).toBeGreaterThanOrEqual(0);
    }
    findBuildId(file);
  }

  test('truncation at every offset is read or refused, never thrown', () => {
    for (const bytes of [object64(), object32()]) {
      for (let length = 0; length <= bytes.length; length += length < 100 ? 1 : 13) exhaust(bytes.subarray(0, length));
    }
  });

  test('any changed bytes are read or refused, never thrown', () => {
    const samples = [joined64(), assembly(), assembly(['--32'])];
    fc.assert(
      fc.property(
        fc.nat({ max: samples.length - 1 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (which, changes, inHeaders) => {
          const bytes = (samples[which] as Uint8Array).slice();
          const file = open(bytes);
          const from = inHeaders ? Number(file.header.e_shoff) : 0;
          for (const [at, value] of changes) bytes[from + (at % (bytes.length - from))] = value;
          exhaust(bytes);
        },
      ),
      { numRuns: 400 },
    );
  });
});
