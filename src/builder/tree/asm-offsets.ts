import { join } from 'node:path';
import { archFolder } from './arch-folder.ts';
import type { TreeChange } from './change.ts';
import { readDependencyFile } from './command-file.ts';
import type { TreeCommands } from './commands.ts';
import { Dependencies } from './dependencies.ts';
import type { ObjectCommand } from './object-command.ts';
import type { Compiled, CompileErrors } from './run-compiler.ts';
import { siblingCommand } from './sibling-command.ts';
import type { Side } from './sides.ts';
import { readText, type SourceTree } from './source-tree.ts';

/** Compiles one side to assembly; `undefined` if both sides are known to be equal. */
export type ToAssembly = (side: Side, command: ObjectCommand) => Promise<Compiled | CompileErrors | undefined>;

/** Effect of a change on the header of assembly offsets: none, a new header, or unknown. */
export type OffsetsChange =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly change: TreeChange }
  | { readonly kind: 'problem'; readonly reason: string };

/** Paths of the header and its dependency list: since 4.16, and before. */
const HEADERS = (folder: string): readonly string[] => [
  `arch/${folder}/include/asm/asm-offsets.h`,
  `include/asm-${folder}/asm-offsets.h`,
];
const LISTS = (folder: string): readonly (readonly [string, string])[] => [
  ['.asm-offsets.s.d', ''],
  [`arch/${folder}/.asm-offsets.s.d2`, `arch/${folder}`],
  [`arch/${folder}/.asm-offsets.s.d`, `arch/${folder}`],
];

/**
 * Finds out whether assembly offsets change. The build makes their header from compiled C (`asm-offsets.c`). If that depends on the
 * change, this compiles it before and after, and makes a new header if its values differ.
 */
export async function offsetsChange(
  tree: SourceTree,
  commands: TreeCommands,
  changes: readonly TreeChange[],
  toAssembly: ToAssembly,
): Promise<OffsetsChange> {
  const folder = archFolder(tree.arch);
  const kept = HEADERS(folder)
    .map((path) => ({ path, text: readText(join(tree.objects, path)) }))
    .find(({ text }) => text !== undefined);
  if (kept?.text === undefined || !dependsOnChange(tree, folder, changes)) return { kind: 'same' };
  const stem = `arch/${folder}/${tree.arch}/asm-offsets`;
  const command = siblingCommand(commands, `${stem}.o`, `${stem}.c`);
  if (command === undefined)
    return { kind: 'problem', reason: `no command is known that ${stem}.c could be compiled by` };
  const before = await toAssembly('before', command);
  const after = before === undefined ? undefined : await toAssembly('after', command);
  if (before === undefined || after === undefined) return { kind: 'same' };
  for (const result of [before, after]) {
    if (result.kind === 'errors') return { kind: 'problem', reason: `${stem}.c: ${result.lines[0] ?? 'no compiler'}` };
  }
  const old = offsetsOf((before as Compiled).bytes);
  const now = offsetsOf((after as Compiled).bytes);
  if (sameLines(old, now)) return { kind: 'same' };
  const known = kept.text.split('\n').filter((line) => old.includes(line));
  if (known.length !== old.length) {
    return { kind: 'problem', reason: `${kept.path} is not what ${stem}.c gives: the build is of other sources` };
  }
  if (!tree.objects.startsWith(tree.top)) {
    return { kind: 'problem', reason: `${kept.path} changes, in a build outside of the source tree` };
  }
  const path = `${tree.objects.slice(tree.top.length + 1)}/${kept.path}`;
  return { kind: 'changed', change: { path, before: kept.text, after: withOffsets(kept.text, old, now) } };
}

function dependsOnChange(tree: SourceTree, folder: string, changes: readonly TreeChange[]): boolean {
  const paths = new Dependencies(tree, []);
  for (const [list, base] of LISTS(folder)) {
    const text = readText(join(tree.objects, list));
    if (text === undefined) continue;
    const files = new Set(readDependencyFile(text).map((name) => paths.path(name, base)));
    return changes.some(({ path }) => files.has(paths.path(`${tree.top}/${path}`, '')));
  }
  // Without a list, compile it to be sure; that is quick.
  return true;
}

/** Returns the header's relevant lines, in the form of the build's `sed` (the rule of asm-offsets.h in xen/Makefile). */
export function offsetsOf(assembly: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (const line of Buffer.from(assembly).toString('latin1').split('\n')) {
    const mark = line.startsWith('#') ? null : /==>(.*)<==/.exec(line);
    const text = mark?.[1]?.replace(/ [$#]/, ' ') ?? '';
    if (text !== '') lines.push(text);
  }
  return lines;
}

const sameLines = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i]);

/** Replaces the consecutive old lines of the header by the new ones. */
function withOffsets(header: string, old: readonly string[], now: readonly string[]): string {
  const lines = header.split('\n');
  const own = new Set(old);
  const first = lines.findIndex((line) => own.has(line));
  const rest = lines.filter((line) => !own.has(line));
  return [...rest.slice(0, first), ...now, ...rest.slice(first)].join('\n');
}
