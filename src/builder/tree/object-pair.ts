import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ToolOptions } from '../../system/index.ts';
import type { AffectedObject } from './affected-object.ts';
import { addedOptions, hasDebug, splitsSections } from './compiler.ts';
import type { ObjectCommand } from './object-command.ts';
import type { FilesRead, Outcome } from './outcome.ts';
import { type Compiled, type CompileErrors, runCompiler } from './run-compiler.ts';
import { compilersOf, fileSymbolOf, objectDifferences } from './same-object.ts';
import type { Side, Sides } from './sides.ts';
import type { SourceTree } from './source-tree.ts';

/** After so many objects it is judged whether looking at preprocessed text first pays. */
const JUDGED_AFTER = 12;

/** It takes this part of the time that it spares where it finds that nothing changes, both versions together. */
const COST = 0.4;

/**
 * Whether to look at the preprocessed text of an object before it is compiled. That takes a sixth of the time for each of the
 * two versions, and spares the rest where they are equal: not where a header that all include brings a new declaration.
 */
export class TextFirst {
  #tried = 0;
  #same = 0;

  get pays(): boolean {
    return this.#tried < JUDGED_AFTER || this.#same >= COST * this.#tried;
  }

  told(same: boolean): boolean {
    this.#tried++;
    if (same) this.#same++;
    return same;
  }
}

/** What objects are compiled with. */
export interface PairMaker {
  readonly tree: SourceTree;
  readonly sides: Sides;
  /** A private folder for what compilers write. */
  readonly output: string;
  readonly tool: ToolOptions;
  readonly debugInfo: boolean;
  /** Shared by all objects of one change. */
  readonly textFirst: TextFirst;
}

/** An object's outcome and what it was made from, which makes it good for another time. */
export interface Made {
  readonly outcome: Outcome;
  readonly files: FilesRead;
}

/**
 * Compiles one object before and after the change. Objects that the change leaves as they are are found out as early as can
 * be: by the preprocessed text, then by the object that the build has kept. What is compiled from the sources before the
 * change has to be what the build has kept.
 */
export async function makePair(maker: PairMaker, affected: AffectedObject): Promise<Made> {
  return new OnePair(maker, affected).make();
}

class OnePair {
  readonly #maker: PairMaker;
  readonly #affected: AffectedObject;
  readonly #command: ObjectCommand;
  readonly #kept: Uint8Array | undefined;
  readonly #files: Record<Side, readonly string[]> = { before: [], after: [] };

  constructor(maker: PairMaker, affected: AffectedObject) {
    this.#maker = maker;
    this.#affected = affected;
    this.#command = affected.command;
    this.#kept = affected.before ? keptObject(maker.tree, affected.command) : undefined;
  }

