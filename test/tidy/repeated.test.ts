import { describe, expect, it } from 'vitest';
import { LINES, ROOMS, ROOMS_ON_NODE, ROOMS_WITH_EFFECTS } from './rooms.ts';
import { FILES, ROOMS_HERE, textOf } from './tree.ts';

/** JSON with whole-line comments, as in tsconfig files. */
const json = (path: string): unknown => JSON.parse((textOf(path) ?? '').replace(/^\s*\/\/.*$/gm, ''));

const PURE_ROOMS = ROOMS.filter((room) => !ROOMS_WITH_EFFECTS.includes(room));

describe('the list of rooms matches', () => {
  it('the lint rule for long files', () => {
    expect(json('biome.json')).toHaveProperty('linter.rules.style.noExcessiveLinesPerFile.options.maxLines', LINES);
  });

  it('the type check of the pure rooms', () => {
    const { include } = json('tsconfig.pure.json') as { include: string[] };
    expect(include.toSorted()).toEqual(PURE_ROOMS.map((room) => `src/${room}`).sort());
  });

  it('the exports of the package', () => {
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

  it('the table in ARCHITECTURE.md', () => {
    const rows = (textOf('ARCHITECTURE.md') ?? '').matchAll(/^\| `([a-z]+)\/` \|/gm);
    expect([...rows].map(([, room]) => room)).toEqual(ROOMS_HERE);
  });
});

describe.each([
  ['ARCHITECTURE.md', 'xen/target.ts'],
  ['docs/source-map.md', 'upload.ts'],
])('%s', (page, known) => {
  it('names only files that exist', () => {
    const named = (textOf(page) ?? '').matchAll(/`((?:[a-z-]+\/)*[a-z-]+\.(?:ts|js|json))`/g);
    const files = [...named].map(([, file = '']) => file);
    expect(files).toContain(known);
    expect(files.filter((file) => !FILES.some((path) => path === file || path.endsWith(`/${file}`)))).toEqual([]);
  });
});
