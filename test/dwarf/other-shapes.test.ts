import { describe, expect, it } from 'vitest';
import {
  compareLayout,
  copiesOf,
  type DebugFunction,
  type Entry,
  functionsNamed,
  membersOf,
  reachableTypes,
  sizeOf,
  typesUsedBy,
} from '../../src/dwarf/index.ts';
import { compileC, link, withTool } from '../support/gcc.ts';
import { openDwarf } from './samples.ts';

const STRUCTS = `
struct inner { int a; char b; };
struct outer { struct inner inner; struct inner *link; long c; };
int look(struct outer *o) { return o->inner.a + (int)o->c; }
`;

describe('types in units of their own (-fdebug-types-section)', () => {
  const flags = ['-g', '-gdwarf-5', '-fdebug-types-section'];
  const linked = (object: Uint8Array): Uint8Array => link([object], ['-e', 'look']);
  const dwarf = openDwarf(linked(compileC(STRUCTS, flags)));
  const plain = openDwarf(linked(compileC(STRUCTS, ['-g'])));

  it('are found by name, and have the usual layout', () => {
    expect(dwarf.units.filter(({ header }) => header.signature !== undefined).length).toBeGreaterThan(1);
    for (const name of ['inner', 'outer']) {
      const [here, there] = [dwarf, plain].map((file) => file.find('struct', name)[0] as Entry) as [Entry, Entry];
      expect(compareLayout(here, there)).toEqual([]);
      expect(membersOf(here).map((member) => [member.name, member.offset, sizeOf(member.type)])).toEqual(
        membersOf(there).map((member) => [member.name, member.offset, sizeOf(member.type)]),
      );
    }
  });

  it('are reached from functions', () => {
    const reached = reachableTypes(dwarf, typesUsedBy(dwarf.find('function', 'look')[0] as Entry));
    expect(reached.map(({ name }) => name).sort()).toEqual(['inner', 'outer']);
    expect(reached.map(({ entry }) => sizeOf(entry)).sort()).toEqual([24, 8].sort());
  });

  it('are reported as a problem if an unlinked object has one section for each', () => {
    const { problems } = openDwarf(compileC(STRUCTS, flags));
    expect(problems.map(({ message }) => message)).toEqual([
      'There are several sections of this name; reading only the first',
    ]);
  });
});

describe('optimisation across units (-flto)', () => {
  it('gives inlined copies in other units, which are found', () => {
    const files = {
      'a.c': 'extern int report(int);\nint shared(int a)\n{\n    return report(a) * 3 + report(a + 1);\n}\n',
      'b.c': 'extern int shared(int);\nint caller(int a)\n{\n    return shared(a) + 1;\n}\n',
      'run.sh':
        'set -e; f="-g -O3 -flto -ffreestanding -fno-pic -fno-pie"; gcc $f -c a.c; gcc $f -c b.c; gcc $f -r -nostdlib -flinker-output=nolto-rel -o out a.o b.o',
    };
    const dwarf = openDwarf(withTool('sh', ['run.sh'], files, ({ read }) => read('out')));
    const [shared] = functionsNamed(dwarf, 'shared');
    const { inlined } = copiesOf(dwarf, shared as DebugFunction);
    expect(inlined.map(({ inside, call }) => [inside.name, call?.file, call?.line])).toEqual([['caller', 'b.c', 4]]);
    expect(dwarf.problems).toEqual([]);
  });
});
