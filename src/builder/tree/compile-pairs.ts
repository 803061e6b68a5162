import { accessSync, constants, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import type { Finding } from '../../base/index.ts';
import { about, type ObjectPair } from '../../diff/index.ts';
import {
  cannotRun,
  type Environment,
  privateFolder,
  requireTools,
  sha256,
  type ToolOptions,
  throwIfInterrupted,
} from '../../system/index.ts';
import { type Affected, affectedObjects } from './affected.ts';
import type { AffectedObject } from './affected-object.ts';
import type { TreeChange } from './change.ts';
import type { TreeCommands } from './commands.ts';
import { compilerIdentity, objcopyOf, splitsSections } from './compiler.ts';
import { inParallel } from './in-parallel.ts';
import type { ObjectCommand } from './object-command.ts';
import { makePair, type PairMaker, TextFirst } from './object-pair.ts';
import type { Outcome } from './outcome.ts';
import { OutcomeCache } from './outcome-cache.ts';
import { compilersOf } from './same-object.ts';
import { Sides } from './sides.ts';
import type { SourceTree } from './source-tree.ts';
import { type KeyOf, withGenerated } from './with-generated.ts';
import { foreignFolders } from './working-copy.ts';

/** Progress: the current object, and how many are done. */
export interface PairProgress {
  readonly done: number;
  readonly total: number;
  readonly object: string;
}

export interface CompileOptions {
  readonly env: Environment;
  /** Maximum parallel compilers. */
  readonly jobs: number;
  /** Add debug data, for source lines and structure layouts; default true. */
  readonly debugInfo?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: PairProgress) => void) | undefined;
  /** Called before each object is compiled. */
  readonly started?: ((progress: PairProgress) => void) | undefined;
  /** The hypervisor to patch, if not the tree's own; its compiler must be the same. */
  readonly xenSyms?: Uint8Array | undefined;
  /** Receives the folder with the working copies, which the caller then owns. */
  readonly keep?: ((folder: string) => void) | undefined;
}

/** The objects that a change affects. */
export interface CompiledPairs {
  /** Sorted by path, without objects that came out equal. */
  readonly pairs: readonly ObjectPair[];
  /** Reasons against a live patch. */
  readonly problems: readonly Finding[];
  readonly remarks: readonly Finding[];
  /** Objects that depend on the change, including equal ones. */
  readonly affected: number;
  /** Objects among them that the cache had. */
  readonly cached: number;
}

/** After this many objects that differ from the build, skip the others. */
const MOST_MISMATCHES = 3;

/**
 * Compiles every affected object before and after the changes, with the tree's own commands, in working copies; only reads the tree.
 * Throws XspliceError if the environment is at fault; faults of the patch or the tree are problems in the result.
 */
export async function compilePairs(
  tree: SourceTree,
  commands: TreeCommands,
  changes: readonly TreeChange[],
  options: CompileOptions,
): Promise<CompiledPairs> {
  throwIfInterrupted(options.signal);
  const affected = affectedObjects(tree, commands, changes);
  const { problems, remarks, objects } = affected;
  if (problems.length > 0 || (objects.length === 0 && !affected.makesHeaders)) {
    return { pairs: [], problems, remarks, affected: objects.length, cached: 0 };
  }
  requirePrograms(objects, options.env);
  const work = privateFolder(join(temporaryFolder(options.env), 'xsplice-tree-'));
  try {
    const run = new Run(tree, commands, options, work.path);
    return await run.all(affected, changes);
  } finally {
    if (options.keep === undefined) work.remove();
    else options.keep(work.path);
  }
}

/** A file system in memory, where making links is forty times as fast. */
const IN_MEMORY = '/dev/shm';

/** Returns the folder for working copies: the user's choice, else in memory. */
function temporaryFolder(env: Environment): string {
  if (env['TMPDIR']) return env['TMPDIR'];
  try {
    accessSync(IN_MEMORY, constants.W_OK | constants.X_OK);
    return IN_MEMORY;
  } catch {
    return tmpdir();
  }
}

/** Throws ETOOL if a compiler of the commands, or its objcopy, is missing. */
function requirePrograms(objects: readonly AffectedObject[], env: Environment): void {
  const compilers = [...new Set(objects.map(({ command }) => command.program))];
  const renamed = objects.some(({ command }) => command.renamed);
  const programs = [...compilers, ...(renamed ? compilers.map(objcopyOf) : [])];
  const absolute = programs.filter((program) => program.startsWith('/'));
  for (const program of absolute) {
    if (compilerIdentity(program, env) !== program) continue;
    throw cannotRun(program, Object.assign(new Error('there is no such file'), { code: 'EACCES' }));
  }
  requireTools(
    programs.filter((program) => !program.startsWith('/')),
    env,
    'compiling the sources of this tree',
  );
}

/**
 * Returns the change of an object's own source, so that patches of one file have separate cache entries. Of headers only names
 * count: an object that a header does not affect is then not recompiled for each version of it.
 */
const ownTexts = ({ command, ownSource }: AffectedObject, changes: readonly TreeChange[]): readonly string[] =>
  ownSource
    ? changes
        .filter(({ path }) => `/${path}`.endsWith(`/${normalize(command.source)}`))
        .map(({ before, after }) => sha256(`${before ?? ''}\0${after ?? ''}`))
    : [];

class Run {
  readonly #tree: SourceTree;
  readonly #commands: TreeCommands;
  readonly #options: CompileOptions;
  readonly #folder: string;
  readonly #tool: ToolOptions;
  #mismatches = 0;
  #cached = 0;

