import { basename, join } from 'node:path';
import type { SimpleCommand } from './shell-words.ts';

/** The objects that xen-syms was linked from. */
export interface LinkedObjects {
  readonly objects: ReadonlySet<string>;
  /** Those of which all sections were renamed to `.init…`: their code is gone when a host has booted. */
  readonly init: ReadonlySet<string>;
}

/** One object or archive that is made of others. */
export interface Link {
  readonly target: string;
  readonly members: readonly string[];
  /** Does it turn the code of its members into code for the boot? */
  readonly toInit: boolean;
}

/** What xen-syms is linked from: in the folder of the build since 4.15, in that of the architecture before. */
const ROOT = 'prelink.o';

const LINKERS = /^(?:[\w.]+-)*(?:ld(?:\.\w+)?|ar|objcopy)$/;

/** The option of objcopy that does so (cmd_obj_init_o of xen/Rules.mk, libelf's Makefile). */
const TO_INIT = '.text=.init.text';

/** Reads a call of a linker, of ar or of objcopy that makes an object of others; `folder` is where it runs. */
export function readLink({ words }: SimpleCommand, folder: string): Link | undefined {
  const [program = '', ...args] = words;
  // `-I` is for what is no object yet.
  if (!LINKERS.test(basename(program)) || args.includes('-I')) return undefined;
  const files = args.filter((word) => /\.(?:o|a)$/.test(word) && !word.startsWith('-'));
  const out = args[args.indexOf('-o') + 1];
  // ar has its archive first, objcopy its result last.
  const target = args.includes('-o') ? out : basename(program).endsWith('ar') ? files[0] : files.at(-1);
  if (target === undefined || /\.tmp$/.test(target)) return undefined;
  const path = (name: string): string => (name.startsWith('/') ? name : join(folder, name));
  const members = files.filter((name) => name !== target).map(path);
  return { target: path(target), members, toInit: args.includes(TO_INIT) };
}

/**
 * The objects that `prelink.o` is linked from, through every `built_in.o` and `lib.a`. `undefined` where the way there was
 * not kept.
 */
export function linkedObjects(all: readonly Link[]): LinkedObjects | undefined {
  const links = new Map(all.map((link) => [link.target, link]));
  const root = all.find(({ target }) => basename(target) === ROOT);
  if (root === undefined) return undefined;
  const objects = new Set<string>();
  const init = new Set<string>();
  const seen = new Set<string>();
  const visit = (target: string, isInit: boolean): void => {
    // Reached both ways, an object is in xen-syms with its own sections, too.
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
