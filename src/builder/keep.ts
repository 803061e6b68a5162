import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ObjectPair } from '../diff/index.ts';
import { type Environment, fileFailure } from '../system/index.ts';
import type { FileChange } from './patches/index.ts';
import { affectedObjects, type SourceTree, type TreeCommands } from './tree/index.ts';
import { writeChange } from './tree/working-copy.ts';

/** Intermediate results of a build. */
export interface BuildTrace {
  readonly tree: SourceTree;
  readonly commands: TreeCommands;
  readonly changes: readonly FileChange[];
  readonly pairs: readonly ObjectPair[];
  readonly payload: Uint8Array | null;
}

/**
 * Writes a build's intermediate results into a new folder that stays: `before/` and `after/` with changed sources and differing
 * objects, the tree's compile commands in `commands`, and the payload. Returns the folder.
 */
export function keepTrace({ tree, commands, changes, pairs, payload }: BuildTrace, env: Environment): string {
  const parent = env['TMPDIR'] || tmpdir();
  try {
    const folder = mkdtempSync(join(parent, 'xsplice-build-'));
    for (const side of ['before', 'after'] as const) {
      const root = join(folder, side);
      mkdirSync(root);
      for (const change of changes) {
        if (change[side] !== null) writeChange(root, { path: change.path, text: change[side] });
      }
      for (const { object, orig, patched } of pairs) {
        const bytes = side === 'before' ? orig : patched;
        if (bytes === null) continue;
        const target = join(root, 'xen', object);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, bytes);
      }
    }
    writeFileSync(join(folder, 'commands'), commandLines(tree, commands, changes));
    if (payload !== null) writeFileSync(join(folder, 'payload.livepatch'), payload);
    return folder;
  } catch (error) {
    throw fileFailure(
      error,
      `cannot keep the compiled objects in ${parent}`,
      'Set TMPDIR to a folder with enough free space.',
    );
  }
}

/** Lists the tree's command for each affected object, one per line. */
function commandLines(tree: SourceTree, commands: TreeCommands, changes: readonly FileChange[]): string {
  const lines = affectedObjects(tree, commands, changes).objects.map(({ command }) => {
    const folder = join(tree.objects, command.folder);
    return `cd ${shellWord(folder)} && ${[command.program, ...command.args].map(shellWord).join(' ')}\n`;
  });
  return lines.join('');
}

/** Quotes a word for a shell, so that people can read and copy it. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
