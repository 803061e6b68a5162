import { existsSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import type { Finding } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import type { AffectedObject } from './affected-object.ts';
import type { TreeChange } from './change.ts';
import type { TreeCommands } from './commands.ts';
import { isMakefile, kindOfFile } from './file-kinds.ts';
import { type ListedObject, makefileChange } from './makefile-change.ts';
import { siblingCommand } from './sibling-command.ts';
import type { SourceTree } from './source-tree.ts';

/** Objects that Makefile changes add or remove. */
export interface ListChanges {
  readonly objects: ReadonlyMap<string, AffectedObject>;
  /** Their sources, from the top of the tree. */
  readonly sources: ReadonlySet<string>;
  readonly problems: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/** Returns what the changed Makefiles add to the hypervisor and remove from it. */
export function listChanges(tree: SourceTree, commands: TreeCommands, changes: readonly TreeChange[]): ListChanges {
  const reader = new ListReader(tree, commands, changes);
  for (const change of changes) if (isMakefile(change.path)) reader.makefile(change);
  reader.goneSources();
  return reader;
}

class ListReader implements ListChanges {
  readonly objects = new Map<string, AffectedObject>();
  readonly sources = new Set<string>();
  readonly problems: Finding[] = [];
  readonly remarks: Finding[] = [];
  readonly #tree: SourceTree;
  readonly #commands: TreeCommands;
  readonly #changes: readonly TreeChange[];

  constructor(tree: SourceTree, commands: TreeCommands, changes: readonly TreeChange[]) {
    this.#tree = tree;
    this.#commands = commands;
    this.#changes = changes;
  }

  makefile(change: TreeChange): void {
    const { path, before, after } = change;
    const kind = kindOfFile(this.#tree, change);
    if (kind.problem !== undefined || kind.remark !== undefined) return;
    const { added, removed, others } = makefileChange(before ?? '', after ?? '', this.#tree.config);
    const [other] = others;
    if (other !== undefined) {
      this.#refuse(path, `${path} changes more than the list of objects: ${other}`);
      return;
    }
    const folder = dirname(path).slice('xen/'.length);
    for (const object of added) this.#added(path, folder, object);
    for (const object of removed) this.#removed(path, folder, object);
  }

  #added(makefile: string, folder: string, { name, enabled }: ListedObject): void {
    const object = normalize(join(folder, name));
    if (!enabled) {
      this.#tell(makefile, `skipped ${object}: its configuration option is off`);
      return;
    }
    if (name.endsWith('/')) {
      // The patch also adds the folder's Makefile, which lists its objects.
      if (this.#changes.some(({ path, after }) => path === `xen/${object}Makefile` && after !== null)) return;
      this.#refuse(makefile, `${makefile} adds the folder ${object}, which is not in the patch`, REBUILD);
      return;
    }
    if (name.endsWith('.init.o')) {
      this.#tell(makefile, `skipped ${object}: boot code only`);
      return;
    }
    const source = this.#sourceOf(object);
    if (source === undefined) {
      this.#refuse(
        makefile,
        `${makefile} adds ${object}, but there is no .c or .S file for it`,
        'Add the source file to the patch.',
      );
      return;
    }
    this.sources.add(`xen/${source}`);
    const command = siblingCommand(this.#commands, object, source);
    if (command === undefined) {
      this.#refuse(makefile, `no compile command for ${source}`, REBUILD);
      return;
    }
    this.objects.set(object, { command, before: false, after: true, ownSource: true });
  }

  #removed(makefile: string, folder: string, { name }: ListedObject): void {
    const object = normalize(join(folder, name));
    if (name.endsWith('/')) {
      this.#refuse(makefile, `${makefile} removes the folder ${object} from the hypervisor`, 'Keep it in this patch.');
      return;
    }
    const command = this.#commands.objects.get(object);
    if (command === undefined) {
      this.#tell(makefile, `${object} is no longer listed; it was not part of this hypervisor`);
      return;
    }
    this.sources.add(`xen/${command.source}`);
    this.objects.set(object, { command, before: true, after: false, ownSource: true });
    this.#tell(makefile, `${object} is no longer part of the hypervisor`);
  }

  /** Reports a missing source that a Makefile still lists. */
  goneSources(): void {
    for (const { path, after } of this.#changes) {
      const object = path.replace(/^xen\/(.*)\.[cS]$/, '$1.o');
      if (after !== null || object === path || !this.#commands.objects.has(object) || this.objects.has(object))
        continue;
      this.#refuse(path, `${path} is removed, but a Makefile still lists ${object}`, 'Remove that line too.');
    }
  }

  /** Path from `xen/`, in the patch or in the tree. */
  #sourceOf(object: string): string | undefined {
    const stem = join(dirname(object), basename(object, '.o'));
    return [`${stem}.c`, `${stem}.S`].find((source) => {
      const change = this.#changes.find(({ path }) => path === `xen/${source}`);
      return change === undefined ? existsSync(join(this.#tree.source, source)) : change.after !== null;
    });
  }

  #refuse(object: string, message: string, advice?: string): void {
    this.problems.push(about('object-list', object, null, message, advice));
  }

  #tell(object: string, text: string): void {
    this.remarks.push(about('object-listed', object, null, text));
  }
}

const REBUILD = 'This needs a build of the whole hypervisor. Put the code into a file in an existing folder.';
