import { basename, dirname, extname, join } from 'node:path';
import type { TreeCommands } from './commands.ts';
import type { ObjectCommand } from './object-command.ts';

/**
 * Returns the command for a new source: the most common one for its kind in its folder, or else in a parent. `undefined` if there is
 * none.
 */
export function siblingCommand(commands: TreeCommands, object: string, source: string): ObjectCommand | undefined {
  for (let folder = dirname(object); ; folder = dirname(folder)) {
    const siblings = [...commands.objects.values()].filter(
      (command) => dirname(command.object) === folder && extname(command.source) === extname(source) && plain(command),
    );
    const usual = mostUsual(siblings);
    if (usual !== undefined) return renamedCommand(usual, object, source);
    if (folder === '.' || folder === '/') return undefined;
  }
}

/** Is the object made from the source of the same name in the same folder? */
const plain = ({ object, source, folder }: ObjectCommand): boolean =>
  join(folder, dirname(source), basename(source, extname(source))) === join(dirname(object), basename(object, '.o'));

function mostUsual(commands: readonly ObjectCommand[]): ObjectCommand | undefined {
  const counts = new Map<string, { readonly command: ObjectCommand; count: number }>();
  for (const command of commands) {
    const key = command.args.map((arg) => withStem(arg, command, '\0', '\0')).join('\n');
    const entry = counts.get(key) ?? { command, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.command;
}

function renamedCommand(usual: ObjectCommand, object: string, source: string): ObjectCommand {
  // A compiler's working folder names its own files without a path.
  const base = usual.folder === '' ? '' : `${usual.folder}/`;
  const local = (path: string): string => (path.startsWith(base) ? path.slice(base.length) : path);
  const stem = join(dirname(local(object)), basename(object, '.o'));
  const args = usual.args.map((arg) => withStem(arg, usual, stem, object));
  return {
    ...usual,
    args,
    object,
    source: local(source),
    output: withStem(usual.output, usual, stem, object),
    dependencies: undefined,
  };
}

/** Replaces the names of a command's source and object in a word. */
function withStem(arg: string, command: ObjectCommand, stem: string, object: string): string {
  const own = command.source.slice(0, -extname(command.source).length);
  const temporary = (path: string): string => join(dirname(path), `.${basename(path)}.o`);
  return arg
    .split(command.object)
    .join(object)
    .split(temporary(own))
    .join(temporary(stem))
    .split(`${own}.`)
    .join(`${stem}.`);
}
