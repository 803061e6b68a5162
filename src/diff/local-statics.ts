import { equalBytes, groupBy } from '../base/index.ts';
import { type StaticLocal, staticLocals } from '../dwarf/index.ts';
import type { DebugData } from './debug-data.ts';
import { bytesOf, nameOf, type Piece, unnumbered } from './piece.ts';
import type { StaticChoice } from './types.ts';
import type { SharedUses } from './use-context.ts';

/** Variables that functions declare, before and after, where several can be which. */
export interface Ambiguity {
  readonly before: readonly Piece[];
  readonly after: readonly Piece[];
}

/** What is known of static variables besides their symbols. */
export interface StaticEvidence {
  readonly debug: () => DebugData;
  readonly goneLines: ReadonlyMap<string, ReadonlySet<number>> | undefined;
  /** Only those for this object. */
  readonly choices: readonly StaticChoice[];
  /** By how the functions that use a variable are known on both sides; the same text on both sides for the same functions. */
  users(piece: Piece): ReadonlySet<string>;
  /** Uses of any of these variables in all functions. */
  uses(wild: ReadonlySet<Piece>): SharedUses;
}

/** What was found out: from after to before, and what could not be. */
export interface MatchedStatics {
  readonly pairs: ReadonlyMap<Piece, Piece>;
  readonly ambiguities: readonly Ambiguity[];
}

/** Is it declared in a function? gcc puts a number behind its name, clang the function's name before it: no name of C has a dot. */
export const isLocalStatic = (piece: Piece): boolean => nameOf(piece).lastIndexOf('.') > 0;

interface Static {
  readonly piece: Piece;
  readonly debug: StaticLocal | undefined;
  /** In the order of declaration, where debug data tells it. */
  readonly order: number;
}

/**
 * Finds out which static variable of a function is which. A variable is known by its name, its function, its type and its place among others of that
 * name; that place is told by lines that a patch leaves alone, or by code around its uses that does not change. What can be read in two ways is not paired.
 */
export function matchStatics(
  before: readonly Piece[],
  after: readonly Piece[],
  evidence: StaticEvidence,
): MatchedStatics {
  const pairs = new Map<Piece, Piece>();
  const ambiguities: Ambiguity[] = [];
  const chosen = new Set<Piece>();
  for (const { after: now, before: was } of evidence.choices) {
    const [a, b] = [after.find((piece) => nameOf(piece) === now), before.find((piece) => nameOf(piece) === was)];
    if (a === undefined || (was !== null && b === undefined)) continue;
    chosen.add(a);
    if (b !== undefined) {
      chosen.add(b);
      pairs.set(a, b);
    }
  }
  const open = (piece: Piece): boolean => !chosen.has(piece);
  const [olds, news] = [before.filter(open), after.filter(open)];
  if (olds.length === 0 || news.length === 0) return { pairs, ambiguities };
  const { orig, patched } = evidence.debug();
  const debugOf = (
    pieces: readonly Piece[],
    file: DebugData['orig'],
  ): Map<Piece, { readonly local: StaticLocal; readonly order: number }> => {
    const found = new Map<Piece, { readonly local: StaticLocal; readonly order: number }>();
    const byPlace = new Map(pieces.map((piece) => [`${piece.section.index}+${piece.start}`, piece]));
    (file === undefined ? [] : staticLocals(file)).forEach((local, order) => {
      const piece = byPlace.get(`${local.section}+${local.offset}`);
      if (piece !== undefined && !found.has(piece)) found.set(piece, { local, order });
    });
    return found;
  };
  const [oldDebug, newDebug] = [debugOf(olds, orig), debugOf(news, patched)];
  // Debug data of one side, or of some variables of a name, would compare two kinds of names.
  const untold = new Set<string>();
  for (const piece of olds) if (!oldDebug.has(piece)) untold.add(unnumbered(nameOf(piece)));
  for (const piece of news) if (!newDebug.has(piece)) untold.add(unnumbered(nameOf(piece)));
  const made = (piece: Piece, known: typeof oldDebug): Static => ({
    piece,
    debug: untold.has(unnumbered(nameOf(piece))) ? undefined : known.get(piece)?.local,
    order: known.get(piece)?.order ?? 0,
  });
  const families = (list: readonly Static[]): Map<string, Static[]> =>
    groupBy(list, ({ piece, debug }) => debug?.name ?? unnumbered(nameOf(piece)));
  const oldFamilies = families(olds.map((piece) => made(piece, oldDebug)));
  for (const [name, family] of families(news.map((piece) => made(piece, newDebug)))) {
    const old = oldFamilies.get(name) ?? [];
    for (const left of matchFamily(old, family, evidence, pairs)) ambiguities.push(left);
  }
  return { pairs, ambiguities };
}

