import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, XspliceError } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import {
  cacheFolder,
  crossCompile,
  type Environment,
  fillCache,
  prune,
  requireTools,
  runTool,
  sha256,
  touch,
  WHO_AND_WHEN,
} from '../../system/index.ts';
import { compilerIdentity } from './compiler.ts';
import { copyTree, isMade } from './copy-tree.ts';
import { buildRelation } from './same-build.ts';
import { openTree, type SourceTree } from './source-tree.ts';

export interface BuildOptions {
  readonly env: Environment;
  /** Maximum parallel compilers. */
  readonly jobs: number;
  readonly signal?: AbortSignal | undefined;
  /** Receives each line that the build prints. */
  readonly progress?: ((line: string) => void) | undefined;
  /** The hypervisor to patch, to compare the build with. */
  readonly xenSyms?: Uint8Array | undefined;
}

/** A tree with its objects. */
export interface BuiltTree {
  readonly tree: SourceTree;
  readonly remarks: readonly Finding[];
}

const PREFIX = 'built-tree-';

/** Maximum cached trees; each takes 100 MB. */
const MOST_TREES = 4;

/** A build takes two minutes on two processors. */
const BUILD_MS = 60 * 60_000;

/**
 * Returns the tree with its objects: the tree itself if it has them, else a cached copy built once with its configuration. Never
 * writes to the user's tree. Throws ETOOL if it does not build, EUSAGE if the result is not the hypervisor to patch.
 */
export async function builtTree(tree: SourceTree, options: BuildOptions): Promise<BuiltTree> {
  const built = tree.built ? tree : await build(tree, options);
  return { tree: built, remarks: holdAgainst(built, options.xenSyms) };
}

async function build(tree: SourceTree, options: BuildOptions): Promise<SourceTree> {
  const { env, signal, progress, jobs } = options;
  const cross = crossCompile(tree.arch, env);
  const compiler = `${cross}gcc`;
  requireTools(['make', 'flex', 'bison', 'python3', compiler], env, 'building this tree, which has no objects,');
  const cache = cacheFolder(env);
  const name = `${PREFIX}${buildKey(tree, compilerIdentity(compiler, env))}`;
  if (!existsSync(join(cache, name, 'xen', 'xen-syms'))) {
    await fillCache(cache, name, async (made) => {
      const source = copyTree(tree, made);
      writeFileSync(join(source, '.config'), tree.configText, 'latin1');
      const make = (...goals: string[]): Promise<string> =>
        runTool('make', [`XEN_TARGET_ARCH=${tree.arch}`, `CROSS_COMPILE=${cross}`, ...goals], {
          env: { ...env, ...WHO_AND_WHEN },
          cwd: source,
          signal,
          timeout: BUILD_MS,
          ...(progress === undefined ? {} : { onLine: progress }),
        });
      await make('olddefconfig');
      await make('build', `-j${Math.max(1, jobs)}`);
    });
    prune(cache, PREFIX, MOST_TREES);
  }
  touch(join(cache, name));
  return openTree(join(cache, name));
}

/** Hashes everything that determines the build: sources, configuration, compiler, architecture. */
function buildKey(tree: SourceTree, compiler: string): string {
  const parts = [tree.arch, tree.configText, compiler];
  const walk = (folder: string, below: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && entry.name !== '.git') walk(path, `${below}/${entry.name}`);
      else if (entry.isFile() && !isMade(entry.name)) parts.push(`${below}/${entry.name}`, sha256(readFileSync(path)));
      else if (entry.isSymbolicLink()) parts.push(`${below}/${entry.name}`, readlinkSync(path));
    }
  };
  walk(tree.source, 'xen');
  parts.push(sha256(readFileSync(join(tree.top, 'Config.mk'))));
  return sha256(parts.join('\n')).slice(0, 32);
}

/** Throws if the tree builds another hypervisor than the given one. */
function holdAgainst(tree: SourceTree, given: Uint8Array | undefined): readonly Finding[] {
  if (given === undefined || tree.xenSyms === undefined) return [];
  const relation = buildRelation(new Uint8Array(readFileSync(tree.xenSyms)), given);
  if (relation.kind === 'same') return [];
  if (relation.kind === 'alike') {
    return [about('tree-unlike-xen', 'xen-syms', null, ALIKE)];
  }
  const [first, ...more] = relation.functions;
  const others = more.length > 0 ? `, ${more.join(', ')}` : '';
  const what =
    first === undefined ? 'one of them has no functions' : `${relation.count} functions differ: ${first}${others}`;
  throw new XspliceError(
    'EUSAGE',
    `building the tree gives another hypervisor than xen-syms: ${what}`,
    'Use the source, the .config and the compiler that xen-syms was built with.',
  );
}

const ALIKE =
  'the build-id differs from that of xen-syms, but the functions are the same: assuming a rebuild of the same source';
