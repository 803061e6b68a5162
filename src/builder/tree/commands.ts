import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type CommandFile, readCommandFile } from './command-file.ts';
import { type Link, type LinkedObjects, linkedObjects, readLink } from './linked-objects.ts';
import { finalObject, type ObjectCommand, readCompileCall } from './object-command.ts';
import { type SimpleCommand, shellCommands } from './shell-words.ts';
import type { SourceTree } from './source-tree.ts';

/** A text that the build makes with the preprocessor: a linker script, macros for assembly, the list of hypercalls. */
export interface GeneratedText extends ObjectCommand {
  /** Is there a list of what it is made from? */
  readonly dependencies: readonly string[];
}

/** What a build says about how it was made. */
export interface TreeCommands {
  /** By object, as {@link ObjectCommand.object} names it. */
  readonly objects: ReadonlyMap<string, ObjectCommand>;
  /** The objects of xen-syms, and those that only hold code for the boot; `undefined` where the links were not kept. */
  readonly linked: LinkedObjects | undefined;
  readonly generated: readonly GeneratedText[];
  /** Objects whose command cannot be followed, by their paths. */
  readonly notFollowed: ReadonlyMap<string, NotFollowedObject>;
}

/** An object that cannot be compiled again as it was. */
export interface NotFollowedObject {
  readonly reason: string;
  readonly dependencies: readonly string[];
}

/** Folders of `xen/` that have nothing of xen-syms in them. */
const ELSEWHERE = new Set(['tools', 'test', 'scripts', '.git']);

/** Most `.cmd` files that are read, and most folders below each other; Xen has 600 and 8. */
const MOST_FILES = 20_000;
const DEEPEST = 24;

/**
 * The commands that the tree was built with, from the `.NAME.cmd` files that the build leaves beside what it makes (C
 * sources: since 4.15). Nothing of it is run.
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
  // That is how a folder without objects gets its built_in.o.
  if (call.source === '/dev/null') return { reason: 'it has no source' };
  const { object, renamed } = finalObject(call.output);
  if (object !== normalize(file.target)) return { reason: `its command makes ${object}` };
  const dependencies = file.source === undefined ? undefined : [file.source, ...file.dependencies];
  return { ...call, object, folder: '', renamed, dependencies };
}
