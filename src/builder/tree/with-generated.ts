import type { Finding } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import { type Affected, affectedObjects } from './affected.ts';
import { offsetsChange } from './asm-offsets.ts';
import type { TreeChange } from './change.ts';
import type { TreeCommands } from './commands.ts';
import { generatedTexts, isForHeaders } from './generated.ts';
import type { ObjectCommand } from './object-command.ts';
import type { PairMaker } from './object-pair.ts';
import type { OutcomeCache } from './outcome-cache.ts';
import { regeneratedHeaders } from './regenerated.ts';
import { runCompiler } from './run-compiler.ts';
import type { Side } from './sides.ts';

/** Makes a cache key: everything that determines the entry, except file contents. */
export type KeyOf = (command: ObjectCommand, changes: readonly TreeChange[], ...more: readonly unknown[]) => string;

/** What generated files need besides compilers. */
export interface GeneratedOptions {
  readonly commands: TreeCommands;
  readonly jobs: number;
  readonly cache: OutcomeCache;
  readonly keyOf: KeyOf;
}

/** Everything affected in the end. */
export interface WithGenerated {
  readonly affected: Affected;
  readonly problems: readonly Finding[];
}

/** Finds what a change affects, including generated files: headers, assembly offsets, the linker script. */
export async function withGenerated(
  first: Affected,
  changes: readonly TreeChange[],
  maker: PairMaker,
  options: GeneratedOptions,
): Promise<WithGenerated> {
  const keyOf = (text: ObjectCommand): string => options.keyOf(text, first.changes, 'text');
  // Inputs of headers that are regenerated anyway need no check.
  const asked = first.generated.filter((text) => !first.makesHeaders || !isForHeaders(text));
  const texts = await generatedTexts(asked, maker, options.cache, keyOf);
  if (texts.problems.length > 0) return { affected: first, problems: texts.problems };
  if (!first.makesHeaders && !texts.makesHeaders) return withOffsets(first, changes, maker, options);
  const { tool, tree, sides } = maker;
  const headers = await regeneratedHeaders(tree, changes, { ...tool, jobs: options.jobs });
  if (headers.kind === 'problem') {
    const reason = `cannot regenerate the headers that depend on the patch: ${headers.reason}`;
    return { affected: first, problems: [about('generated-text', 'include/compat', null, reason)] };
  }
  for (const change of headers.changes) sides.add(change);
  const all = [...changes, ...headers.changes];
  const affected = affectedObjects(tree, options.commands, all);
  return affected.problems.length > 0
    ? { affected, problems: affected.problems }
    : withOffsets(affected, all, maker, options);
}

/** Repeats the search if the header of assembly offsets changes. */
async function withOffsets(
  first: Affected,
  changes: readonly TreeChange[],
  { tree, sides, output, tool }: PairMaker,
  { commands, cache, keyOf }: GeneratedOptions,
): Promise<WithGenerated> {
  const files: Record<Side, readonly string[]> = { before: [], after: [] };
  let key: string | undefined;
  const offsets = await offsetsChange(tree, commands, first.changes, async (side, command) => {
    key = keyOf(command, first.changes, 'offsets');
    if (cache.find(key) !== undefined) return undefined;
    const run = { place: sides.place(side), top: tree.top, output, tool };
    const result = await runCompiler(run, command, ['-g0'], 'assembly');
    if (result.kind === 'compiled') files[side] = result.dependencies.map((name) => sides.pathOf(side, command, name));
    return result;
  });
  if (offsets.kind === 'same') {
    if (key !== undefined && files.before.length > 0) cache.keep(key, { kind: 'same' }, files);
    return { affected: first, problems: [] };
  }
  if (offsets.kind === 'problem') {
    const { reason } = offsets;
    return { affected: first, problems: [about('generated-text', 'asm-offsets.h', null, reason)] };
  }
  sides.add(offsets.change);
  const affected = affectedObjects(tree, commands, [...changes, offsets.change]);
  return { affected, problems: affected.problems };
}
