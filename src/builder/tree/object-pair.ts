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

/** Objects before deciding whether comparing preprocessed text pays. */
const JUDGED_AFTER = 12;

/** Its cost for both versions, as a fraction of the time saved if nothing changed. */
const COST = 0.4;

/**
 * Decides whether to compare preprocessed text before compiling. That costs a sixth of the time per version, and saves the rest if
 * both are equal. It does not pay if a widely included header adds a declaration.
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

/** How to compile objects. */
export interface PairMaker {
  readonly tree: SourceTree;
  readonly sides: Sides;
  /** A private folder for compiler output. */
  readonly output: string;
  readonly tool: ToolOptions;
  readonly debugInfo: boolean;
  /** Shared by all objects of a change. */
  readonly textFirst: TextFirst;
}

/** An object's outcome and its inputs, which make it reusable. */
export interface Made {
  readonly outcome: Outcome;
  readonly files: FilesRead;
}

/**
 * Compiles one object before and after the change. Detects unaffected objects as early as possible: by preprocessed text, then by
 * the build's own object. The object compiled from the old sources must equal the build's.
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

  /** Do the changed headers leave this object alone? Decided by text, or by compiling without debug data. */
  async #includesNothingNew(): Promise<boolean> {
    const { textFirst, debugInfo } = this.#maker;
    if (textFirst.pays && textFirst.told(await this.#sameText())) return true;
    if (!this.#comparable || !debugInfo || hasDebug(this.#command.args)) return false;
    const plain = await this.#run('after', [], 'object');
    return plain.kind === 'compiled' && this.#isKept(plain.bytes);
  }

  /** Can the result be compared with the build's object? */
  get #comparable(): boolean {
    return this.#kept !== undefined && !this.#split;
  }

  /** Does the command lack function sections, so that we add them? */
  get #split(): boolean {
    return this.#command.source.endsWith('.c') && !splitsSections(this.#command.args);
  }

  #isKept(bytes: Uint8Array): boolean {
    return objectDifferences(bytes, this.#kept as Uint8Array).length === 0;
  }

  /** Is the preprocessed text equal, without line markers? */
  async #sameText(): Promise<boolean> {
    const before = await this.#run('before', [], 'text');
    const after = await this.#run('after', [], 'text');
    if (before.kind === 'errors' || after.kind === 'errors') return false;
    const text = withoutMarkers(before.bytes);
    return text === withoutMarkers(after.bytes) && !this.#assemblerReads(text);
  }

  /** Does the assembler include a changed file, unseen by the preprocessor? Compares base names. */
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

  /** Returns the FILE symbol to set: that of the build's object, or by Xen's rule for a new one. */
  #fileSymbol(): string | undefined {
    if (!this.#command.renamed) return undefined;
    const own = this.#kept === undefined ? undefined : fileSymbolOf(this.#kept);
    return own ?? join(this.#command.folder, this.#command.source);
  }

  /** Returns a problem if the build's object differs from what its sources give now. */
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

/** Removes line markers and empty lines from preprocessed text. */
export function withoutMarkers(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  return text.replace(/^#(?: \d| *line\b).*$|^[ \t]+$/gm, '').replace(/\n+/g, '\n');
}
