import { basename, join } from 'node:path';
import type { SimpleCommand } from './shell-words.ts';

/** The objects linked into xen-syms. */
export interface LinkedObjects {
  readonly objects: ReadonlySet<string>;
  /** Objects with all sections renamed to `.init…`: their code is freed after boot. */
  readonly init: ReadonlySet<string>;
}

/** An object or archive made from others. */
export interface Link {
  readonly target: string;
  readonly members: readonly string[];
  /** Does it turn its members' code into boot code? */
  readonly toInit: boolean;
}

/** The input of xen-syms: in the build folder since 4.15, before in the architecture's. */
const ROOT = 'prelink.o';

const LINKERS = /^(?:[\w.]+-)*(?:ld(?:\.\w+)?|ar|objcopy)$/;

/** objcopy's option for that (cmd_obj_init_o of xen/Rules.mk, libelf's Makefile). */
const TO_INIT = '.text=.init.text';

/** Parses a call of a linker, ar or objcopy that makes an object from others, run in `folder`. */
export function readLink({ words }: SimpleCommand, folder: string): Link | undefined {
  const [program = '', ...args] = words;
  // `-I` takes inputs that are not objects.
  if (!LINKERS.test(basename(program)) || args.includes('-I')) return undefined;
  const files = args.filter((word) => /\.(?:o|a)$/.test(word) && !word.startsWith('-'));
  const out = args[args.indexOf('-o') + 1];
  // ar names its archive first, objcopy its result last.
  const target = args.includes('-o') ? out : basename(program).endsWith('ar') ? files[0] : files.at(-1);
  if (target === undefined || /\.tmp$/.test(target)) return undefined;
  const path = (name: string): string => (name.startsWith('/') ? name : join(folder, name));
  const members = files.filter((name) => name !== target).map(path);
  return { target: path(target), members, toInit: args.includes(TO_INIT) };
}

/**
 * Returns the objects linked into `prelink.o`, through every `built_in.o` and `lib.a`. `undefined` if the build did not keep these
 * commands.
 */
export function linkedObjects(all: readonly Link[]): LinkedObjects | undefined {
  const links = new Map(all.map((link) => [link.target, link]));
  const root = all.find(({ target }) => basename(target) === ROOT);
  if (root === undefined) return undefined;
  const objects = new Set<string>();
  const init = new Set<string>();
  const seen = new Set<string>();
  const visit = (target: string, isInit: boolean): void => {
    // An object reached both ways is in xen-syms with its own sections too.
    const key = `${isInit} ${target}`;
    if (seen.has(key)) return;
    seen.add(key);
    const link = links.get(target);
    if (target.endsWith('.init.o')) visit(`${target.slice(0, -'.init.o'.length)}.o`, true);
    else if (link === undefined) (isInit ? init : objects).add(target);
    else for (const member of link.members) visit(member, isInit || link.toInit);
  };
  visit(root.target, false);
  for (const object of objects) init.delete(object);
  return { objects, init };
}
