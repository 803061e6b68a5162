import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMPORTS, type Import, isGenerated, SOURCES, specifiersOf } from './imports.ts';
import { LINES, PURE_PACKAGES, ROOMS, ROOMS_ON_NODE, ROOMS_WITH_EFFECTS, type Room } from './rooms.ts';
import { FILES, ROOMS_HERE, ROOT, textOf } from './tree.ts';

const roomOf = (path: string): Room | undefined => ROOMS.find((room) => path.startsWith(`src/${room}/`));

const show = (found: readonly Import[]): string[] => found.map(({ file, specifier }) => `${file}: ${specifier}`);

describe('reading imports', () => {
  it('finds every form of an import, and none in comments', () => {
    const text = [
      "import a from './a.ts';",
      "import './b.ts';",
      "export * from './c.ts';",
      "import {\n  d,\n} from './d.ts';",
      "const e = await import('./e.ts');",
      "type F = import('./f.ts').F;",
      "const g = require('./g.ts');",
      "// import h from './h.ts';",
      "this.#require('./j.ts');",
      "/* import i from './i.ts'; */",
    ].join('\n');
    expect(specifiersOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`));
  });

  it('finds imports between rooms in the sources', () => {
    expect(IMPORTS.some(({ target }) => target === 'src/base/index.ts')).toBe(true);
  });
});

describe('rooms', () => {
  it('are all the folders under src', () => {
    expect(readdirSync(join(ROOT, 'src')).sort()).toEqual([...ROOMS_HERE].sort());
    expect(ROOMS_HERE).toContain('cli');
  });

  it.each(ROOMS_HERE.filter((room) => room !== 'cli'))('%s has an index.ts', (room) => {
    expect(existsSync(join(ROOT, 'src', room, 'index.ts'))).toBe(true);
  });

  it.each(ROOMS)('no folder inside of %s has the name of a room, which the lint rules would take for it', (room) => {
    const inside = SOURCES.filter((path) => roomOf(path) === room).flatMap((path) => path.split('/').slice(2, -1));
    expect(inside.filter((name) => (ROOMS as readonly string[]).includes(name))).toEqual([]);
  });

  // Imports that only point down a list make no cycle between rooms.
  it('import only from rooms below', () => {
    const up = IMPORTS.filter(({ file, target }) => {
      if (target === undefined) return false;
      const from = roomOf(file);
      const to = roomOf(target);
      return from === undefined || to === undefined || ROOMS.indexOf(to) < ROOMS.indexOf(from);
    });
    expect(show(up)).toEqual([]);
  });

  it('import each other only through index.ts', () => {
    const inside = IMPORTS.filter(({ file, target }) => {
      if (target === undefined || roomOf(file) === roomOf(target)) return false;
      return target !== `src/${roomOf(target)}/index.ts`;
    });
    expect(show(inside)).toEqual([]);
  });

  it('that are pure import nothing that has effects', () => {
    const impure = IMPORTS.filter(({ file, specifier, target }) => {
      const room = roomOf(file);
      if (room === undefined || ROOMS_WITH_EFFECTS.includes(room)) return false;
      if (target === undefined) return !PURE_PACKAGES.includes(specifier);
      return ROOMS_WITH_EFFECTS.some((other) => target.startsWith(`src/${other}/`));
    });
    expect(show(impure)).toEqual([]);
  });

  it('that run in a browser import nothing of Node', () => {
    const ofNode = IMPORTS.filter(({ file, specifier }) => {
      const room = roomOf(file);
      return room !== undefined && !ROOMS_ON_NODE.includes(room) && specifier.startsWith('node:');
    });
    expect(show(ofNode)).toEqual([]);
  });

  it('name files by their real names', () => {
    const missing = IMPORTS.filter(({ target }) => target !== undefined && !existsSync(join(ROOT, target)));
    expect(show(missing)).toEqual([]);
  });
});

describe('files', () => {
  it(`have at most ${LINES} lines`, () => {
    const code = FILES.filter((path) => /^(src|test|scripts|bench|bin)\/.*\.(ts|mjs|js)$/.test(path));
    const long = code.filter((path) => !isGenerated(path) && (textOf(path)?.split('\n').length ?? 0) > LINES + 1);
    expect(long).toEqual([]);
  });
});
