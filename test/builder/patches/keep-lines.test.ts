import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepLines } from '../../../src/builder/patches/index.ts';
import { withTool } from '../../support/gcc.ts';

/** Returns `__LINE__` of each line `ID __LINE__`, after cpp. */
function linesByCpp(source: string, ...flags: string[]): Map<string, number> {
  const out = withTool('gcc', ['-E', '-P', ...flags, 'x.c'], { 'x.c': source }, ({ stdout }) => stdout);
  return new Map([...out.matchAll(/\b(id\w+) (\d+)\b/g)].map(([, id, number]) => [id ?? '', Number(number)]));
}

/** A line with a name of its own, so that it is clear which line is which. */
const mark = (id: number | string): string => `id${id} __LINE__`;
const file = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** Adds directives, and returns the resulting lines. */
const kept = (before: readonly string[], after: readonly string[], path = 'x.c'): string[] =>
  keepLines(file(before), file(after), path).split('\n').slice(0, -1);

describe('keepLines', { timeout: 60_000 }, () => {
  it('keeps the numbers after a hunk, and changes nothing else', () => {
    expect(kept(['a', 'b', 'c', 'd'], ['a', 'x', 'y', 'b', 'c', 'd'])).toEqual([
      'a',
      'x',
      'y',
      '#line 2',
      'b',
      'c',
      'd',
    ]);
    expect(kept(['a', 'b', 'c', 'd'], ['a', 'd'])).toEqual(['a', '#line 4', 'd']);
    expect(kept(['a', 'b', 'c'], ['a', 'x', 'c'])).toEqual(['a', 'x', 'c']);
    expect(kept(['a', 'b'], ['a', 'b', 'x'])).toEqual(['a', 'b', 'x']);
  });

  it.each(['x.c', 'x.h', 'x.S', 'a/xen.lds.S'])('does so for %s', (path) => {
    expect(kept(['a', 'b'], ['x', 'a', 'b'], path)).toEqual(['x', '#line 1', 'a', 'b']);
  });

  it.each(['x.py', 'Makefile', 'x.s', 'Kconfig', 'x.c.txt'])('leaves %s alone', (path) => {
    expect(kept(['a', 'b'], ['x', 'a', 'b'], path)).toEqual(['x', 'a', 'b']);
  });

  it('leaves a new file alone', () => {
    expect(keepLines('', 'a\nb\n', 'x.c')).toBe('a\nb\n');
  });

  it.each([
    ['a comment', ['int a;', '/*', ' * b', ' */', 'int c;'], ['int a;', '/*', ' * new', ' * b', ' */', 'int c;'], 5],
    [
      'a line that goes on',
      ['#define A \\', '  b \\', '  c', 'int d;'],
      ['#define A \\', '  new \\', '  b \\', '  c', 'int d;'],
      4,
    ],
    [
      'a backslash with blanks after it',
      ['#define A \\ ', '  b', 'int d;'],
      ['#define A \\ ', '  n \\', '  b', 'int d;'],
      3,
    ],
    ['a string over lines', ['s = "a\\', 'b\\', 'c";', 'int d;'], ['s = "a\\', 'n\\', 'b\\', 'c";', 'int d;'], 4],
    ['a call', ['f(a,', '  b,', '  c);', 'int d;'], ['f(a,', '  n,', '  b,', '  c);', 'int d;'], 4],
    [
      'a comment in a directive',
      ['#define A /*', ' b', ' */ 1', 'int d;'],
      ['#define A /*', ' n', ' b', ' */ 1', 'int d;'],
      4,
    ],
    ['a // comment that goes on', ['// a \\', 'b', 'int c;'], ['// a \\', 'n \\', 'b', 'int c;'], 3],
    ['a macro’s name and its parenthesis', ['m', '(a)', 'int c;'], ['m', '/* n */', '(a)', 'int c;'], 3],
  ])('adds no directive inside %s', (_what, before, after, number) => {
    const at = after.length - (before.length - number + 1);
    expect(kept(before, after)).toEqual([...after.slice(0, at), `#line ${number}`, ...after.slice(at)]);
  });

  it.each([
    ['a quote in a comment', "/* don't ( */"],
    ['a quote in a directive', "#error don't ("],
    ['a parenthesis in a character', "c = '(';"],
    ['a parenthesis in a string', 's = "\\"(";'],
    ['a slash and a star in a string', 's = "/*";'],
    ['prose that is left out', "#if 0\n( it's\n#endif"],
  ])('is not misled by %s', (_what, line) => {
    // Were a parenthesis taken for an open one, the directive would come after the stray one that closes it.
    const before = ['int a;', ...line.split('\n'), 'int b;', 'x );', 'int c;'];
    const start = before.slice(0, -2);
    expect(kept(before, [...start, 'int n;', 'x );', 'int c;'])).toEqual([
      ...start,
      'int n;',
      `#line ${start.length + 1}`,
      'x );',
      'int c;',
    ]);
  });

  it('adds one inside parentheses if they do not end soon, or before another hunk', () => {
    const long = ['f(', ...Array.from({ length: 300 }, (_, i) => `a${i},`), 'z);', 'int d;'];
    expect(kept(long, ['f(', 'n,', ...long.slice(1)])[2]).toBe('#line 2');
    const short = ['f(a,', 'b,', 'c,', 'd);'];
    expect(kept(short, ['f(a,', 'n,', 'b,', 'm,', 'c,', 'd);', 'x'])).toEqual([
      'f(a,',
      'n,',
      '#line 2',
      'b,',
      'm,',
      '#line 3',
      'c,',
      'd);',
      'x',
    ]);
  });

  it('forgets an unclosed parenthesis at the end of its function', () => {
    const before = ['x = ((;', '}', 'int a;', 'int b;'];
    expect(kept(before, ['x = ((;', '}', 'int n;', 'int a;', 'int b;'])).toEqual([
      'x = ((;',
      '}',
      'int n;',
      '#line 3',
      'int a;',
      'int b;',
    ]);
  });

  it('continues from the source’s own directives', () => {
    const before = ['a', '#line 100', 'b', 'c', 'd'];
    expect(kept(before, ['a', '#line 100', 'b', 'n', 'c', 'd'])).toEqual([
      'a',
      '#line 100',
      'b',
      'n',
      '#line 101',
      'c',
      'd',
    ]);
  });

  it('numbers what follows a conditional, whichever branch is taken', () => {
    const before = [
      '#ifdef A',
      mark(1),
      '# ifdef B',
      mark(2),
      '# else',
      mark(3),
      '# endif',
      mark(4),
      '#elif defined(C)',
      mark(5),
      '#else',
      mark(6),
      '#endif',
      mark(7),
    ];
    for (let at = 0; at <= before.length; at++) {
      const after = [...before.slice(0, at), '/* new */', '/* new */', ...before.slice(at)];
      const text = keepLines(file(before), file(after), 'x.c');
      for (const flags of [[], ['-DA'], ['-DA', '-DB'], ['-DC']]) {
        expect(linesByCpp(text, ...flags), `hunk at ${at}, ${flags}`).toEqual(linesByCpp(file(before), ...flags));
      }
    }
  });

  it('compares very different files in bounded time', () => {
    const text = (salt: number): string => file(Array.from({ length: 30_000 }, (_, i) => `x${(i * salt) % 9973}`));
    const start = performance.now();
    const after = text(89);
    const result = keepLines(text(57), `${after}end\n`, 'x.c');
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(result.replace(/^#line \d+\n/gm, '')).toBe(`${after}end\n`);
  });
});

/**
 * Lines that nest and go on as C has them; each statement is one element, whole. No line is like another one: which of two that are the same was moved,
 * and which was there, nobody can tell.
 */
const statement = fc.constantFrom<(id: string) => string[]>(
  (id) => [`${id} __LINE__`],
  (id) => [`/* it's ( ${id}`, ` * ${id}`, ` ${id} */`, `${id} __LINE__`],
  (id) => [`"${id}"`, `"(" ${id} __LINE__ ")"`],
  (id) => [`#define M_${id}(x) x \\`, `  (${id}x`, `${id} __LINE__`],
  (id) => [
    `#if 0 /* ${id} */`,
    `( don't ${id}`,
    `#else /* ${id} */`,
    `${id}a __LINE__`,
    `#endif /* ${id} */`,
    `${id} __LINE__`,
  ],
  (id) => [`#ifdef UP /* ${id} */`, `${id}u __LINE__`, `#else // ${id}`, `${id}d __LINE__`, `#endif // ${id}`],
  (id) => [`f(${id}x,`, `  // ) text ${id}`, `  y${id})`, `${id} __LINE__`],
  (id) => [`'(' ${id}c`, `// line ${id} \\`, `  goes on ( ${id}`, `${id} __LINE__`],
);

describe('random edits', { timeout: 120_000 }, () => {
  it('leave each line that was there its number, for cpp', () => {
    const edit = fc.tuple(fc.nat(30), fc.nat(3), fc.array(statement, { maxLength: 3 }));
    fc.assert(
      fc.property(
        fc.array(statement, { minLength: 1, maxLength: 25 }),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (parts, edits) => {
          const before = parts.map((part, i) => part(`id${i}`));
          const after = [...before];
          for (const [i, [at, removed, added]] of edits.entries()) {
            after.splice(at, removed, ...added.map((part, j) => part(`idn${i}n${j}`)));
          }
          const result = keepLines(file(before.flat()), file(after.flat()), 'x.c');
          expect(result.replace(/^#line \d+\n/gm, '')).toBe(file(after.flat()));
          for (const flags of [[], ['-DUP']]) {
            const were = linesByCpp(file(before.flat()), ...flags);
            for (const [id, number] of linesByCpp(result, ...flags)) {
              if (were.has(id)) expect([id, number]).toEqual([id, were.get(id)]);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