  async make(): Promise<Made> {
    return { outcome: await this.#outcome(), files: this.#files };
  }

  async #outcome(): Promise<Outcome> {
    const { before, after } = this.#affected;
    if (before && after && !this.#affected.ownSource && (await this.#includesNothingNew())) return { kind: 'same' };
    const patched = after ? await this.#compile('after') : undefined;
    if (patched?.kind === 'errors') return this.#errors(patched, 'with the patch');
    if (this.#comparable && patched !== undefined && this.#isKept(patched.bytes)) return { kind: 'same' };
    if (!before) return { kind: 'pair', orig: null, patched: patched?.bytes ?? null };
    const orig = await this.#compile('before');
    if (orig.kind === 'errors') return this.#errors(orig, 'as it is');
    const problem = await this.#unlikeBuild(orig);
    if (problem !== undefined) return problem;
    if (patched !== undefined && objectDifferences(orig.bytes, patched.bytes).length === 0) return { kind: 'same' };
    return { kind: 'pair', orig: orig.bytes, patched: patched?.bytes ?? null };
  }

  /** Does a changed header change nothing here? Found out by the text, or by compiling without debug data. */
  async #includesNothingNew(): Promise<boolean> {
    const { textFirst, debugInfo } = this.#maker;
    if (textFirst.pays && textFirst.told(await this.#sameText())) return true;
    if (!this.#comparable || !debugInfo || hasDebug(this.#command.args)) return false;
    const plain = await this.#run('after', [], 'object');
    return plain.kind === 'compiled' && this.#isKept(plain.bytes);
  }

  /** Can what is compiled be held against the kept object as it is? */
  get #comparable(): boolean {
    return this.#kept !== undefined && !this.#split;
  }

  /** Does the command lack sections for each function, so that they are asked for? */
  get #split(): boolean {
    return this.#command.source.endsWith('.c') && !splitsSections(this.#command.args);
  }

  #isKept(bytes: Uint8Array): boolean {
    return objectDifferences(bytes, this.#kept as Uint8Array).length === 0;
  }

  /** Is what the preprocessor makes of it the same, lines of its own apart? */
  async #sameText(): Promise<boolean> {
    const before = await this.#run('before', [], 'text');
    const after = await this.#run('after', [], 'text');
    if (before.kind === 'errors' || after.kind === 'errors') return false;
    const text = withoutMarkers(before.bytes);
    return text === withoutMarkers(after.bytes) && !this.#assemblerReads(text);
  }

  /** Does the assembler include a changed file, which the preprocessor does not see? Judged by the file's last name. */
  #assemblerReads(text: string): boolean {
    const changed = this.#maker.sides.changedNames();
    return [...text.matchAll(/\.(?:include|incbin)\s+\\?"([^"\\]*)/g)].some(([, name]) =>
      changed.has(basename(name ?? '')),
    );
  }

  #compile(side: Side): Promise<Compiled | CompileErrors> {
    return this.#run(side, addedOptions(this.#command, this.#maker.debugInfo, true), 'object');
  }

  async #run(side: Side, added: readonly string[], product: 'object' | 'text'): Promise<Compiled | CompileErrors> {
    const { tree, sides, output, tool } = this.#maker;
    const run = { place: sides.place(side), top: tree.top, output, tool };
    const result = await runCompiler(run, this.#command, added, product, this.#fileSymbol());
    if (result.kind === 'compiled') {
      this.#files[side] = result.dependencies.map((name) => sides.pathOf(side, this.#command, name));
    }
    return result;
  }

  /** The FILE symbol to have: the kept object's, or what Xen's rule gives a new one. */
  #fileSymbol(): string | undefined {
    if (!this.#command.renamed) return undefined;
    const own = this.#kept === undefined ? undefined : fileSymbolOf(this.#kept);
    return own ?? join(this.#command.folder, this.#command.source);
  }

  /** A problem where the build has kept something else than what its sources give now. */
  async #unlikeBuild(orig: Compiled): Promise<Outcome | undefined> {
    if (this.#kept === undefined) return undefined;
    const same = this.#split ? await this.#run('before', [], 'object') : orig;
    if (same.kind === 'errors') return this.#errors(same, 'as it is');
    const differences = objectDifferences(same.bytes, this.#kept);
    if (differences.length === 0) return undefined;
    const { object } = this.#command;
    const now = compilersOf(same.bytes).join(', ');
    const then = compilersOf(this.#kept).join(', ');
    const compilers = now === then ? `both are from ${now}` : `now by ${now}, then by ${then}`;
    return {
      kind: 'problem',
      reason: `${object} is not what its source gives when it is compiled again (${compilers}): ${differences.join('; ')}`,
      advice:
        now === then
          ? 'The sources, or what they include, were changed after the build: build the tree again, or give the one it was built from.'
          : 'Compile with the very compiler that the hypervisor was built with.',
      mismatch: true,
    };
  }

  #errors({ place, lines }: CompileErrors, what: string): Outcome {
    const where = place === null ? '' : ` at ${place}`;
    const reason = `${this.#command.object} does not compile ${what}${where}:\n${lines.join('\n')}`;
    return { kind: 'problem', reason, advice: null, mismatch: false };
  }
}

function keptObject(tree: SourceTree, { object }: ObjectCommand): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(join(tree.objects, object)));
  } catch {
    return undefined;
  }
}

/** Preprocessed text without line markers and empty lines, which say where it is from. */
export function withoutMarkers(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  return text.replace(/^#(?: \d| *line\b).*$|^[ \t]+$/gm, '').replace(/\n+/g, '\n');
}
