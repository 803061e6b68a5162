import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import {
  cacheFolder,
  crossCompile,
  type Environment,
  fillCache,
  privateFolder,
  prune,
  requireTools,
  runTool,
  sha256,
  throwIfInterrupted,
  WHO_AND_WHEN,
} from '../../system/index.ts';
import { archFolder } from './arch-folder.ts';
import type { TreeChange } from './change.ts';
import { copyTree } from './copy-tree.ts';
import { readText, type SourceTree } from './source-tree.ts';
import { writeChange } from './working-copy.ts';

/** How to regenerate headers. */
export interface RegenerateOptions {
  readonly env: Environment;
  readonly jobs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The headers that differ, or why they are unknown. */
export type Regenerated =
  | { readonly kind: 'headers'; readonly changes: readonly TreeChange[] }
  | { readonly kind: 'problem'; readonly reason: string };

/** The header steps of xen/Makefile (since 4.17) as a target of their own. */
const MAKEFILE = [
  'include Makefile',
  'xsplice-headers: outputmakefile tools_fixdep',
  '\t$(Q)$(MAKE) $(build)=include all',
  '\t$(Q)$(MAKE) $(build)=arch/$(SRCARCH) include',
  '',
].join('\n');

const PREFIX = 'headers-';
const FILE = 'changes.json';
const MAKE_MS = 10 * 60_000;

/** Folders of `xen/` with inputs and generators of headers: lists, rules and programs. The flag includes subfolders. */
const INPUTS = (arch: string): readonly (readonly [string, boolean])[] => [
  ['.', false],
  ['include', false],
  ['include/public', true],
  ['tools', false],
  ['scripts', false],
  [`arch/${arch}`, false],
];

/** Files of these folders that may be inputs, but not build outputs. */
const INPUT = /^(?:Makefile|[^.].*\.(?:h|c|S|mk|py|awk|lst|sh))$/;

/**
 * Regenerates headers with the tree's own rules, in a copy with the changes: include/compat, CPU features, hypercalls. Caches the
 * result.
 * Returns the headers that differ from the build's.
 */
export async function regeneratedHeaders(
  tree: SourceTree,
  changes: readonly TreeChange[],
  options: RegenerateOptions,
): Promise<Regenerated> {
  if (tree.objects !== tree.source) return { kind: 'problem', reason: 'this tree was not built in a separate folder' };
  const cache = cacheFolder(options.env);
  const name = `${PREFIX}${keyOf(tree, changes, options.env)}`;
  const stored = readStored(join(cache, name));
  if (stored !== undefined) return { kind: 'headers', changes: stored };
  const made = await make(tree, changes, options);
  if (made.kind === 'headers') {
    await fillCache(cache, name, async (folder) => writeFileSync(join(folder, FILE), JSON.stringify(made.changes)));
    prune(cache, PREFIX, 16);
  }
  return made;
}

function readStored(folder: string): readonly TreeChange[] | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as readonly TreeChange[];
  } catch {
    return undefined;
  }
}

async function make(
  tree: SourceTree,
  changes: readonly TreeChange[],
  options: RegenerateOptions,
): Promise<Regenerated> {
  const { env, signal, jobs } = options;
  requireTools(['make', 'python3'], env, 'regenerating the headers of this tree');
  const work = privateFolder(join(env['TMPDIR'] || tmpdir(), 'xsplice-headers-'));
  try {
    const top = join(work.path, 'tree');
    const source = copyTree(tree, top, true);
    for (const change of changes) writeChange(top, { path: change.path, text: change.after });
    writeFileSync(join(source, 'xsplice.mk'), MAKEFILE);
    const goals = [`XEN_TARGET_ARCH=${tree.arch}`, `CROSS_COMPILE=${crossCompile(tree.arch, env)}`, 'xsplice-headers'];
    await runTool('make', ['-f', 'xsplice.mk', `-j${Math.max(1, jobs)}`, ...goals], {
      env: { ...env, ...WHO_AND_WHEN },
      cwd: source,
      signal,
      timeout: MAKE_MS,
    });
    return { kind: 'headers', changes: differing(tree, source) };
  } catch (error) {
    throwIfInterrupted(signal);
    if (!(error instanceof XspliceError) || !error.message.startsWith('make failed')) throw error;
    return { kind: 'problem', reason: `make failed: ${error.message}` };
  } finally {
    work.remove();
  }
}

function differing(tree: SourceTree, made: string): readonly TreeChange[] {
  const changes: TreeChange[] = [];
  for (const path of madeHeaders(tree, made)) {
    const before = readText(join(tree.source, path)) ?? null;
    const after = readText(join(made, path)) ?? null;
    if (before !== after) changes.push({ path: `xen/${path}`, before, after });
  }
  return changes;
}

/** Paths from `xen/`. */
function madeHeaders(tree: SourceTree, made: string): readonly string[] {
  const compat = join(made, 'include/compat');
  const names = existsSync(compat) ? readdirSync(compat, { recursive: true, encoding: 'utf8' }) : [];
  return [
    ...names.filter((name) => name.endsWith('.h')).map((name) => `include/compat/${name}`),
    'include/xen/hypercall-defs.h',
    'include/xen/lib/x86/cpuid-autogen.h',
    `arch/${archFolder(tree.arch)}/include/asm/asm-macros.h`,
  ];
}

/** Hashes everything that determines the headers. */
function keyOf(tree: SourceTree, changes: readonly TreeChange[], env: Environment): string {
  const parts: (string | null)[] = [tree.top, tree.configText, crossCompile(tree.arch, env)];
  for (const [folder, below] of INPUTS(archFolder(tree.arch))) addFiles(join(tree.source, folder), below, parts);
  for (const { path, after } of changes) parts.push(path, after);
  return sha256(JSON.stringify(parts)).slice(0, 32);
}

function addFiles(folder: string, below: boolean, parts: (string | null)[]): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && below) addFiles(path, below, parts);
    else if (entry.isFile() && INPUT.test(entry.name)) parts.push(path, readText(path) ?? '');
  }
}
