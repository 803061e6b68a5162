import { describe, expect, it } from 'vitest';
import { copiesOf, type DebugFunction, type DwarfFile, functionAt, functionsNamed } from '../../src/dwarf/index.ts';
import { STT_FUNC } from '../../src/elf/index.ts';
import { compileC, link, readelf, withTool } from '../support/gcc.ts';
import { compile, GCC_X86_64, INLINING, openDwarf, openElf } from './samples.ts';

const only = (dwarf: DwarfFile, name: string): DebugFunction => {
  const found = functionsNamed(dwarf, name);
  if (found.length !== 1) throw new Error(`${found.length} functions are called ${name}`);
  return found[0] as DebugFunction;
};

/** Returns the number of inlined copies of each function, counted by readelf. */
function inlinedByReadelf(bytes: Uint8Array): Map<string, number> {
  const names = new Map<string, string>();
  const origins: string[] = [];
  let entry = '';
  let inlined = false;
  for (const line of readelf(bytes, ['--debug-dump=info']).split('\n')) {
    const start = /^ *<\d+><([0-9a-f]+)>: Abbrev Number: .*\((\w+)\)/.exec(line);
    if (start !== null) {
      entry = start[1] as string;
      inlined = start[2] === 'DW_TAG_inlined_subroutine';
    }
    const name = /DW_AT_name +: (?:\(indirect.*\): )?(.*)$/.exec(line);
    if (name !== null) names.set(entry, (name[1] as string).trim());
    const origin = /DW_AT_abstract_origin: <(?:0x)?([0-9a-f]+)>/.exec(line);
    if (origin !== null && inlined) origins.push(origin[1] as string);
  }
  const counts = new Map<string, number>();
  for (const origin of origins) {
    const name = names.get(origin) as string;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

describe.each(['-gdwarf-4', '-gdwarf-5'])('functions, %s', (version) => {
  const bytes = compile(GCC_X86_64, INLINING, [version, '-O2']);
  const dwarf = openDwarf(bytes);
  const { symbols } = openElf(bytes);

  it('are at the addresses of the symbol table, including cold parts', () => {
    let seen = 0;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.type(i) !== STT_FUNC) continue;
      const section = symbols.sectionIndex(i) as number;
      const first = dwarf.places.addressOf(section, Number(symbols.value(i))) as bigint;
      const name = symbols.name(i).replace(/\.(cold|part|isra|constprop).*$/, '');
      expect(functionAt(dwarf, first)?.name).toBe(name);
      expect(functionAt(dwarf, first + BigInt(symbols.size(i) - 1))?.name).toBe(name);
      if (symbols.name(i) === name) expect(only(dwarf, name).address).toBe(first);
      seen++;
    }
    expect(seen).toBeGreaterThan(3);
    expect(only(dwarf, 'work').ranges.length).toBe(2);
    expect(only(dwarf, 'sum').ranges.length).toBe(1);
  });

  it('have their names, linkage and declarations', () => {
    expect(only(dwarf, 'work')).toMatchObject({ external: true, declaration: { file: 'main.c', line: 20 } });
    expect(only(dwarf, 'sum')).toMatchObject({ external: false, declaration: { file: 'main.c', line: 6 } });
    expect(functionsNamed(dwarf, 'clamp')).toEqual([]);
    expect(functionsNamed(dwarf, 'nowhere')).toEqual([]);
  });

  it('are inlined where readelf says, each copy with its call and the enclosing function', () => {
    const counts = inlinedByReadelf(bytes);
    expect([...counts.keys()].sort()).toEqual(['clamp', 'twice']);
    for (const [name, count] of counts) {
      const origin = dwarf.find('function', name)[0];
      const copies = copiesOf(dwarf, { ...only(dwarf, 'work'), entry: origin as never });
      expect(copies.outOfLine).toEqual([]);
      expect(copies.inlined.length).toBe(count);
      for (const { inside, ranges } of copies.inlined) {
        expect(['work', 'other']).toContain(inside.name);
        for (const { low } of ranges) expect(functionAt(dwarf, low)?.name).toBe(inside.name);
      }
    }
    const twice = copiesOf(dwarf, { ...only(dwarf, 'work'), entry: dwarf.find('function', 'twice')[0] as never });
    expect(twice.inlined.map(({ inside, call }) => [inside.name, call?.file, call?.line])).toEqual([
      ['other', 'main.c', 33],
      ['work', 'main.c', 22],
    ]);
  });
});

describe('all code generated from one function', () => {
  const header = 'static inline __attribute__((noinline)) int shared(int a)\n{\n    return a * 3;\n}\n';
  const unit = (name: string, extra: string): Uint8Array =>
    withTool(
      'gcc',
      ['-c', '-g', '-O2', '-ffreestanding', '-o', 'out.o', `${name}.c`],
      { 'shared.h': header, [`${name}.c`]: `#include "shared.h"\n${extra}` },
      ({ read }) => read('out.o'),
    );

  it('includes every unit that has it, but no other function of the same name', () => {
    const objects = [
      unit('a', 'int a(int x) { return shared(x); }\n'),
      unit('b', 'int b(int x) { return shared(x) + 1; }\n'),
      compileC(
        'static __attribute__((noinline)) int shared(int a) { return -a; }\nint c(int x) { return shared(x); }',
        ['-g', '-O2'],
      ),
    ];
    const dwarf = openDwarf(link(objects, ['-r']));
    const [first, second, third] = functionsNamed(dwarf, 'shared');
    expect(third?.declaration).toMatchObject({ file: 'source.c' });
    const copies = copiesOf(dwarf, first as DebugFunction);
    expect(copies.outOfLine.map(({ address }) => address)).toEqual([first?.address, second?.address]);
    expect(copies.inlined).toEqual([]);
    expect(copiesOf(dwarf, third as DebugFunction).outOfLine).toHaveLength(1);
  });

  it('includes clones and inlined copies besides the function itself', () => {
    const source = `
extern int log(const char *, int);
int target(int a, int mode)
{
    if (mode == 3)
        return a + 1;
    log("slow", a);
    log("slower", a);
    log("slowest", a);
    return log("x", a) * a - mode;
}
int near(int a) { return target(a, 3); }
int far(int a) { return target(a, 3) ^ target(a + 1, 3); }
`;
    const dwarf = openDwarf(compileC(source, ['-g', '-O2']));
    const copies = copiesOf(dwarf, only(dwarf, 'target'));
    const holders = copies.inlined.map(({ inside }) => inside.name);
    expect(copies.outOfLine.map(({ external }) => external)).toContain(true);
    expect(holders.filter((name) => name === 'near')).toHaveLength(1);
    expect(holders.filter((name) => name === 'far')).toHaveLength(2);
  });
});
