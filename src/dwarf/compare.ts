import { Budget } from './budget.ts';
import * as dw from './constants.ts';
import {
  aggregateKind,
  dimensionsOf,
  enumeratorsOf,
  isPointer,
  type Member,
  membersOf,
  sizeOf,
  stripped,
  TYPE_DEPTH_MAX,
  typeName,
} from './types.ts';
import type { Entry } from './unit.ts';

/** A difference between the versions of a type in two files. */
export type LayoutDifference =
  /** Another total size, in bytes; `undefined` if unknown. */
  | { readonly kind: 'size'; readonly before: number | undefined; readonly after: number | undefined }
  /** A member at another offset, in bits from the start of the structure. */
  | { readonly kind: 'moved'; readonly member: string; readonly before: number; readonly after: number }
  /** A member with another size, in bits. */
  | { readonly kind: 'resized'; readonly member: string; readonly before: number; readonly after: number }
  /** A member at the same offset with the same size, but of another type; C's names of the types. */
  | { readonly kind: 'retyped'; readonly member: string; readonly before: string; readonly after: string }
  /** A member or constant in only one of the two; its offset in bits, or its value. */
  | { readonly kind: 'added'; readonly member: string; readonly at: number }
  | { readonly kind: 'removed'; readonly member: string; readonly at: number }
  /** A constant of an enumeration with another value. */
  | { readonly kind: 'value'; readonly member: string; readonly before: number; readonly after: number }
  /** A change of the kind of type, for example from structure to union. */
  | { readonly kind: 'category'; readonly before: string; readonly after: string };

/** A member by its path from the outermost structure. */
interface FlatMember {
  readonly name: string;
  /** First bit from the start of the outermost structure. */
  readonly at: number;
  /** In bits. */
  readonly size: number | undefined;
  readonly type: Entry | undefined;
}

/** Maximum number of members to compare: in a damaged file, a structure may have itself as a member. */
const MEMBERS_MAX = 500_000;

/** Maximum number of differences to report per type. */
const DIFFERENCES_MAX = 256;

/**
 * Compares a type in two files by its own members: offsets, sizes, names of types. Compares members that are named structures by name only,
 * because they are types of their own. Returns nothing if code compiled against one works with the other.
 */
export function compareLayout(before: Entry, after: Entry): LayoutDifference[] {
  const a = stripped(before);
  const b = stripped(after);
  if (a === undefined || b === undefined || a.tag !== b.tag) {
    const [was, is] = [typeName(before), typeName(after)];
    return a === b ? [] : [{ kind: 'category', before: was, after: is }];
  }
  const differences: LayoutDifference[] = [];
  const sizes = [sizeOf(a), sizeOf(b)] as const;
  if (sizes[0] !== sizes[1]) differences.push({ kind: 'size', before: sizes[0], after: sizes[1] });
  if (a.tag === dw.DW_TAG_enumeration_type) differences.push(...compareEnumerations(a, b));
  else if (aggregateKind(a) !== undefined) differences.push(...compareMembers(a, b));
  return differences.slice(0, DIFFERENCES_MAX);
}

/**
 * Returns the differences that make code for one type misread the other: ignores other types of the same size, and new or removed constants.
 * Returns nothing if old and new code can share an object.
 */
export function layoutChanges(before: Entry, after: Entry): LayoutDifference[] {
  const differences = compareLayout(before, after).filter(({ kind }) => kind !== 'retyped');
  const named = stripped(after);
  if (named !== undefined && aggregateKind(named) !== undefined) return differences;
  return differences.filter(({ kind }) => kind !== 'added' && kind !== 'removed');
}

function compareEnumerations(before: Entry, after: Entry): LayoutDifference[] {
  const old = new Map(enumeratorsOf(before).map(({ name, value }) => [name, value]));
  const differences: LayoutDifference[] = [];
  for (const { name, value } of enumeratorsOf(after)) {
    const was = old.get(name);
    if (was === undefined) differences.push({ kind: 'added', member: name, at: value });
    else if (was !== value) differences.push({ kind: 'value', member: name, before: was, after: value });
    old.delete(name);
  }
  for (const [name, value] of old) differences.push({ kind: 'removed', member: name, at: value });
  return differences;
}

function compareMembers(before: Entry, after: Entry): LayoutDifference[] {
  const budget = new Budget(MEMBERS_MAX);
  const old = new Map(flatMembers(before, budget).map((member) => [member.name, member]));
  const differences: LayoutDifference[] = [];
  for (const member of flatMembers(after, budget)) {
    const was = old.get(member.name);
    if (was === undefined) differences.push({ kind: 'added', member: member.name, at: member.at });
    else differences.push(...compareMember(was, member));
    old.delete(member.name);
  }
  for (const { name, at } of old.values()) differences.push({ kind: 'removed', member: name, at });
  return differences;
}

