import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type CommandFile, readCommandFile } from './command-file.ts';
import { type Link, type LinkedObjects, linkedObjects, readLink } from './linked-objects.ts';
import { finalObject, type ObjectCommand, readCompileCall } from './object-command.ts';
import { type SimpleCommand, shellCommands } from './shell-words.ts';
import type { SourceTree } from './source-tree.ts';

/** A text that the build preprocesses: a linker script, macros for assembly, the list of hypercalls. */
export interface GeneratedText extends ObjectCommand {
  /** Did the build record its dependencies? */
  readonly dependencies: readonly string[];
}

/** The commands of a build. */
export interface TreeCommands {
  /** By object, as in {@link ObjectCommand.object}. */
  readonly objects: ReadonlyMap<string, ObjectCommand>;
  /** The objects of xen-syms, and those with only boot code; `undefined` if the build kept no link commands. */
  readonly linked: LinkedObjects | undefined;
  readonly generated: readonly GeneratedText[];
  /** Objects whose command cannot be reused, by path. */
  readonly notFollowed: ReadonlyMap<string, NotFollowedObject>;
}

/** An object that cannot be recompiled as it was. */
export interface NotFollowedObject {
  readonly reason: string;
  readonly dependencies: readonly string[];
}

/** Folders of `xen/` without objects of xen-syms. */
const ELSEWHERE = new Set(['tools', 'test', 'scripts', '.git']);

/** Maximum `.cmd` files and folder depth; Xen has 600 and 8. */
const MOST_FILES = 20_000;
const DEEPEST = 24;

/**
 * Returns the tree's build commands, from the `.NAME.cmd` files beside the build's outputs (for C sources since 4.15). Runs none of
 * them.
 */
export function compileCommands(tree: SourceTree): TreeCommands {
  const files: CommandFile[] = [];
  collect(tree.objects, '', 0, files);
  const objects = new Map<string, ObjectCommand>();
  const notFollowed = new Map<string, NotFollowedObject>();
  const generated: GeneratedText[] = [];
  const links: Link[] = [];
  for (const file of files) {
    const script = shellCommands(file.script);
    const command = objectCommand(file, script);
    if ('reason' in command) {
      for (const part of script ?? []) links.push(...[readLink(part, '')].filter((link) => link !== undefined));
      if (file.source === undefined || !file.target.endsWith('.o')) continue;
      notFollowed.set(file.target, { reason: command.reason, dependencies: [file.source, ...file.dependencies] });
    } else if (file.target.endsWith('.o')) {
      objects.set(command.object, command);
    } else if (file.dependencies.length > 0) {
      generated.push({ ...command, object: file.target, dependencies: command.dependencies ?? [] });
    }
  }
  return { objects, linked: linkedObjects(links), generated, notFollowed };
}

function collect(folder: string, below: string, depth: number, files: CommandFile[]): void {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (depth < DEEPEST && !(depth === 0 && ELSEWHERE.has(entry.name))) collect(folder, path, depth + 1, files);
    } else if (entry.isFile() && entry.name.startsWith('.') && entry.name.endsWith('.cmd')) {
      const file = readCommandFile(readFileSync(join(folder, path), 'latin1'));
      if (file !== undefined && files.length < MOST_FILES) files.push(file);
    }
  }
}

function objectCommand(
  file: CommandFile,
  commands: readonly SimpleCommand[] | undefined,
): ObjectCommand | { readonly reason: string } {
  const [only] = commands ?? [];
  if (commands === undefined || only === undefined || commands.length !== 1) {
    return { reason: 'its command is a script of the shell' };
  }
  const call = readCompileCall(only);
  if ('reason' in call) return call;
  // This makes the built_in.o of a folder without objects.
  if (call.source === '/dev/null') return { reason: 'it has no source' };
  const { object, renamed } = finalObject(call.output);
  if (object !== normalize(file.target)) return { reason: `its command makes ${object}` };
  const dependencies = file.source === undefined ? undefined : [file.source, ...file.dependencies];
  return { ...call, object, folder: '', renamed, dependencies };
}
