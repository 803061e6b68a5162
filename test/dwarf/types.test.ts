import { describe, expect, it } from 'vitest';
import {
  aggregateKind,
  type DwarfFile,
  definitionOf,
  definitionsOf,
  type Entry,
  enumeratorsOf,
  type Member,
  membersOf,
  reachableTypes,
  sizeOf,
  stripped,
  typeName,
  typesUsedBy,
} from '../../src/dwarf/index.ts';
import { compileC, link, withTool } from '../support/gcc.ts';
import { compile, GCC_ARM32, GCC_I386, GCC_X86_64, openDwarf } from './samples.ts';

/** Structures with every feature of a layout; the program that prints the members' offsets compiles the same text. */
const TYPES = `
typedef unsigned char u8;
typedef struct { unsigned int raw; u8 tail; } lock_t;
enum colour { RED, GREEN = 7, BLUE = -3 };
enum wide { SMALL = 1, LARGE = 0x7fffffffffffLL };
union word { unsigned long whole; struct { unsigned short low, high; } half; u8 bytes[sizeof(long)]; };
struct later;
struct inner { char c; const struct later *link; };
struct everything {
    u8 first;
    lock_t lock;
    unsigned int a : 3, b : 9, : 4, c : 20;
    unsigned long long d : 33;
    _Bool flag : 1;
    struct { int x; union { long y; char z[3]; }; };
    struct inner in[2][3];
    enum colour colour;
    union word word;
    void (*call)(struct everything *, int);
    struct everything *const next;
    volatile int *counters[4];
    struct { short p; long q; } named;
    u8 rest[];
} __attribute__((aligned(16)));
struct packed { char a; int b; short c : 5; int d : 13; } __attribute__((packed));
`;

/** Paths of members, with `bits` for bit-fields. */
const PROBES: readonly (readonly [type: string, member: string, bits?: 'bits'])[] = [
  ...['first', 'lock', 'x', 'y', 'z', 'in', 'colour', 'word', 'call', 'next', 'counters', 'named'].map(
    (member) => ['everything', member] as const,
  ),
  ...['a', 'b', 'c', 'd', 'flag'].map((member) => ['everything', member, 'bits'] as const),
  ['packed', 'a'],
  ['packed', 'b'],
  ['packed', 'c', 'bits'],
  ['packed', 'd', 'bits'],
];

/** Returns the compiler's answer, from a program that prints first bit and number of bits of each member. */
function byCompiler(flags: readonly string[]): Record<string, string> {
  const lines = PROBES.map(([type, member, bits]) =>
    bits === undefined
      ? `printf("${type}.${member} %zu %zu\\n", 8 * __builtin_offsetof(struct ${type}, ${member}), 8 * sizeof(((struct ${type} *)0)->${member}));`
      : `{ static struct ${type} v; v.${member} = -1; show("${type}.${member}", &v, sizeof(v)); }`,
  );
  const source = `${TYPES}
extern int printf(const char *, ...);
static void show(const char *name, const void *at, unsigned long size)
{
    const u8 *bytes = at;
    unsigned long first = 8 * size, count = 0;
    for (unsigned long i = 0; i < 8 * size; i++)
        if (bytes[i / 8] >> (i % 8) & 1) { if (first > i) first = i; count++; }
    printf("%s %lu %lu\\n", name, first, count);
}
int main(void)
{
    ${lines.join('\n    ')}
    printf("everything %zu 0\\npacked %zu 0\\n", sizeof(struct everything), sizeof(struct packed));
}
`;
  const stdout = withTool(
    'sh',
    ['-c', 'gcc "$@" -o ./program program.c && exec ./program', 'sh', ...flags],
    { 'program.c': source },
    (done) => done.stdout,
  );
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [name = '', first, size] = line.split(' ');
        return [name, `${first} ${size}`];
      }),
  );
}

/** Returns our answer in the same format. */
function byDwarf(dwarf: DwarfFile): Record<string, string> {
  const said: Record<string, string> = {};
  for (const name of ['everything', 'packed']) {
    const struct = dwarf.find('struct', name)[0] as Entry;
    said[name] = `${sizeOf(struct)} 0`;
    const visit = (entry: Entry, base: number): void => {
      for (const member of membersOf(entry)) {
        const first = base + (member.bits?.offset ?? 8 * member.offset);
        const inner = stripped(member.type);
        if (member.name !== undefined) {
          said[`${name}.${member.name}`] = `${first} ${member.bits?.size ?? 8 * (sizeOf(member.type) ?? 0)}`;
        } else if (inner !== undefined && aggregateKind(inner) !== undefined) visit(inner, base + 8 * member.offset);
      }
    };
    visit(struct, 0);
  }
  return said;
}