function* compareMember(before: FlatMember, after: FlatMember): Generator<LayoutDifference, void, void> {
  const member = after.name;
  if (before.at !== after.at) yield { kind: 'moved', member, before: before.at, after: after.at };
  const [was, is] = [before.size ?? 0, after.size ?? 0];
  if (was !== is) yield { kind: 'resized', member, before: was, after: is };
  else if (!sameType(before.type, after.type, 0)) {
    yield { kind: 'retyped', member, before: typeName(before.type), after: typeName(after.type) };
  }
}

/**
 * Returns the members that code can name: those of anonymous structures like the outer one's, and those of unnamed member structures with the
 * path, `a.b`, `list[].b`; for an array, in its first element.
 */
function flatMembers(aggregate: Entry, budget: Budget): FlatMember[] {
  const found: FlatMember[] = [];
  const visit = (entry: Entry, base: number, prefix: string, depth: number): void => {
    for (const { name, offset, bits, type } of membersOf(entry)) {
      if (!budget.take(1)) return;
      const deeper = depth < TYPE_DEPTH_MAX ? inlineType(type) : undefined;
      if (name !== undefined && (deeper === undefined || deeper.array)) {
        found.push({ name: prefix + name, at: base + (bits?.offset ?? 8 * offset), size: bitsOf(bits, type), type });
      }
      if (deeper === undefined) continue;
      const inner = name === undefined ? prefix : `${prefix}${name}${deeper.array ? '[]' : ''}.`;
      visit(deeper.entry, base + 8 * offset, inner, depth + 1);
    }
  };
  visit(aggregate, 0, '', 0);
  return found;
}

/** Returns the unnamed aggregate that is a member's type, or the element type of its array. */
function inlineType(type: Entry | undefined): { readonly entry: Entry; readonly array: boolean } | undefined {
  let entry = unqualified(type);
  let array = false;
  for (let i = 0; entry?.tag === dw.DW_TAG_array_type && i < TYPE_DEPTH_MAX; i++) {
    array = true;
    entry = unqualified(entry.reference(dw.DW_AT_type));
  }
  if (entry === undefined || aggregateKind(entry) === undefined) return undefined;
  return entry.text(dw.DW_AT_name) === undefined ? { entry, array } : undefined;
}

/** Returns the type without qualifiers. Keeps a typedef, because it is a name. */
function unqualified(type: Entry | undefined): Entry | undefined {
  return type === undefined || type.tag === dw.DW_TAG_typedef ? type : stripped(type);
}

function bitsOf(bits: Member['bits'], type: Entry | undefined): number | undefined {
  if (bits !== undefined) return bits.size;
  const size = sizeOf(type);
  return size === undefined ? undefined : 8 * size;
}

/** Tells whether code for one type reads the other correctly. Ignores the names of typedefs and base types. */
function sameType(before: Entry | undefined, after: Entry | undefined, depth: number): boolean {
  const a = stripped(before);
  const b = stripped(after);
  if (a === undefined || b === undefined || depth > TYPE_DEPTH_MAX) return a === b || depth > TYPE_DEPTH_MAX;
  if (a.tag !== b.tag) return false;
  // The use of a pointer to void or characters is unknown.
  if (isPointer(a)) return samePointee(stripped(a.reference(dw.DW_AT_type)), stripped(b.reference(dw.DW_AT_type)));
  if (a.tag === dw.DW_TAG_base_type) {
    return a.number(dw.DW_AT_byte_size) === b.number(dw.DW_AT_byte_size) && sameEncoding(a, b);
  }
  if (a.tag === dw.DW_TAG_array_type) {
    const sameCounts = dimensionsOf(a).join() === dimensionsOf(b).join();
    return sameCounts && sameType(a.reference(dw.DW_AT_type), b.reference(dw.DW_AT_type), depth + 1);
  }
  const [was, is] = [a.text(dw.DW_AT_name), b.text(dw.DW_AT_name)];
  // Unnamed structures are compared by their members, as parts of the outer one.
  return was === is;
}

const sameEncoding = (a: Entry, b: Entry): boolean => a.number(dw.DW_AT_encoding) === b.number(dw.DW_AT_encoding);

/** Tells whether two pointees may be the same: only structures with different names certainly differ. */
function samePointee(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined || aggregateKind(a) === undefined || aggregateKind(b) === undefined)
    return true;
  return a.tag === b.tag && a.text(dw.DW_AT_name) === b.text(dw.DW_AT_name);
}
