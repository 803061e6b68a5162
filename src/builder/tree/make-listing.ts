import { join } from 'node:path';
import { readDependencyFile } from './command-file.ts';
import type { NotFollowedObject, TreeCommands } from './commands.ts';
import { type Link, linkedObjects, readLink } from './linked-objects.ts';
import { finalObject, type ObjectCommand, readCompileCall } from './object-command.ts';
import { shellCommands } from './shell-words.ts';
import { readText } from './source-tree.ts';

/** Parses the output of `make --dry-run --print-directory`. `base` is the build's folder there; names are relative to it. */
export class MakeListing {
  readonly #base: string;
  readonly #folders: string[] = [];
  readonly #objects = new Map<string, ObjectCommand>();
  readonly #notFollowed = new Map<string, NotFollowedObject>();
  readonly #links: Link[] = [];
  #rest = '';

  constructor(base: string) {
    this.#base = base;
  }

  line(line: string): void {
    const moved = /^make(?:\[\d+\])?: (Entering|Leaving) directory '(.*)'$/.exec(line);
    if (moved?.[1] === 'Entering') this.#folders.push(moved[2] as string);
    else if (moved !== null) this.#folders.pop();
    else if (line.endsWith('\\')) this.#rest += `${line.slice(0, -1)} `;
    else {
      this.#script(this.#rest + line);
      this.#rest = '';
    }
  }

  get compilations(): number {
    return this.#objects.size;
  }

  #script(script: string): void {
    if (!/ -c | -r | --rename-section | cr /.test(script)) return;
    const at = this.#folders.at(-1);
    if (at === undefined || !(at === this.#base || at.startsWith(`${this.#base}/`))) return;
    const folder = at.slice(this.#base.length + 1);
    // The build's own programs run on this machine, and are not part of the hypervisor.
    if (/^(?:tools|test)(?:\/|$)/.test(folder)) return;
    for (const command of shellCommands(script) ?? []) {
      const link = readLink(command, folder);
      if (link !== undefined) this.#links.push(this.#fromBase(link));
      if (!command.words.includes('-c')) continue;
      const call = readCompileCall(command);
      if ('reason' in call) {
        const out = command.words[command.words.indexOf('-o') + 1];
        const source = command.words[command.words.indexOf('-c') + 1];
        if (out === undefined || source === undefined || !out.includes('.o')) continue;
        const object = join(folder, finalObject(out).object);
        this.#notFollowed.set(object, { reason: call.reason, dependencies: [join(folder, source)] });
      } else if (call.source !== '/dev/null') {
        const { object, renamed } = finalObject(call.output);
        const path = join(folder, object);
        this.#objects.set(path, { ...call, object: path, folder, renamed, dependencies: undefined });
      }
    }
  }

  #fromBase({ target, members, toInit }: Link): Link {
    const path = (name: string): string =>
      name.startsWith(`${this.#base}/`) ? name.slice(this.#base.length + 1) : name;
    return { target: path(target), members: members.map(path), toInit };
  }

  /** Returns the listed commands, with the folder replaced by `objects`, and without dependencies. */
  commands(): TreeCommands {
    return {
      objects: this.#objects,
      linked: linkedObjects(this.#links),
      generated: [],
      notFollowed: this.#notFollowed,
    };
  }
}

/** Adds the dependencies of each object from the compiler's files: `.x.o.d2`, without the folder's path, or `.x.o.d`. */
export function withDependencies(
  objects: ReadonlyMap<string, ObjectCommand>,
  build: string,
): Map<string, ObjectCommand> {
  const found = new Map<string, ObjectCommand>();
  for (const [object, command] of objects) {
    const name = object.slice(object.lastIndexOf('/') + 1);
    const folder = object.slice(0, object.length - name.length);
    const texts = ['d2', 'd'].map((end) => readText(join(build, folder, `.${name}.${end}`)));
    const text = texts.find((each) => each !== undefined);
    const dependencies = text === undefined ? undefined : readDependencyFile(text);
    found.set(object, { ...command, dependencies });
  }
  return found;
}
