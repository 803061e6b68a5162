import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareLayout,
  copiesOf,
  type DwarfFile,
  framesAt,
  functionsNamed,
  membersOf,
  reachableTypes,
  typeName,
  typesUsedBy,
} from '../../src/dwarf/index.ts';
import { assemble, objcopy } from '../support/gcc.ts';
import { codeOffsets, compile, GCC_I386, GCC_X86_64, INLINING, openDwarf, openElf } from './samples.ts';

/** Reads everything in a file, and returns how much that was. */
function readAll(dwarf: DwarfFile): number {
  let count = 0;
  for (const unit of dwarf.units) {
    for (const entry of unit.root === undefined ? [] : unit.root.descendants()) count += entry.depth;
    count += dwarf.linesOf(unit)?.sequences.length ?? 0;
  }
  for (const kind of ['struct', 'union', 'enum', 'typedef', 'base'] as const) {
    for (const name of dwarf.names(kind)) {
      for (const type of dwarf.find(kind, name)) {
        count += typeName(type).length + membersOf(type).length + compareLayout(type, type).length;
      }
    }
  }
  for (const name of dwarf.names('function')) {
    for (const each of functionsNamed(dwarf, name)) {
      count += copiesOf(dwarf, each).inlined.length + reachableTypes(dwarf, typesUsedBy(each.entry)).length;
    }
  }
  const { elf } = dwarf;
  for (const { index } of elf.sections) {
    for (const offset of codeOffsets(elf, index).slice(0, 64)) {
      const address = dwarf.places.addressOf(index, offset);
      if (address !== undefined) count += framesAt(dwarf, address).length;
    }
  }
  return count;
}

const STRUCTS = `
struct list { struct list *next; union { int a; struct { char b, c : 3; }; }; };
struct holder { struct list list[4]; enum { ONE, TWO } kind; };
int walk(struct holder *h) { return h->list[0].a + clamp(h->kind, 0, 3); }
`;

const files = { ...INLINING, 'main.c': `${INLINING['main.c']}${STRUCTS}` };

describe('damaged debug data', () => {
  const samples = [
    compile(GCC_X86_64, files, ['-gdwarf-5', '-O2']),
    compile(GCC_X86_64, files, ['-gdwarf-4', '-O2']),
    compile(GCC_I386, files, ['-gdwarf-5', '-O2', '-ffunction-sections']),
  ].map((bytes) => {
    const debug = openElf(bytes).sections.filter(({ name }) => /^\.(rela?\.)?debug_/.test(name));
    return { bytes, debug: debug.map(({ offset, size }) => ({ offset, size })) };
  });

  it('is read as far as possible, and never throws', () => {
    const whole = samples.map(({ bytes }) => readAll(openDwarf(bytes)));
    expect(Math.min(...whole)).toBeGreaterThan(300);
    const damage = fc.array(fc.record({ section: fc.nat(), at: fc.nat(), value: fc.nat(255) }), {
      minLength: 1,
      maxLength: 12,
    });
    let different = 0;
    fc.assert(
      fc.property(fc.nat(samples.length - 1), damage, (which, changes) => {
        const { bytes, debug } = samples[which] as (typeof samples)[number];
        const damaged = bytes.slice();
        for (const { section, at, value } of changes) {
          const { offset, size } = debug[section % debug.length] as (typeof debug)[number];
          if (size > 0) damaged[offset + (at % size)] = value;
        }
        const dwarf = openDwarf(damaged);
        if (readAll(dwarf) !== whole[which]) different++;
        expect(dwarf.problems.length).toBeLessThanOrEqual(64);
      }),
      { numRuns: 300, seed: 4 },
    );
    expect(different).toBeGreaterThan(100);
  }, 60_000);

  it.each([0, 1])('is read if a section is truncated: sample %i', (which) => {
    const { bytes } = samples[which] as (typeof samples)[number];
    const whole = readAll(openDwarf(bytes));
    let less = 0;
    for (const { name, headerOffset, size } of openElf(bytes).sections) {
      if (!name.startsWith('.debug_')) continue;
      for (let eighths = 0; eighths < 8; eighths++) {
        const cut = bytes.slice();
        new DataView(cut.buffer).setBigUint64(headerOffset + 32, BigInt(Math.floor((size * eighths) / 8)), true);
        if (readAll(openDwarf(cut)) < whole) less++;
      }
    }
    expect(less).toBeGreaterThan(16);
  });
});

/** Builds one unit of version 4 with these entries and abbreviations. */
const handmade = (abbreviations: string, entries: string): Uint8Array =>
  assemble(`
	.section .debug_abbrev, ""
${abbreviations}
	.byte 0
	.section .debug_info, ""
info:
	.long info_end - info_start
info_start:
	.short 4
	.long 0
	.byte 8
${entries}
info_end:
`);

const UNIT = '\t.uleb128 1, 0x11\n\t.byte 1\n\t.uleb128 0, 0\n';

