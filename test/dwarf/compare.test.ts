import { describe, expect, it } from 'vitest';
import { compareLayout, type Entry, type LayoutDifference, type NamedKind } from '../../src/dwarf/index.ts';
import { compileC } from '../support/gcc.ts';
import { openDwarf } from './samples.ts';

const entry = (declaration: string, kind: NamedKind, name: string, flags: readonly string[] = []): Entry => {
  const use = kind === 'typedef' ? name : `${kind} ${name}`;
  const dwarf = openDwarf(compileC(`${declaration}\n${use} *used;\n`, ['-g', ...flags]));
  const found = dwarf.find(kind, name)[0];
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};

const compare = (
  before: string,
  after: string,
  kind: NamedKind = 'struct',
  flags?: readonly string[],
): LayoutDifference[] => compareLayout(entry(before, kind, 's'), entry(after, kind, 's', flags));

describe('two layouts of one structure', () => {
  it('are equal if code sees no difference', () => {
    const text =
      'struct t; struct s { const int a; union { long b; char c; }; struct t *t; struct s *next; int d[3]; };';
    expect(compare(text, text)).toEqual([]);
    expect(compare(text, text, 'struct', ['-gdwarf-4'])).toEqual([]);
    // Names of typedefs and qualifiers do not count.
    expect(compare('struct s { unsigned a; };', 'typedef unsigned u32; struct s { volatile u32 a; };')).toEqual([]);
    // A type declared in one file equals its definition in the other.
    expect(compare('struct t; struct s { struct t *t; };', 'struct t { int a; }; struct s { struct t *t; };')).toEqual(
      [],
    );
  });

  it('differ if a member is inserted: later members move, and the size grows', () => {
    expect(compare('struct s { long a; long b; };', 'struct s { long a; long new; long b; };')).toEqual([
      { kind: 'size', before: 16, after: 24 },
      { kind: 'added', member: 'new', at: 64 },
      { kind: 'moved', member: 'b', before: 64, after: 128 },
    ]);
  });

  it('differ if a member replaces padding', () => {
    expect(compare('struct s { char a; long b; };', 'struct s { char a; char c; long b; };')).toEqual([
      { kind: 'added', member: 'c', at: 8 },
    ]);
  });

  it('differ if two members swap places without a change of size', () => {
    expect(compare('struct s { int a, b; };', 'struct s { int b, a; };')).toEqual([
      { kind: 'moved', member: 'b', before: 32, after: 0 },
      { kind: 'moved', member: 'a', before: 0, after: 32 },
    ]);
  });

  it('differ if a member is removed, or has another size or type', () => {
    const differences = compare(
      'struct t; struct s { int a; short b; short c; struct t *d; int e; };',
      'struct u; struct s { int a; int c; struct u *d; unsigned e; };',
    );
    expect(differences).toEqual([
      { kind: 'moved', member: 'c', before: 48, after: 32 },
      { kind: 'resized', member: 'c', before: 16, after: 32 },
      { kind: 'retyped', member: 'd', before: 'struct t *', after: 'struct u *' },
      { kind: 'retyped', member: 'e', before: 'int', after: 'unsigned int' },
      { kind: 'removed', member: 'b', at: 32 },
    ]);
  });

  it('differ in anonymous members, and in members of unnamed types', () => {
    expect(
      compare(
        'struct s { int k; union { int a; struct { short b, c; }; }; struct { int x, y; } p; };',
        'struct s { int k; union { int a; struct { short c, b; }; }; struct { int y, x; } p; };',
      ).map((difference) => [difference.kind, 'member' in difference ? difference.member : '']),
    ).toEqual([
      ['moved', 'c'],
      ['moved', 'b'],
      ['moved', 'p.y'],
      ['moved', 'p.x'],
    ]);
    expect(compare('struct s { struct { int a, b; } l[2]; };', 'struct s { struct { int b, a; } l[2]; };')).toEqual([
      { kind: 'moved', member: 'l[].b', before: 32, after: 0 },
      { kind: 'moved', member: 'l[].a', before: 0, after: 32 },
    ]);
  });

  it('differ in bit-fields, in either encoding', () => {
    const wanted = [
      { kind: 'resized', member: 'a', before: 3, after: 4 },
      { kind: 'moved', member: 'b', before: 3, after: 4 },
    ];
    const [before, after] = ['struct s { unsigned a : 3, b : 5; };', 'struct s { unsigned a : 4, b : 5; };'];
    expect(compare(before, after)).toEqual(wanted);
    expect(compare(before, after, 'struct', ['-gdwarf-4'])).toEqual(wanted);
  });

  it('ignore a change inside a member structure, except its size and the later offsets', () => {
    const outer = 'struct s { struct t t; int a; };';
    expect(compare(`struct t { int x, y; }; ${outer}`, `struct t { int y, x; }; ${outer}`)).toEqual([]);
    expect(compare(`struct t { int x; }; ${outer}`, `struct t { int x, y; }; ${outer}`)).toEqual([
      { kind: 'size', before: 8, after: 12 },
      { kind: 'resized', member: 't', before: 32, after: 64 },
      { kind: 'moved', member: 'a', before: 32, after: 64 },
    ]);
  });

  it('differ if one is a union', () => {
    const differences = compareLayout(
      entry('typedef struct { int a; } s;', 'typedef', 's'),
      entry('typedef union { int a; } s;', 'typedef', 's'),
    );
    expect(differences).toEqual([{ kind: 'category', before: 's', after: 's' }]);
  });
});

describe('two enumerations', () => {
  it('differ in values, and in added and removed constants', () => {
    const [before, after] = ['enum s { A, B, C };', 'enum s { A, NEW, B };'];
    expect(compare(before, before, 'enum')).toEqual([]);
    expect(compare(before, after, 'enum')).toEqual([
      { kind: 'added', member: 'NEW', at: 1 },
      { kind: 'value', member: 'B', before: 1, after: 2 },
      { kind: 'removed', member: 'C', at: 2 },
    ]);
  });
});
