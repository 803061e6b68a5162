import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import { type NamedKind, namedKind } from './name-index.ts';
import { aggregateKind, isDeclaration, stripped, typeOf } from './types.ts';
import type { Entry, Unit } from './unit.ts';

/** A type with a name, by which it can be found in another file. */
export interface NamedType {
  readonly kind: NamedKind;
  readonly name: string;
  /** The definition; for a typedef of an unnamed structure, that structure. */
  readonly entry: Entry;
}

/** Formats the type: `struct domain`, `spinlock_t`. */
export const namedTypeText = ({ kind, name }: Pick<NamedType, 'kind' | 'name'>): string =>
  kind === 'typedef' || kind === 'base' ? name : `${kind} ${name}`;

/**
 * Returns the definitions of a type; for a typedef, those of the unnamed structures, unions and enumerations behind it. Those in `near` come
 * first, because a unit's code uses its own definitions.
 */
export function definitionsOf(dwarf: DwarfFile, kind: NamedKind, name: string, near?: Unit): Entry[] {
  let found = dwarf.find(kind, name);
  if (kind === 'typedef') found = found.flatMap((entry) => anonymousTarget(entry) ?? []);
  if (near === undefined) return found;
  const here = found.filter(({ unit }) => unit === near);
  return here.length === 0 ? found : [...here, ...found.filter(({ unit }) => unit !== near)];
}

/** Returns the unnamed structure, union or enumeration behind a typedef. */
function anonymousTarget(typedef: Entry): Entry | undefined {
  const target = stripped(typedef);
  return target !== undefined && isLaidOut(target) && target.text(dw.DW_AT_name) === undefined ? target : undefined;
}

/** Tells whether the type has a layout, which may differ between files. */
export const isLaidOut = (entry: Entry): boolean =>
  aggregateKind(entry) !== undefined || entry.tag === dw.DW_TAG_enumeration_type;

/**
 * Returns the definition of a type that may be only a declaration: from the same unit, or else the first one of the file; `undefined` if
 * there is none.
 */
export function definitionOf(dwarf: DwarfFile, entry: Entry): Entry | undefined {
  if (!isDeclaration(entry)) return entry;
  const kind = namedKind(entry.tag);
  const name = entry.text(dw.DW_AT_name);
  if (kind === undefined || name === undefined) return undefined;
  return definitionsOf(dwarf, kind, name, entry.unit)[0];
}

/** Maximum number of types to follow; Xen has about 1200 structures. */
const REACHABLE_MAX = 20_000;

/**
 * Returns the named structures, unions and enumerations that are reachable from `roots` by value and through pointers, arrays and anonymous
 * members; each name once, in order of discovery.
 */
export function reachableTypes(dwarf: DwarfFile, roots: Iterable<Entry>): NamedType[] {
  const found = new Map<string, NamedType>();
  const seen = new Set<number>();
  const queue: { entry: Entry; typedef: string | undefined }[] = [];
  for (const entry of roots) queue.push({ entry, typedef: undefined });
  for (let i = 0; i < queue.length && seen.size < REACHABLE_MAX * 8; i++) {
    const { entry, typedef } = queue[i] as (typeof queue)[number];
    if (seen.has(entry.offset)) continue;
    seen.add(entry.offset);
    if (!isLaidOut(entry)) {
      follow(entry, typedef, queue);
      continue;
    }
    const definition = definitionOf(dwarf, entry);
    if (definition === undefined) continue;
    seen.add(definition.offset);
    const own = definition.text(dw.DW_AT_name);
    const name = own ?? typedef;
    const kind = own === undefined ? 'typedef' : namedKind(definition.tag);
    if (name !== undefined && kind !== undefined) {
      const key = `${kind} ${name}`;
      if (found.size >= REACHABLE_MAX) break;
      if (!found.has(key)) found.set(key, { kind, name, entry: definition });
    }
    for (const member of definition.children()) {
      const type = typeOf(member);
      if (type !== undefined) queue.push({ entry: type, typedef: undefined });
    }
  }
  return [...found.values()];
}

/** Queues the type behind a pointer, array, typedef, qualifier or function type. */
function follow(
  entry: Entry,
  typedef: string | undefined,
  queue: { entry: Entry; typedef: string | undefined }[],
): void {
  const type = typeOf(entry);
  const transparent = entry.tag === dw.DW_TAG_typedef ? entry.text(dw.DW_AT_name) : undefined;
  const keeps = entry.tag === dw.DW_TAG_const_type || entry.tag === dw.DW_TAG_volatile_type;
  if (type !== undefined) queue.push({ entry: type, typedef: transparent ?? (keeps ? typedef : undefined) });
}

/**
 * Returns the types that a function's code uses: of its result, its parameters, and all variables and inlined calls inside. Intermediate types
 * of an expression like `a->b->c` are reachable from these.
 */
export function* typesUsedBy(subprogram: Entry): Generator<Entry, void, void> {
  const entries = function* (): Generator<Entry, void, void> {
    yield* subprogram.origins();
    for (const { entry } of subprogram.descendants()) {
      if (USES.has(entry.tag)) yield* entry.origins();
    }
  };
  const seen = new Set<number>();
  for (const entry of entries()) {
    const type = typeOf(entry);
    if (type === undefined || seen.has(type.offset)) continue;
    seen.add(type.offset);
    yield type;
  }
}

const USES: ReadonlySet<number> = new Set([
  dw.DW_TAG_formal_parameter,
  dw.DW_TAG_variable,
  dw.DW_TAG_inlined_subroutine,
]);

/** Returns the global variables of a unit by name, including mere declarations. */
export function variablesOf(unit: Unit): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of unit.root?.children() ?? []) {
    const name = entry.tag === dw.DW_TAG_variable ? entry.name : undefined;
    if (name === undefined) continue;
    const known = found.get(name);
    if (known === undefined) found.set(name, [entry]);
    else known.push(entry);
  }
  return found;
}
