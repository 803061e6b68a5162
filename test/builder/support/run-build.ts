import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Base, type BuildRequest, type BuildResult, type BuildTools, build } from '../../../src/builder/index.ts';
import { toolsOf } from '../../../src/cli/build-run.ts';
import type { MiniatureTree } from './miniature-tree.ts';

/** Text as the bytes of a file. */
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** What the command line works with, with the environment of a tree. */
export const toolsFor = (tree: MiniatureTree, rules: readonly string[] = []): BuildTools =>
  toolsOf({ rules, jobs: 2, linker: {} }, tree.env);

/** Builds patches for a tree. */
export function buildFor(
  tree: MiniatureTree,
  patch: string,
  base: Partial<Base> = {},
  request: Partial<BuildRequest> = {},
  tools: Partial<BuildTools> = {},
): Promise<BuildResult> {
  return build(
    { source: tree.top, ...base },
    { patches: [{ file: 'fix.patch', bytes: bytesOf(patch) }], name: 'fix', ...request },
    { ...toolsFor(tree), ...tools },
  );
}

/** Functions of a status. */
export const named = ({ functions }: BuildResult, status: string): string[] =>
  functions.filter((each) => each.status === status).map(({ name }) => name);

/** Everything in a folder, to be held against what is there afterwards. */
export function contentsOf(folder: string): string {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const lines = paths.map((path) => {
    const stat = statSync(join(folder, path));
    return `${path} ${stat.mtimeMs} ${stat.isFile() ? readFileSync(join(folder, path), 'latin1') : ''}`;
  });
  return lines.join('\n');
}

/** What is left in the folder for temporary files. */
export const left = ({ folder }: MiniatureTree): string[] => readdirSync(join(folder, 'tmp'));