const USER =
  'struct everything *user(struct everything *e, struct packed *p) { return e->word.whole ? e : (void *)p; }\n';

describe.each(['-gdwarf-3', '-gdwarf-4', '-gdwarf-5'])('struct layouts, %s', (version) => {
  const files = { 'main.c': `${TYPES}${USER}enum wide wide;\n` };
  const dwarf = openDwarf(compile(GCC_X86_64, files, [version]));

  it('agree with the compiler, including bit-fields', () => {
    const wanted = byCompiler([]);
    expect(Object.keys(wanted)).toHaveLength(PROBES.length + 2);
    expect(byDwarf(dwarf)).toMatchObject(wanted);
    expect(dwarf.problems).toEqual([]);
  });

  it('have C names of types', () => {
    const members = membersOf(dwarf.find('struct', 'everything')[0] as Entry);
    const names = Object.fromEntries(members.map((member: Member) => [member.name ?? '', typeName(member.type)]));
    expect(names).toMatchObject({
      first: 'u8',
      lock: 'lock_t',
      a: 'unsigned int',
      in: 'struct inner[2][3]',
      colour: 'enum colour',
      word: 'union word',
      call: 'void (*)()',
      next: 'struct everything * const',
      counters: 'volatile int *[4]',
      named: 'struct {…}',
      rest: 'u8[]',
    });
  });

  it('have constants of enumerations', () => {
    const [colour, wide] = ['colour', 'wide'].map((name) => enumeratorsOf(dwarf.find('enum', name)[0] as Entry));
    expect(colour).toEqual([
      { name: 'RED', value: 0 },
      { name: 'GREEN', value: 7 },
      { name: 'BLUE', value: -3 },
    ]);
    expect(wide).toEqual([
      { name: 'SMALL', value: 1 },
      { name: 'LARGE', value: 0x7fffffffffff },
    ]);
  });

  it('reach everything that a function can access, including cycles', () => {
    const user = dwarf.find('function', 'user')[0] as Entry;
    const reached = reachableTypes(dwarf, typesUsedBy(user)).map(({ kind, name }) => `${kind} ${name}`);
    expect(reached.sort()).toEqual(
      ['enum colour', 'struct everything', 'struct inner', 'struct packed', 'typedef lock_t', 'union word'].sort(),
    );
  });
});

describe('types that one unit declares and another defines', () => {
  const declares = compileC('struct later; int look(struct later *l) { return l != 0; }', ['-g']);
  const defines = compileC('struct later { int a, b; }; struct later made; struct inner { long a; } one;', ['-g']);
  const other = compileC('struct inner { int a; } two;', ['-g']);
  const dwarf = openDwarf(link([declares, defines, other], ['-r']));

  it('are found in the unit that defines them', () => {
    const look = dwarf.find('function', 'look')[0] as Entry;
    const [later] = reachableTypes(dwarf, typesUsedBy(look));
    expect(later?.name).toBe('later');
    expect(later?.entry.unit).toBe(dwarf.units[1]);
    expect(sizeOf(later?.entry)).toBe(8);
  });

  it('are unknown if no unit defines them', () => {
    const alone = openDwarf(declares);
    const look = alone.find('function', 'look')[0] as Entry;
    expect(reachableTypes(alone, typesUsedBy(look))).toEqual([]);
    expect([...typesUsedBy(look)].map((type) => definitionOf(alone, stripped(type) as Entry))).toHaveLength(2);
  });

  it('may share a name; those of the same unit come first', () => {
    const sizes = definitionsOf(dwarf, 'struct', 'inner').map((entry) => sizeOf(entry));
    expect(sizes).toEqual([8, 4]);
    expect(sizeOf(definitionsOf(dwarf, 'struct', 'inner', dwarf.units[2])[0])).toBe(4);
  });
});

describe.each([GCC_I386, GCC_ARM32])('a 32-bit object, $name', (compiler) => {
  it('has pointers of four bytes', () => {
    const dwarf = openDwarf(compile(compiler, { 'main.c': TYPES + USER }, ['-g']));
    const members = membersOf(dwarf.find('struct', 'inner')[0] as Entry);
    expect(members.map(({ offset, type }) => [offset, sizeOf(type)])).toEqual([
      [0, 1],
      [4, 4],
    ]);
  });
});
