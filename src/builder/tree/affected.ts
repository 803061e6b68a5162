import type { Finding } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import type { AffectedObject } from './affected-object.ts';
import { sameCode } from './c-text.ts';
import type { TreeChange } from './change.ts';
import type { GeneratedText, TreeCommands } from './commands.ts';
import { Dependencies } from './dependencies.ts';
import { kindOfFile } from './file-kinds.ts';
import { listChanges } from './listed-objects.ts';
import type { SourceTree } from './source-tree.ts';
import { foreignFolders } from './working-copy.ts';

/** Everything that a source change affects. */
export interface Affected {
  /** Sorted by path. */
  readonly objects: readonly AffectedObject[];
  /** Preprocessed texts that must not change. */
  readonly generated: readonly GeneratedText[];
  /** The changes, without those that a compiler ignores. */
  readonly changes: readonly TreeChange[];
  /** Does the build generate headers from a changed file? */
  readonly makesHeaders: boolean;
  /** Changes that cannot be handled. With any, nothing should be built. */
  readonly problems: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/** Returns the objects of xen-syms that depend on the changes, by the commands and dependencies that the build left. */
export function affectedObjects(tree: SourceTree, commands: TreeCommands, changes: readonly TreeChange[]): Affected {
  const problems: Finding[] = [];
  const remarks: Finding[] = [];
  const told = (path: string, text: string): void => void remarks.push(about('file-left-out', path, null, text));
  const real: TreeChange[] = [];
  let makesHeaders = false;
  for (const change of changes) {
    // Both sides replaced the tree's file with the same text.
    if (change.before === change.after) continue;
    const kind = kindOfFile(tree, change);
    makesHeaders ||= kind.makesHeaders === true;
    if (kind.problem !== undefined) problems.push(about('build-input', change.path, null, kind.problem, kind.advice));
    else if (kind.remark !== undefined) told(change.path, kind.remark);
    else if (kind.code && sameText(change)) told(change.path, 'only comments and white space change');
    else if (kind.code) real.push(change);
  }
  const search = new Search(tree, commands, real);
  for (const [object, { reason }] of search.notFollowed()) {
    problems.push(about('command-unknown', object, null, `${object} cannot be compiled again: ${reason}`));
  }
  const found = search.objects();
  const lists = listChanges(tree, commands, changes);
  problems.push(...lists.problems);
  remarks.push(...lists.remarks);
  for (const [object, affected] of lists.objects) found.set(object, affected);
  for (const path of search.withoutObject()) {
    if (!lists.sources.has(path) && !makesHeaders) told(path, 'no object of this hypervisor is compiled from it');
  }
  const [init, ...more] = search.init;
  if (init !== undefined) {
    const others = more.length > 0 ? ` (and ${more.length} more objects like it)` : '';
    told(init, `all of it is gone when a host has booted, so it is left out${others}`);
  }
  const objects = [...found.values()].sort((a, b) => (a.command.object < b.command.object ? -1 : 1));
  return { objects, generated: search.generated(), changes: real, makesHeaders, problems, remarks };
}

const sameText = ({ before, after }: TreeChange): boolean =>
  before !== null && after !== null && sameCode(before, after);

/** Objects that are never in xen-syms if the build left no link commands: programs, and code before paging. */
const NEVER_LINKED = /^(?:tools|test|scripts)\/|^arch\/x86\/boot\/|\.init\.o$|(?:^|\/)built_in\.o$/;

class Search {
  /** Affected objects that contain only boot code. */
  readonly init = new Set<string>();
  readonly #commands: TreeCommands;
  readonly #paths: Dependencies;
  readonly #changed: ReadonlySet<string>;
  readonly #reached = new Set<string>();

  constructor(tree: SourceTree, commands: TreeCommands, changes: readonly TreeChange[]) {
    this.#commands = commands;
    this.#paths = new Dependencies(tree, foreignFolders(tree, commands.objects.values()));
    // A patch's path may lead through a link.
    this.#changed = new Set(changes.map(({ path }) => this.#paths.path(`${tree.top}/${path}`, '')));
  }

  objects(): Map<string, AffectedObject> {
    const found = new Map<string, AffectedObject>();
    for (const [object, command] of this.#commands.objects) {
      const source = this.#paths.path(command.source, command.folder);
      const names = command.dependencies ?? [command.source];
      if (!this.#depends(names, command.folder) || !this.#isLinked(object)) continue;
      found.set(object, { command, before: true, after: true, ownSource: this.#changed.has(source) });
    }
    return found;
  }

  notFollowed(): (readonly [string, { readonly reason: string }])[] {
    const all = [...this.#commands.notFollowed];
    return all.filter(([object, { dependencies }]) => this.#depends(dependencies, '') && this.#isLinked(object));
  }

  generated(): readonly GeneratedText[] {
    return this.#commands.generated.filter(({ dependencies, folder }) => this.#depends(dependencies, folder));
  }

  /** Returns changed files that no object depends on; call it last. */
  withoutObject(): readonly string[] {
    this.generated();
    return [...this.#changed].filter((path) => !this.#reached.has(path));
  }

  #depends(names: readonly string[], folder: string): boolean {
    let depends = false;
    for (const name of names) {
      const path = this.#paths.path(name, folder);
      if (!this.#changed.has(path)) continue;
      this.#reached.add(path);
      depends = true;
    }
    return depends;
  }

  #isLinked(object: string): boolean {
    const { linked } = this.#commands;
    if (linked === undefined) return !NEVER_LINKED.test(object);
    if (linked.init.has(object)) this.init.add(object);
    return linked.objects.has(object);
  }
}
