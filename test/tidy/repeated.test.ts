import { describe, expect, it } from 'vitest';
import { LINES, ROOMS, ROOMS_ON_NODE, ROOMS_WITH_EFFECTS } from './rooms.ts';
import { FILES, ROOMS_HERE, textOf } from './tree.ts';

/** JSON with whole-line comments, as in tsconfig files. */
const json = (path: string): unknown => JSON.parse((textOf(path) ?? '').replace(/^\s*\/\/.*$/gm, ''));

const PURE_ROOMS = ROOMS.filter((room) => !ROOMS_WITH_EFFECTS.includes(room));

describe('the table of rooms is the same everywhere', () => {
  it('in the lint rule for long files', () => {
    expect(json('biome.json')).toHaveProperty('linter.rules.style.noExcessiveLinesPerFile.options.maxLines', LINES);
  });

  it('in the type check of the pure rooms', () => {
    const { include } = json('tsconfig.pure.json') as { include: string[] };
    expect(include.toSorted()).toEqual(PURE_ROOMS.map((room) => `src/${room}`).sort());
  });

  it('in the exports of the package', () => {
    const { exports } = json('package.json') as { exports: Record<string, unknown> };
    const at = (file: string) => ({ types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` });
    expect(exports).toEqual({
      ...Object.fromEntries(
        ROOMS_HERE.filter((room) => !ROOMS_ON_NODE.includes(room)).map((room) => [`./${room}`, at(`${room}/index`)]),
      ),
      './documents/schemas': at('documents/schemas'),
      './package.json': './package.json',
    });
  });

  it('in ARCHITECTURE.md', () => {
    const rows = (textOf('ARCHITECTURE.md') ?? '').matchAll(/^\| `([a-z]+)\/` \|/gm);
    expect([...rows].map(([, room]) => room)).toEqual(ROOMS_HERE);
  });
});

describe('ARCHITECTURE.md', () => {
  it('names only files that there are', () => {
    const named = (textOf('ARCHITECTURE.md') ?? '').matchAll(/`((?:[a-z-]+\/)*[a-z-]+\.(?:ts|js|json))`/g);
    const files = [...named].map(([, file = '']) => file);
    expect(files).toContain('upload.ts');
    expect(files.filter((file) => !FILES.some((path) => path === file || path.endsWith(`/${file}`)))).toEqual([]);
  });
});