  constructor(tree: SourceTree, commands: TreeCommands, options: CompileOptions, folder: string) {
    this.#tree = tree;
    this.#commands = commands;
    this.#options = options;
    this.#folder = folder;
    this.#tool = { env: options.env, signal: options.signal };
  }

  async all(first: Affected, changes: readonly TreeChange[]): Promise<CompiledPairs> {
    const foreign = foreignFolders(this.#tree, this.#commands.objects.values());
    const sides = new Sides(this.#tree, this.#folder, foreign, changes);
    const output = join(this.#folder, 'output');
    mkdirSync(output);
    const debugInfo = this.#options.debugInfo ?? true;
    const maker: PairMaker = {
      tree: this.#tree,
      sides,
      output,
      tool: this.#tool,
      debugInfo,
      textFirst: new TextFirst(),
    };
    const cache = new OutcomeCache(this.#options.env, (path, side) => sides.contentOf(path, side));
    const keyOf: KeyOf = (command, at, ...more) => this.#key(command, cache, at, ...more);
    const { affected, problems } = await withGenerated(first, changes, maker, {
      commands: this.#commands,
      jobs: this.#options.jobs,
      cache,
      keyOf,
    });
    if (problems.length > 0) {
      return { pairs: [], problems, remarks: affected.remarks, affected: affected.objects.length, cached: 0 };
    }
    let done = 0;
    const total = affected.objects.length;
    const outcomes = await inParallel(affected.objects, this.#options.jobs, async (object) => {
      this.#options.started?.({ done, total, object: object.command.object });
      const outcome = await this.#one(object, maker, cache, affected.changes);
      done++;
      this.#options.progress?.({ done, total, object: object.command.object });
      return outcome;
    });
    cache.prune();
    return this.#result(affected, outcomes);
  }

  async #one(
    object: AffectedObject,
    maker: PairMaker,
    cache: OutcomeCache,
    changes: readonly TreeChange[],
  ): Promise<Outcome | undefined> {
    throwIfInterrupted(this.#options.signal);
    if (this.#mismatches >= MOST_MISMATCHES) return undefined;
    const { command, before, after } = object;
    const kept = this.#keptIdentity(command.object);
    const key = this.#key(command, cache, changes, before, after, kept, maker.debugInfo, ownTexts(object, changes));
    const found = cache.find(key);
    if (found !== undefined) {
      this.#cached++;
      return found;
    }
    const { outcome, files } = await makePair(maker, object);
    if (outcome.kind === 'problem' && outcome.mismatch) this.#mismatches++;
    cache.keep(key, outcome, files);
    return outcome;
  }

  /** Returns the cache key: everything that determines the outcome, except file contents. */
  #key(
    command: ObjectCommand,
    cache: OutcomeCache,
    changes: readonly TreeChange[],
    ...more: readonly unknown[]
  ): string {
    const { program, args, folder, object, renamed } = command;
    const compiler = compilerIdentity(program, this.#options.env);
    return cache.key([
      compiler,
      args,
      folder,
      object,
      renamed,
      this.#tree.top,
      changes.map(({ path }) => path),
      ...more,
    ]);
  }

  #keptIdentity(object: string): string {
    return compilerIdentity(join(this.#tree.objects, object), this.#options.env);
  }

  #result(affected: Affected, outcomes: readonly (Outcome | undefined)[]): CompiledPairs {
    const pairs: ObjectPair[] = [];
    const problems: Finding[] = [];
    const remarks: Finding[] = [...affected.remarks];
    for (const [i, outcome] of outcomes.entries()) {
      const { object } = (affected.objects[i] as AffectedObject).command;
      if (outcome?.kind === 'pair') pairs.push({ object, orig: outcome.orig, patched: outcome.patched });
      if (outcome?.kind !== 'problem') continue;
      problems.push(about('compile-failed', object, null, outcome.reason, outcome.advice ?? undefined));
    }
    const untried = outcomes.filter((outcome) => outcome === undefined).length;
    if (untried > 0) {
      remarks.push(about('objects-left-out', 'xen-syms', null, `${untried} more objects were not compiled`));
    }
    problems.push(...this.#otherCompiler(pairs));
    if (affected.objects.some(({ command }) => command.source.endsWith('.c') && !splitsSections(command.args))) {
      remarks.push(about('sections-shared', 'xen-syms', null, UNSPLIT));
    }
    return {
      pairs: problems.length > 0 ? [] : pairs,
      problems,
      remarks,
      affected: affected.objects.length,
      cached: this.#cached,
    };
  }

  /** Checks that the hypervisor to patch, if given, was built by the compiler that we used. */
  #otherCompiler(pairs: readonly ObjectPair[]): readonly Finding[] {
    const { xenSyms } = this.#options;
    const then = xenSyms === undefined ? [] : compilersOf(xenSyms);
    const pair = pairs.find(({ orig }) => orig !== null);
    if (pair?.orig == null || then.length === 0) return [];
    const now = compilersOf(pair.orig);
    if (now.every((compiler) => then.includes(compiler))) return [];
    const reason = `${pair.object} is compiled by ${now.join(', ')}, and xen-syms by ${then.join(', ')}`;
    return [about('other-compiler', pair.object, null, reason)];
  }
}

const UNSPLIT =
  'this release is built without a section for each function: they were asked for here, in both versions of each object';
