import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameCode } from '../../../src/builder/tree/c-text.ts';
import { makefileChange } from '../../../src/builder/tree/makefile-change.ts';

/** What gcc's preprocessor makes of a text, without the line markers, and with the lines where tokens stand. */
const preprocessed = (text: string): string[] => {
  const out = execFileSync('gcc', ['-E', '-x', 'c', '-'], {
    input: text,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let line = 0;
  const lines: string[] = [];
  for (const raw of out.split('\n')) {
    const marker = /^# (\d+) "<stdin>"/.exec(raw);
    if (marker !== null) line = Number(marker[1]);
    else if (!raw.startsWith('#')) {
      if (raw.trim() !== '') lines.push(`${line}: ${raw.trim().replace(/\s+/g, ' ')}`);
      line++;
    }
  }
  return lines;
};

describe('two versions of a source that say the same', () => {
  test.each([
    ['int x; /* a */\n', 'int x; /* b */\n'],
    ['int x; // a\nint y;\n', 'int x;\nint y;\n'],
    ['/*\n * a\n */\nint x;\n', '/*\n * b c\n */\nint x;\n'],
    ['int  x;\n', 'int x;   \n'],
    ['int x;\n', '/* new */\n#line 1\nint x;\n'],
    ['/* gone */\nint x = __LINE__;\n', '#line 2\nint x = __LINE__;\n'],
    ['char *a = "/* no */";\n', 'char *a = "/* no */"; /* yes */\n'],
    ['#define X \\\n    5\nX\n', '#define X /* a */ \\\n 5\nX\n'],
  ])('%j and %j', (before, after) => {
    expect(sameCode(before, after)).toBe(true);
    expect(preprocessed(before)).toEqual(preprocessed(after));
  });

  test.each([
    ['int x;\n', 'int y;\n'],
    ['int x = __LINE__;\n', '\nint x = __LINE__;\n'],
    ['char *a = "a  b";\n', 'char *a = "a b";\n'],
    ['#define X 1 /* a */\nX\n', '#define X 1 /* a\n*/ + 1\nX\n'],
    ['#define X /*\n*/ 5\nX;\n', '#define X\n 5\nX;\n'],
    ['int x; /* open\n', 'int x; /* closed */\n'],
    ['#define F(x) x\nF(1)\n', '#define F (x) x\nF(1)\n'],
    ['a\n', '/* a */\n'],
  ])('%j and %j differ, or may differ', (before, after) => {
    expect(sameCode(before, after)).toBe(false);
  });

  test('equal sources are equal to gcc', { timeout: 60_000 }, () => {
    const piece = fc.constantFrom(
      'x',
      ' ',
      '\n',
      '/* c */',
      '/* c\n d */',
      '// e\n',
      '"s /*"',
      '#define A 1',
      '\\\n',
      '\nA\n',
      '__LINE__',
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    let same = 0;
    fc.assert(
      fc.property(text, text, (a, b) => {
        if (a === b || !sameCode(a, b)) return;
        same++;
        expect(preprocessed(a)).toEqual(preprocessed(b));
      }),
      { numRuns: 4000, seed: 7 },
    );
    expect(same).toBeGreaterThan(20);
  });
});

describe('a change of a Makefile', () => {
  const config = new Map([['CONFIG_HVM', 'y']]);
  const compare = (before: string, after: string) => makefileChange(before, after, config);

  test('adds and removes objects, by options as well', () => {
    expect(
      compare(
        'obj-y += a.o\nobj-y += b.o\n',
        'obj-y += a.o\nobj-y += c.o d.o\nobj-$(CONFIG_HVM) += e.o\nobj-$(CONFIG_PV) += f.o sub/\n',
      ),
    ).toEqual({
      added: [
        { name: 'c.o', enabled: true },
        { name: 'd.o', enabled: true },
        { name: 'e.o', enabled: true },
        { name: 'f.o', enabled: false },
        { name: 'sub/', enabled: false },
      ],
      removed: [{ name: 'b.o', enabled: true }],
      others: [],
    });
  });

  test('comments, order of lines, and joined lines change nothing', () => {
    const change = compare('obj-y += a.o\nobj-y += b.o\n', '# new\nobj-y += b.o \\\n   a.o\n');
    expect(change).toEqual({ added: [], removed: [], others: [] });
  });

  test('an option that is taken away from an object builds it', () => {
    expect(compare('obj-$(CONFIG_PV) += a.o\n', 'obj-y += a.o\n').added).toEqual([{ name: 'a.o', enabled: true }]);
  });

  test.each([
    ['obj-y += a.o\n', 'obj-y += a.o\nCFLAGS-y += -DX\n', 'CFLAGS-y += -DX'],
    ['a:\n\ttouch a\n', 'a:\n\trm a\n', 'touch a'],
    ['', 'ifeq ($(X),y)\nobj-y += a.o\nendif\n', 'obj-y += a.o'],
    ['', 'obj-y += $(wildcard *.o)\n', 'obj-y += $(wildcard *.o)'],
    ['', 'obj-y += ../../x.o\n', 'obj-y += ../../x.o'],
  ])('%j to %j cannot be followed', (before, after, line) => {
    expect(compare(before, after).others).toContain(line);
  });
});
