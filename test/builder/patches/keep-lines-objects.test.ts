import { describe, expect, it } from 'vitest';
import { keepLines } from '../../../src/builder/patches/index.ts';
import { readElf } from '../../../src/elf/index.ts';
import { withTool } from '../../support/gcc.ts';

const PRELUDE = `void warn(int line, const char *file);
#define WARN() warn(__LINE__, __FILE__)
#define WARN_ON(condition) do { if (condition) WARN(); } while (0)
#define LONG(a, b) \\
  do { \\
    warn(a, "a"); \\
    warn(b, "b"); \\
  } while (0)
`;
const f = (name: string): string =>
  `int ${name}(int x)\n{\n    WARN_ON(x > 3);\n    LONG(x,\n         __LINE__);\n    return __LINE__ + x;\n}\n\n`;

const BEFORE = `${PRELUDE}
${f('first')}
/*
 * What comes next.
 */
int changed(int x)
{
    warn(x, "a\\
b");
    WARN_ON(x &&
            __LINE__ > 2);
    return x;
}

#ifdef SOMETHING
${f('conditional')}#endif
${f('middle')}
${f('last')}`;

/** Edits of `changed`, or beside it: what is searched for, and what comes in its place. */
const EDITS: readonly (readonly [string, string, string])[] = [
  ['a statement', '    return x;\n', '    if ( x == 7 )\n        return 8;\n    return x;\n'],
  ['a comment', ' * What comes next.\n', ' * What comes next.\n * And more of it,\n * and more.\n'],
  ['a string over lines', 'a\\\nb', 'a\\\nnew\\\nb'],
  ['a condition over lines', 'WARN_ON(x &&\n', 'WARN_ON(x &&\n            x != 5 &&\n'],
  ['a macro over lines', '    warn(b, "b"); \\\n', '    if ( (b) < 0 ) \\\n        break; \\\n    warn(b, "b"); \\\n'],
  ['a conditional that is left out', '#ifdef SOMETHING\n', '#ifdef SOMETHING\nint more;\nint and_more;\n'],
  ['a function that is removed', BEFORE.slice(BEFORE.indexOf('int changed'), BEFORE.indexOf('#ifdef SOMETHING')), ''],
];

/** The code of each function, by its section's name, with what is relocated in it. */
function codeOf(source: string, file: string, ...flags: string[]): Map<string, string> {
  const args = ['-c', '-O2', '-Wall', '-Werror', '-ffunction-sections', ...flags, '-o', 'out.o', file];
  const elf = readElf(withTool('gcc', args, { [file]: source }, ({ read }) => read('out.o')));
  if (!('sections' in elf)) throw new Error('gcc made no object');
  return new Map(
    [...elf.sections]
      .filter(({ name }) => name.startsWith('.text.'))
      .map((section) => [section.name, Buffer.from(section.data()).toString('hex')]),
  );
}

describe('functions that an edit does not touch compile to the same bytes', () => {
  it.each(EDITS)('after an edit of %s', (what, search, replacement) => {
    const after = BEFORE.replace(search, () => replacement);
    expect(after).not.toBe(BEFORE);
    const touched = what === 'a macro over lines' ? ['first', 'middle', 'last', 'conditional'] : ['changed'];
    for (const flags of [[], ['-DSOMETHING']]) {
      const were = codeOf(BEFORE, 'x.c', ...flags);
      const moved = codeOf(after, 'x.c', ...flags);
      const are = codeOf(keepLines(BEFORE, after, 'x.c'), 'x.c', ...flags);
      const untouched = [...were.keys()].filter((name) => !touched.includes(name.slice('.text.'.length)));
      for (const name of untouched) expect(are.get(name), name).toBe(were.get(name));
      // The edit does move lines: without directives something differs.
      if (what !== 'a macro over lines')
        expect(untouched.some((name) => moved.get(name) !== were.get(name))).toBe(true);
    }
  });

  it('of assembly that goes through cpp, too', () => {
    const part = (name: string): string =>
      `    .section .text.${name}, "ax"\n${name}: # don't (\n    .long __LINE__\n    /* x */\n    ret\n`;
    const before = `${part('a')}${part('b')}${part('c')}`;
    const after = before.replace('    ret\n', '    nop\n    nop\n    ret\n');
    const [were, moved, are] = [before, after, keepLines(before, after, 'x.S')].map((text) => codeOf(text, 'x.S'));
    for (const name of ['.text.b', '.text.c']) {
      expect(are?.get(name)).toBe(were?.get(name));
      expect(moved?.get(name)).not.toBe(were?.get(name));
    }
  });
});
