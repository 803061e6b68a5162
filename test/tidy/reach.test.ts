import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, ROOMS_ON_NODE } from './rooms.ts';
import { FILES, linesMatching, ROOT } from './tree.ts';

const KINDS = ['files', 'exports', 'types', 'duplicates'] as const;

interface Issue extends Readonly<Partial<Record<(typeof KINDS)[number], readonly unknown[]>>> {
  readonly file: string;
}

/** What knip reports of src/, seen from the entry points of the command line: `kind file name`. See knip.json. */
function unreached(): string[] {
  const program = join(createRequire(import.meta.url).resolve('knip'), '../../bin/knip.js');
  const args = ['--no-progress', '--no-exit-code', '--reporter', 'json'];
  const text = execFileSync(process.execPath, [program, ...args], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const { issues } = JSON.parse(text) as { issues: readonly Issue[] };
  return issues.flatMap((issue) =>
    KINDS.flatMap((kind) => (issue[kind] ?? []).map((found) => `${kind} ${issue.file} ${nameOf(found)}`)),
  );
}

const nameOf = (found: unknown): string =>
  Array.isArray(found) ? found.map(nameOf).join(' = ') : String((found as { readonly name: unknown }).name);

/**
 * Types that the index of a published room names are for programs that import the room; the room's own file exports them
 * for that index. A value that only such programs call has the tag `@public` in its doc comment.
 */
function unpublished(reported: readonly string[]): string[] {
  const published = ROOMS.filter((room) => !ROOMS_ON_NODE.includes(room));
  const roomOf = (file: string) => published.find((room) => file.startsWith(`src/${room}/`));
  const named = new Set<string>();
  for (const line of reported) {
    const [kind, file = '', name] = line.split(' ');
    const room = roomOf(file);
    if (kind === 'types' && room !== undefined && file.endsWith('/index.ts')) named.add(`${room} ${name}`);
  }
  return reported.filter((line) => {
    const [kind, file = '', name] = line.split(' ');
    return kind !== 'types' || !named.has(`${roomOf(file)} ${name}`);
  });
}

describe('src/', () => {
  it('has nothing that no command reaches and no room publishes', () => {
    expect(unpublished(unreached())).toEqual([]);
  }, 120_000);

  it('wires each port in one place', () => {
    const wiring = /from '\.\/(?:gunzip|inflate)\.ts'|import\('\.\.\/(?:disassembler|emulator)\/index\.ts'\)/;
    const lines = FILES.filter((path) => path.startsWith('src/')).flatMap((path) => linesMatching(path, wiring));
    expect([...new Set(lines.map((line) => line.split(':')[0]))]).toEqual(['src/cli/ports.ts']);
  });

  it('loads no schema of a document: types are imported from them, and zod takes time to load', () => {
    const sources = FILES.filter((path) => path.startsWith('src/documents/'));
    const schemas = sources.filter((path) => linesMatching(path, /^import \* as z from 'zod'/).length > 0);
    const names = schemas.map((path) => path.replace(/^.*\/|\.ts$/g, '')).join('|');
    const loads = new RegExp(`^(?:import|export) (?!type\\b).* from '\\./(?:${names}|schemas)\\.ts'`);
    const others = sources.filter((path) => !schemas.includes(path));
    expect(others.flatMap((path) => linesMatching(path, loads))).toEqual([]);
    expect(schemas.length).toBeGreaterThan(8);
  });
});