/** Those of one name: function by function, then what changed functions. */
function matchFamily(
  before: readonly Static[],
  after: readonly Static[],
  evidence: StaticEvidence,
  pairs: Map<Piece, Piece>,
): Ambiguity[] {
  const ambiguities: Ambiguity[] = [];
  const settled = new Set<Static>();
  for (const [olds, news] of scopes(before, after, evidence)) {
    const found = matchScope(olds, news, evidence);
    for (const [a, b] of found.pairs) {
      pairs.set(a.piece, b.piece);
      settled.add(a).add(b);
    }
    if (found.ambiguous) {
      const left = (list: readonly Static[]): Piece[] =>
        list.filter((each) => !settled.has(each)).map(({ piece }) => piece);
      ambiguities.push({ before: left(olds), after: left(news) });
      for (const each of [...olds, ...news]) settled.add(each);
    }
  }
  // One that has left its function and one that has come to another: it may have moved there with its value, or be another one.
  const gone = before.filter((each) => !settled.has(each));
  const fresh = after.filter((each) => !settled.has(each));
  const alike = fresh.filter((a) => gone.some((b) => isAlike(a, b)));
  const [only] = gone;
  const [other] = fresh;
  const unused = ({ piece }: Static): boolean => evidence.users(piece).size === 0;
  if (gone.length === 1 && fresh.length === 1 && only !== undefined && other !== undefined && isAlike(other, only)) {
    if (unused(only) && unused(other)) {
      pairs.set(other.piece, only.piece);
      return ambiguities;
    }
  }
  if (alike.length > 0) {
    const from = gone.filter((b) => alike.some((a) => isAlike(a, b)));
    ambiguities.push({ before: from.map(({ piece }) => piece), after: alike.map(({ piece }) => piece) });
  }
  return ambiguities;
}

/** Variables of one function on both sides; without debug data, those that the same functions use. */
function scopes(
  before: readonly Static[],
  after: readonly Static[],
  { users }: StaticEvidence,
): (readonly [readonly Static[], readonly Static[]])[] {
  if ([...before, ...after].every(({ debug }) => debug !== undefined)) {
    const old = groupBy(before, ({ debug }) => debug?.scope ?? '');
    const now = groupBy(after, ({ debug }) => debug?.scope ?? '');
    return [...now].flatMap(([scope, list]) => {
      const others = old.get(scope);
      return others === undefined ? [] : [[others, list] as const];
    });
  }
  // Variables with a user in common, on whatever side, are one group.
  const groups: { users: Set<string>; before: Static[]; after: Static[] }[] = [];
  const add = (each: Static, side: 'before' | 'after'): void => {
    const own = new Set(users(each.piece));
    const joined = groups.filter((group) => [...own].some((user) => group.users.has(user)));
    const [into = { users: new Set<string>(), before: [], after: [] }, ...rest] = joined;
    for (const group of rest) {
      groups.splice(groups.indexOf(group), 1);
      for (const user of group.users) into.users.add(user);
      into.before.push(...group.before);
      into.after.push(...group.after);
    }
    for (const user of own) into.users.add(user);
    into[side].push(each);
    if (joined.length === 0) groups.push(into);
  };
  for (const each of before) add(each, 'before');
  for (const each of after) add(each, 'after');
  return groups.map(({ before: old, after: now }) => [old, now] as const);
}

interface ScopeMatch {
  readonly pairs: readonly (readonly [Static, Static])[];
  readonly ambiguous: boolean;
}

function matchScope(olds: readonly Static[], news: readonly Static[], evidence: StaticEvidence): ScopeMatch {
  if (olds.length === 0 || news.length === 0) return { pairs: [], ambiguous: false };
  const told = [...olds, ...news].every(({ debug }) => debug?.declaration !== undefined);
  const kinds = (list: readonly Static[]): Map<string, Static[]> =>
    groupBy(list, ({ piece, debug }) => `${debug?.type ?? [...evidence.users(piece)].sort().join()} ${form(piece)}`);
  if (told && evidence.goneLines !== undefined) return byLines(olds, news, evidence.goneLines);
  if (olds.length === 1 && news.length === 1)
    return { pairs: [[news[0], olds[0]] as [Static, Static]], ambiguous: false };
  const pairs: (readonly [Static, Static])[] = [];
  let ambiguous = false;
  const byKind = kinds(olds);
  const [gone, fresh]: [Static[], Static[]] = [[], []];
  const kindsAfter = kinds(news);
  for (const [kind, list] of kindsAfter) {
    const old = byKind.get(kind) ?? [];
    if (old.length === 0) fresh.push(...list);
    else if (old.length === 1 && list.length === 1) pairs.push([list[0], old[0]] as [Static, Static]);
    else {
      const found = byUses(old, list, evidence);
      if (found === undefined) ambiguous = true;
      else pairs.push(...found);
    }
  }
  for (const [kind, list] of byKind) if (!kindsAfter.has(kind)) gone.push(...list);
  // One may have changed its type, or be gone while another one is new.
  if (gone.length > 0 && fresh.length > 0) {
    const found = byUses(gone, fresh, evidence);
    if (found === undefined) ambiguous = true;
    else pairs.push(...found);
  }
  return { pairs, ambiguous };
}

