import { basename, dirname, extname, join } from 'node:path';
import type { TreeCommands } from './commands.ts';
import type { ObjectCommand } from './object-command.ts';

/**
 * How a source that is new would be compiled: as most sources of its kind in its folder are, or else in the folders above
 * it. `undefined` where there is none.
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

/** Is the object made of the source that its name says, in its own folder? */
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
  // A folder that the compiler runs in names its own files without the path.
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

/** A word of a command, with the names of its own source and object turned into those of another one. */
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
