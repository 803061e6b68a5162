import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TreeChange } from '../../../src/builder/tree/change.ts';
import { compileCommands } from '../../../src/builder/tree/commands.ts';
import { type CompileOptions, compilePairs } from '../../../src/builder/tree/compile-pairs.ts';
import { openTree } from '../../../src/builder/tree/source-tree.ts';
import { isProblem, readElf } from '../../../src/elf/index.ts';
import { change, type MiniTree, testFolder } from './mini-tree.ts';

/** The pairs of some changes of a tree that is built. */
export function pairs(tree: MiniTree, changes: readonly TreeChange[], options: Partial<CompileOptions> = {}) {
  const opened = openTree(tree.top);
  return compilePairs(opened, compileCommands(opened), changes, { env: tree.env, jobs: 2, ...options });
}

/** All files of the tree with their times and contents. */
export function snapshot(folder: string): string {
  const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = statSync(join(folder, name));
      return `${name} ${stat.mtimeMs} ${stat.isFile() ? readFileSync(join(folder, name), 'latin1') : ''}`;
    });
  return lines.join('\n');
}

/** The bytes of a section as a string; empty where there is none. */
export const section = (bytes: Uint8Array | null | undefined, name: string): string => {
  const file = bytes == null ? undefined : readElf(bytes);
  return file !== undefined && !isProblem(file)
    ? Buffer.from(file.section(name)?.data() ?? []).toString('latin1')
    : 'no ELF file';
};

/** A program of that name that writes a line for each call, before the real one is called. */
export function logged(tree: MiniTree, program: string) {
  const folder = testFolder();
  const log = join(folder, 'log');
  const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, program), `#!/bin/sh\necho "$*" >> ${log}\nexec ${real} "$@"\n`);
  chmodSync(join(folder, program), 0o755);
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  return { env: { ...tree.env, PATH: `${folder}:${tree.env['PATH']}` }, calls };
}

/** A change of one number in one function. */
export const bigger = (tree: MiniTree) => change(tree, 'xen/common/domctl.c', (text) => text.replace('x > 5', 'x > 6'));
