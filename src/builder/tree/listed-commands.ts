import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
import { compileCommands, type NotFollowedObject, type TreeCommands } from './commands.ts';
import { copyTree } from './copy-tree.ts';
import { isMakefile } from './file-kinds.ts';
import { MakeListing, withDependencies } from './make-listing.ts';
import type { ObjectCommand } from './object-command.ts';
import { readText, type SourceTree } from './source-tree.ts';

/** How to ask the build for its commands. */
export interface ListingOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Receives progress messages: the first time takes half a minute. */
  readonly progress?: ((text: string) => void) | undefined;
}

const LISTING_MS = 5 * 60_000;
const PREFIX = 'tree-commands-';
const FILE = 'commands.json';

interface Stored {
  readonly objects: readonly ObjectCommand[];
  readonly notFollowed: readonly (readonly [string, NotFollowedObject])[];
  readonly linked: { readonly objects: readonly string[]; readonly init: readonly string[] } | null;
}

/**
 * Returns the commands of any build: the stored ones, or before 4.15, which stores none, those that `make --dry-run` lists in a copy
 * of the tree. Caches the list. Throws ETOOL if `make` lists none.
 */
export async function treeCommands(tree: SourceTree, options: ListingOptions): Promise<TreeCommands> {
  const kept = compileCommands(tree);
  if ([...kept.objects.values()].some(({ source }) => source.endsWith('.c'))) return kept;
  if (!tree.built) return kept;
  const cache = cacheFolder(options.env);
  const name = `${PREFIX}${listingKey(tree, options.env)}`;
  let stored = readStored(join(cache, name));
  if (stored === undefined) {
    const listed = await listCommands(tree, options);
    stored = { ...listed };
    const text = JSON.stringify(stored);
    await fillCache(cache, name, async (made) => writeFileSync(join(made, FILE), text));
    prune(cache, PREFIX, 8);
  }
  const objects = withDependencies(new Map(stored.objects.map((command) => [command.object, command])), tree.objects);
  const { linked } = stored;
  return {
    objects,
    linked: linked === null ? undefined : { objects: new Set(linked.objects), init: new Set(linked.init) },
    generated: kept.generated,
    notFollowed: new Map(stored.notFollowed),
  };
}

function readStored(folder: string): Stored | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Stored;
  } catch {
    return undefined;
  }
}

/** Hashes everything that determines the commands: the configuration, every Makefile, and the tree's path. */
function listingKey(tree: SourceTree, env: Environment): string {
  const parts = [tree.top, tree.objects, tree.configText, crossCompile(tree.arch, env)];
  parts.push(readText(join(tree.top, 'Config.mk')) ?? '');
  const walk = (folder: string, depth: number): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < 16) walk(path, depth + 1);
      else if (entry.isFile() && isMakefile(path)) parts.push(path, readText(path) ?? '');
    }
  };
  walk(tree.source, 0);
  return sha256(parts.join('\0')).slice(0, 32);
}

async function listCommands(tree: SourceTree, { env, signal, progress }: ListingOptions): Promise<Stored> {
  requireTools(['make', 'flex', 'bison'], env, 'asking this tree how it was compiled');
  throwIfInterrupted(signal);
  progress?.('asks the build how it was compiled');
  const work = privateFolder(join(env['TMPDIR'] || tmpdir(), 'xsplice-listing-'));
  try {
    // Without objects everything must be made; the configuration is up to date and stays.
    const source = copyTree(tree, join(work.path, 'tree'), true);
    const listing = new MakeListing(source);
    const goals = [`XEN_TARGET_ARCH=${tree.arch}`, `CROSS_COMPILE=${crossCompile(tree.arch, env)}`, 'build'];
    try {
      await runTool('make', ['--dry-run', '--print-directory', ...goals], {
        env: { ...env, ...WHO_AND_WHEN },
        cwd: source,
        signal,
        timeout: LISTING_MS,
        onLine: (line) => listing.line(line),
      });
    } catch (error) {
      throwIfInterrupted(signal);
      // It fails where a real build would read its own outputs; by then all compilations are listed.
      if (listing.compilations === 0) throw error;
    }
    if (listing.compilations === 0) {
      const hint = 'Give a tree of Xen 4.15 or later, which keeps its commands, or one that make can build here.';
      throw new XspliceError('ETOOL', `make lists no compilation for ${tree.top}`, hint);
    }
    return moved(listing.commands(), source, tree);
  } finally {
    work.remove();
  }
}

/** Replaces the folder where make ran by the tree's. */
function moved({ objects, linked, notFollowed }: TreeCommands, source: string, tree: SourceTree): Stored {
  const top = join(source, '..');
  const word = (text: string): string => text.replaceAll(source, tree.source).replaceAll(top, tree.top);
  const all = [...objects.values()].map((command) => ({
    ...command,
    args: command.args.map(word),
    source: word(command.source),
    output: word(command.output),
  }));
  return {
    objects: all,
    notFollowed: [...notFollowed],
    linked: linked === undefined ? null : { objects: [...linked.objects], init: [...linked.init] },
  };
}