describe('entries that no compiler writes', () => {
  it('a type that is itself', () => {
    const typedef = '\t.uleb128 2, 0x16\n\t.byte 0\n\t.uleb128 0x03, 0x08, 0x49, 0x13, 0, 0\n';
    const dwarf = openDwarf(
      handmade(UNIT + typedef, '\t.byte 1\nself: .byte 2\n\t.asciz "self"\n\t.long self - info\n\t.byte 0\n'),
    );
    const self = dwarf.find('typedef', 'self')[0] as never;
    expect(typeName(self)).toBe('self');
    expect(compareLayout(self, self)).toEqual([]);
    expect(reachableTypes(dwarf, [self])).toEqual([]);
  });

  it('a structure that is its own anonymous member, twice', () => {
    const struct = '\t.uleb128 2, 0x13\n\t.byte 1\n\t.uleb128 0, 0\n';
    const outer = '\t.uleb128 4, 0x13\n\t.byte 1\n\t.uleb128 0x03, 0x08, 0, 0\n';
    const member = '\t.uleb128 3, 0x0d\n\t.byte 0\n\t.uleb128 0x49, 0x13, 0, 0\n';
    const twice = '\t.byte 3\n\t.long self - info\n\t.byte 3\n\t.long self - info\n\t.byte 0\n';
    const dwarf = openDwarf(
      handmade(
        UNIT + struct + outer + member,
        `\t.byte 1\nself: .byte 2\n${twice}\t.byte 4\n\t.asciz "s"\n${twice}\t.byte 0\n`,
      ),
    );
    const found = dwarf.find('struct', 's')[0] as never;
    expect(compareLayout(found, found)).toEqual([]);
  });

  it('an entry that is its own origin, a sibling that points back, an unknown form', () => {
    const function_ = '\t.uleb128 2, 0x2e\n\t.byte 1\n\t.uleb128 0x31, 0x13, 0x01, 0x13, 0, 0\n';
    const strange = '\t.uleb128 3, 0x34\n\t.byte 0\n\t.uleb128 0x03, 0x7e, 0, 0\n';
    const dwarf = openDwarf(
      handmade(
        UNIT + function_ + strange,
        '\t.byte 1\nself: .byte 2\n\t.long self - info, self - info\n\t.byte 0, 3, 0, 0\n',
      ),
    );
    const [entry] = [...(dwarf.units[0]?.root?.children() ?? [])];
    expect(entry?.name).toBeUndefined();
    expect([...(dwarf.units[0]?.root?.children() ?? [])]).toHaveLength(2);
    expect(dwarf.problems.map(({ message }) => message)).toEqual(['Unknown form 0x7e']);
  });

  it('units of unsupported versions and formats', () => {
    const dwarf = openDwarf(
      assemble(`
	.section .debug_info, ""
	.long 7
	.short 9
	.long 0
	.byte 8
	.long 7
	.short 4
	.long 0
	.byte 2
	.long 0xffffffff
	.quad 3
	.byte 1, 2, 3
	.long 100
	.short 4
`),
    );
    expect(dwarf.units).toEqual([]);
    expect(dwarf.problems.map(({ message, where }) => `${message} at ${where.offset}`)).toEqual([
      'DWARF version 9 is not supported at 0',
      'Addresses of 2 bytes are not supported at 11',
      '64-bit DWARF is not supported at 22',
      'The unit is cut off at 37',
    ]);
  });

  it('a file whose debug sections are empty', () => {
    const bytes = compile(GCC_X86_64, INLINING, ['-g']);
    const empty = new Uint8Array(bytes);
    const elf = openElf(empty);
    const view = new DataView(empty.buffer);
    for (const section of elf.sections) {
      if (section.name.startsWith('.debug_')) view.setBigUint64(section.headerOffset + 32, 0n, true);
    }
    const dwarf = openDwarf(empty);
    expect(dwarf.units).toEqual([]);
    expect(functionsNamed(dwarf, 'work')).toEqual([]);
    expect(openDwarf(objcopy(bytes, ['--only-keep-debug'])).units).toHaveLength(1);
  });

  it('texts that overlap, each as long as the section', () => {
    const named = '\t.uleb128 2, 0x34\n\t.byte 0\n\t.uleb128 0x03, 0x0e, 0, 0\n';
    const dwarf = openDwarf(
      handmade(
        UNIT + named,
        `\t.byte 1\n\t.set at, 0\n\t.rept 5000\n\t.byte 2\n\t.long at\n\t.set at, at + 1\n\t.endr\n\t.byte 0
	.section .debug_str, ""
	.fill 6000, 1, 0x61
	.section .debug_info, ""`,
      ),
    );
    const names = [...(dwarf.units[0]?.root?.children() ?? [])].map(({ name }) => name?.length ?? 0);
    expect(names).toHaveLength(5000);
    expect(names.reduce((sum, length) => sum + length, 0)).toBeLessThan(20 * 6000 + 2 ** 16);
    expect(dwarf.problems.map(({ message }) => message)).toEqual(['Too many texts overlap; skipped the rest']);
  });

  it('range lists that overlap, and tables of abbreviations', () => {
    const block = '\t.uleb128 2, 0x0b\n\t.byte 0\n\t.uleb128 0x55, 0x17, 0, 0\n';
    const ranges = openDwarf(
      handmade(
        UNIT + block,
        `\t.byte 1\n\t.set at, 0\n\t.rept 2000\n\t.byte 2\n\t.long at\n\t.set at, at + 16\n\t.endr\n\t.byte 0
	.section .debug_ranges, ""
	.rept 2000
	.quad 1, 2
	.endr
	.section .debug_info, ""`,
      ),
    );
    let read = 0;
    for (const entry of ranges.units[0]?.root?.children() ?? []) read += ranges.rangesOf(entry).length;
    expect(read).toBeGreaterThan(2000);
    expect(read).toBeLessThanOrEqual(2 * 32_000);
    expect(ranges.problems[0]?.message).toBe('Too many range lists overlap; skipped the rest');

    const units = openDwarf(
      assemble(`
	.section .debug_abbrev, ""
	.rept 3000
	.byte 1, 0x11, 0, 0, 0
	.endr
	.section .debug_info, ""
	.set at, 0
	.rept 3000
	.long 8
	.short 4
	.long at
	.byte 8, 1
	.set at, at + 5
	.endr
`),
    );
    expect(units.units).toHaveLength(3000);
    expect(units.units.filter(({ root }) => root !== undefined).length).toBeLessThan(100);
    expect(units.problems.map(({ message }) => message)).toContain('Too many tables overlap; skipped the rest');
  });
});
