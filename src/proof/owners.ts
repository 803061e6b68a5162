import { STB_LOCAL, STB_WEAK } from '../elf/index.ts';
import type { Host, HostPlace } from './host.ts';
import { type Atom, atomName, type ProofObject } from './program.ts';

/** Which object of the host an atom of the patched program is. */
export type Owner =
  /** The host's own, at this place. */
  | { readonly kind: 'host'; readonly place: HostPlace; readonly size: number }
  /** One that the patch adds. */
  | { readonly kind: 'new' }
  /** Names do not tell: it is in a group of atoms, of which some are the host's. */
  | { readonly kind: 'group'; readonly group: Group };

/** Variables of one name in one source, before and after the patch. */
export interface Group {
  readonly name: string;
  readonly after: readonly Atom[];
  /** Places on the host of those that were there before. */
  readonly places: readonly HostPlace[];
}

/** Removes the number that the compiler gives to statics of functions. */
const stem = (name: string): string => name.replace(/\.\d+$/, '');

/** Numbers and parts that the compiler makes of a function: which code they have depends on the whole file. */
const CLONE = /\.(?:constprop|isra|part|cold|lto_priv|\d+)(?:\.|$)/;

export const isClone = (name: string): boolean => CLONE.test(name);

/** Finds the host's object for functions, variables and constants. */
export type Owners = (atom: Atom) => Owner;

/** Returns the place on the host of an atom of an object that the hypervisor was linked from; `undefined` without exactly one symbol of it. */
export function ownPlace(
  host: Host,
  { object, names }: Atom,
): { readonly place: HostPlace; readonly size: number } | undefined {
  for (const { name, bind } of names) {
    if (bind !== STB_LOCAL) {
      const found = host.global(name);
      if (found !== undefined) return { place: found.address, size: found.size };
    } else if (object.file !== undefined) {
      const [only, another] = host.statics(object.file, name);
      if (only !== undefined && another === undefined) return { place: only.address, size: only.size };
    }
  }
  return undefined;
}

/** Owners of the atoms that the hypervisor was linked from: by their own names. */
export const ownersBefore =
  (host: Host): Owners =>
  (atom) => {
    const own = ownPlace(host, atom);
    return own === undefined ? { kind: 'new' } : { kind: 'host', ...own };
  };

/** Is a weak definition overridden by another object of the hypervisor? */
export const isOverridden = (host: Host, { names }: Atom): boolean =>
  names.some(({ name, bind }) => {
    const symbol = bind === STB_WEAK ? host.global(name) : undefined;
    return symbol !== undefined && symbol.bind !== STB_WEAK;
  });

const isCode = ({ kind }: Atom): boolean => kind === 'code' || kind === 'init';

/** Can a static be the one that it was? Those of functions have to be used by a function of the same name. */
function sameScope(was: Atom, is: Atom): boolean {
  if (![was, is].some((atom) => isWritable(atom) && /\.\d+$/.test(atomName(atom)))) return true;
  const users = was.object.referrers(was);
  return [...is.object.referrers(is)].some((name) => users.has(name));
}

const isWritable = ({ kind }: Atom): boolean => kind === 'state' || kind === 'percpu';

/** Classes of atoms that can be one object before and after: a variable may move between `.data` and `.bss`, and a static become global. */
const classOf = ({ kind }: Atom): string => (kind === 'code' ? 'code' : kind === 'state' ? 'state' : kind);

/**
 * Owners of the atoms after the patch. A global is the host's of that name. A static is the one that had its name, less the compiler's number, in its
 * source before; a variable without one is looked for among those that vanished from the other sources.
 */
export function ownersAfter(host: Host, before: readonly ProofObject[], after: readonly ProofObject[]): Owners {
  const groups = new Map<string, { before: Atom[]; after: Atom[] }>();
  const key = (atom: Atom, name: string): string =>
    JSON.stringify([atom.object.file ?? atom.object.name, classOf(atom), stem(name)]);
  const collect = (objects: readonly ProofObject[], side: 'before' | 'after'): void => {
    for (const object of objects) {
      for (const atom of object.allAtoms()) {
        const [first] = atom.names;
        if (first === undefined) continue;
        const group = groups.get(key(atom, first.name)) ?? { before: [], after: [] };
        group[side].push(atom);
        groups.set(key(atom, first.name), group);
      }
    }
  };
  collect(before, 'before');
  collect(after, 'after');
  const owners = new Map<Atom, Owner>();
  const gone = new Map<string, Atom[]>();
  const homeless = new Map<string, Atom[]>();
  const add = (to: Map<string, Atom[]>, atom: Atom): void => {
    const name = `${classOf(atom)} ${stem(atomName(atom))}`;
    to.set(name, [...(to.get(name) ?? []), atom]);
  };
  const assign = (name: string, was: readonly Atom[], is: readonly Atom[]): void => {
    const found = was.map((atom) => ownPlace(host, atom));
    const [only] = found;
    if (is.length === 1 && was.length === 1 && only !== undefined && sameScope(was[0] as Atom, is[0] as Atom)) {
      owners.set(is[0] as Atom, { kind: 'host', ...only });
      return;
    }
    const places = found.flatMap((each) => (each === undefined ? [] : [each.place]));
    for (const atom of is) owners.set(atom, { kind: 'group', group: { name, after: is, places } });
  };
  for (const group of groups.values()) {
    const statics: Atom[] = [];
    for (const atom of group.after) {
      const global = atom.names.find(({ name, bind }) => bind !== STB_LOCAL && host.global(name) !== undefined);
      const symbol = global && host.global(global.name);
      if (symbol === undefined) statics.push(atom);
      else owners.set(atom, { kind: 'host', place: symbol.address, size: symbol.size });
    }
    const taken = new Set([...owners.values()].flatMap((owner) => (owner.kind === 'host' ? [owner.place] : [])));
    const was = group.before.filter((atom) => {
      const own = ownPlace(host, atom);
      return own === undefined || !taken.has(own.place);
    });
    if (statics.length === 0) for (const atom of was) add(gone, atom);
    else if (was.length === 0) for (const atom of statics) add(homeless, atom);
    else assign(stem(atomName(statics[0] as Atom)), was, statics);
  }
  for (const [name, atoms] of homeless) {
    const was = gone.get(name) ?? [];
    if (was.length > 0) assign(stem(atomName(atoms[0] as Atom)), was, atoms);
  }
  return (atom) => owners.get(atom) ?? { kind: 'new' };
}

/** Is it an object whose identity names can tell: not a text, and not one without a name? */
export const hasIdentity = (atom: Atom): boolean => atom.names.length > 0 && !isCode(atom);
