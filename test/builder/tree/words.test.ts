import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCommandFile, readDependencyFile } from '../../../src/builder/tree/command-file.ts';
import { finalObject, readCompileCall } from '../../../src/builder/tree/object-command.ts';
import { shellCommands } from '../../../src/builder/tree/shell-words.ts';

const words = (script: string) => shellCommands(script)?.map((command) => command.words);

/** What a real shell makes of the words of one command. */
const ofShell = (script: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\0' ${script}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

describe('the words of a script of the shell', () => {
  test.each([
    `gcc '-D__OBJECT_LABEL__=common/domctl.o' -c x.c`,
    `a "b c" 'd "e"' f\\ g`,
    `"a\\"b" "c\\\\d" "e\\f" ''`,
    `a'b'"c"d 'it'\\''s'`,
    `-DX="\\"text\\"" tab\tblank`,
    'one \\\n two',
    'a#b "#c"',
  ])('%s: same as sh', (script) => {
    expect(words(script)).toEqual([ofShell(script)]);
  });

  test('any words in single quotes come back', () => {
    const word = fc.string({ maxLength: 12 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (list) => {
        const script = list.map((text) => `'${text.replaceAll("'", "'\\''")}'`).join(' ');
        expect(words(script)).toEqual([list]);
      }),
    );
  });

  test('commands end at semicolons, ampersands and lines, not inside quotes', () => {
    expect(words(`a 'b;c' && d; e\nf # g; h\ni`)).toEqual([['a', 'b;c'], ['d'], ['e'], ['f'], ['i']]);
  });

  test.each(['a | b', 'a > b', 'a $(b)', 'a `b`', 'a "$b"', 'a *.c', 'a {b,c}', '(a)'])('%s is not plain', (script) => {
    expect(shellCommands(script)?.some(({ plain }) => !plain)).toBe(true);
  });

  test.each(["a 'b", 'a "b', 'a "b\\'])('%s: no words, a quote is open', (script) => {
    expect(shellCommands(script)).toBeUndefined();
  });
});

describe('a .cmd file', () => {
  const text = [
    "cmd_a/b.o := gcc -DX='$$(y) $(pound)' -c a/b.c -o a/b.o",
    '',
    'source_a/b.o := a/b.c',
    '',
    'deps_a/b.o := \\',
    '    $(wildcard include/config/debug.h) \\',
    '  include/x.h \\',
    '  include/sub/../y.h \\',
    '',
    'a/b.o: $(deps_a/b.o)',
    '',
    '$(deps_a/b.o):',
    '',
  ].join('\n');

  test("has the script with make's escapes undone, the source and what it includes", () => {
    expect(readCommandFile(text)).toEqual({
      target: 'a/b.o',
      script: "gcc -DX='$(y) #' -c a/b.c -o a/b.o",
      source: 'a/b.c',
      dependencies: ['include/x.h', 'include/sub/../y.h'],
    });
  });

  test.each(['', 'deps_x := y', 'cmd_x := a $(shell rm) b', 'cmd_x := a $y'])('%s cannot be reused', (bad) => {
    expect(readCommandFile(bad)).toBeUndefined();
  });

  test('the dependencies that a compiler writes', () => {
    const list = 'a/b.o: a/b.c \\\n include/x.h a\\ b.h \\\n dollar$$.h\n\ninclude/x.h:\n';
    expect(readDependencyFile(list)).toEqual(['a/b.c', 'include/x.h', 'a b.h', 'dollar$.h']);
  });
});

describe('a call of a compiler', () => {
  const call = (script: string) => {
    const [command] = shellCommands(script) ?? [];
    return command === undefined ? undefined : readCompileCall(command);
  };

  test.each([
    'gcc',
    'gcc-12',
    'aarch64-linux-gnu-gcc',
    '/opt/x/bin/arm-linux-gnueabihf-gcc-10',
    'clang-15',
    'ccache gcc',
  ])('%s is a compiler', (program) => {
    const found = call(`${program} -I inc -include x.h -MF d -O2 -c a.c -o a.o`);
    expect(found).toMatchObject({ program: program.replace('ccache ', ''), source: 'a.c', output: 'a.o' });
  });

  test.each([
    ['rm -rf x', 'unknown compiler rm'],
    ['./gcc -c a.c -o a.o', 'is inside the tree'],
    ['tools/gcc -c a.c -o a.o', 'is inside the tree'],
    ['gcc -c a.c -o a.o > x', 'uses shell syntax'],
    ['gcc -fplugin=x.so -c a.c -o a.o', 'option -fplugin=x.so'],
    ['gcc -wrapper sh,-c -c a.c -o a.o', 'option -wrapper'],
    ['gcc @file -c a.c -o a.o', 'option @file'],
    ['gcc -B/tmp -c a.c -o a.o', 'option -B/tmp'],
    ['gcc -specs=x -c a.c -o a.o', 'option -specs=x'],
    ['gcc -save-temps -c a.c -o a.o', 'option -save-temps'],
    ['gcc -Wa,-I.,-o,/x -c a.c -o a.o', 'option -Wa,-I.,-o,/x'],
    ['gcc -Wp,-MD,x -c a.c -o a.o', 'option -Wp,-MD,x'],
    ['gcc -fprofile-arcs -c a.c -o a.o', 'option -fprofile-arcs'],
    ['gcc -c a.c b.c -o a.o', '2 sources'],
    ['gcc -c a.c', 'has no output file'],
    ['gcc a.c -o a', 'does not make an object'],
  ])('%s: refused, %s', (script, reason) => {
    expect(call(script)).toEqual({ reason: expect.stringContaining(reason) });
  });

  test('the object that objcopy makes of a temporary one', () => {
    expect(finalObject('common/.domctl.o.tmp')).toEqual({ object: 'common/domctl.o', renamed: true });
    expect(finalObject('./.cpu.o.tmp')).toEqual({ object: 'cpu.o', renamed: true });
    expect(finalObject('common/x.o')).toEqual({ object: 'common/x.o', renamed: false });
  });
});