/** By lines: a line that the patch leaves alone declares the same variables; what is left has to be alone between two of them. */
function byLines(
  olds: readonly Static[],
  news: readonly Static[],
  goneLines: ReadonlyMap<string, ReadonlySet<number>>,
): ScopeMatch {
  const lineOf = ({ debug }: Static): string => `${debug?.declaration?.file}:${debug?.declaration?.line}`;
  const isGone = ({ debug }: Static): boolean => {
    const { file = '', line = 0 } = debug?.declaration ?? {};
    for (const [path, lines] of goneLines) if (isPath(file, path)) return lines.has(line);
    return false;
  };
  const byOrder = (a: Static, b: Static): number => a.order - b.order;
  const pairs: (readonly [Static, Static])[] = [];
  const now = groupBy([...news].sort(byOrder), lineOf);
  const paired = new Set<Static>();
  for (const [line, list] of groupBy([...olds].sort(byOrder), lineOf)) {
    const stay = list.filter((each) => !isGone(each));
    // Lines that were added before one have the numbers that follow: the line itself is the last of its number.
    const last = (now.get(line) ?? []).slice(-stay.length);
    if (stay.length === 0 || last.length !== stay.length) continue;
    stay.forEach((old, i) => {
      const each = last[i] as Static;
      pairs.push([each, old]);
      paired.add(each).add(old);
    });
  }
  const gaps = (list: readonly Static[]): Map<number, Static[]> => {
    const found = new Map<number, Static[]>();
    let gap = 0;
    for (const each of [...list].sort(byOrder)) {
      if (paired.has(each)) gap++;
      else found.set(gap, [...(found.get(gap) ?? []), each]);
    }
    return found;
  };
  const [left, fresh] = [gaps(olds), gaps(news)];
  if (left.size === 0 || fresh.size === 0) return { pairs, ambiguous: false };
  for (const gap of new Set([...left.keys(), ...fresh.keys()])) {
    const [was, ...more] = left.get(gap) ?? [];
    const [is, ...others] = fresh.get(gap) ?? [];
    if (was === undefined || is === undefined || more.length > 0 || others.length > 0)
      return { pairs, ambiguous: true };
    pairs.push([is, was]);
  }
  return { pairs, ambiguous: false };
}

/** Is a path as the compiler was given it that of a file of the tree? */
const isPath = (file: string, path: string): boolean => {
  const plain = file.replace(/^(?:\.\.?\/)+/, '');
  return path === plain || path.endsWith(`/${plain}`) || plain.endsWith(`/${path}`);
};

/** By the code around their uses; `undefined` where that does not tell all of the shorter list. */
function byUses(
  olds: readonly Static[],
  news: readonly Static[],
  { uses }: StaticEvidence,
): (readonly [Static, Static])[] | undefined {
  const { pairs, elsewhere } = uses(new Set([...olds, ...news].map(({ piece }) => piece)));
  const found = new Map<Piece, Piece>();
  const back = new Map<Piece, Piece>();
  for (const [a, b] of pairs) {
    if ((found.get(a) ?? b) !== b || (back.get(b) ?? a) !== a) return undefined;
    found.set(a, b);
    back.set(b, a);
  }
  const [less, map] = news.length <= olds.length ? [news, found] : [olds, back];
  if (!less.every(({ piece }) => map.has(piece) && !elsewhere.has(piece))) return undefined;
  const old = new Map(olds.map((each) => [each.piece, each]));
  return news.flatMap((each): [Static, Static][] => {
    const was = old.get(found.get(each.piece) as Piece);
    return was === undefined || elsewhere.has(each.piece) !== elsewhere.has(was.piece) ? [] : [[each, was]];
  });
}

const form = (piece: Piece): string =>
  `${piece.kind === 'bss' ? 'data' : piece.kind} ${piece.end - piece.start} ${bytesOf(piece).some((byte) => byte !== 0) ? bytesOf(piece).join() : ''}`;

/** Could the one be the other, under another function? */
function isAlike(a: Static, b: Static): boolean {
  if (a.piece.end - a.piece.start !== b.piece.end - b.piece.start || a.debug?.type !== b.debug?.type) return false;
  return form(a.piece) === form(b.piece) || equalBytes(bytesOf(a.piece), bytesOf(b.piece));
}
