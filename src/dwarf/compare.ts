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

/** How a type of one file differs from the same type of another. */
export type LayoutDifference =
  /** The whole has another size; bytes, `undefined` where it is not known. */
  | { readonly kind: 'size'; readonly before: number | undefined; readonly after: number | undefined }
  /** A member is elsewhere: bits from the start of the structure. */
  | { readonly kind: 'moved'; readonly member: string; readonly before: number; readonly after: number }
  /** A member has more or fewer bits. */
  | { readonly kind: 'resized'; readonly member: string; readonly before: number; readonly after: number }
  /** A member is in the same place with the same size, but is of another type; C's names for the types. */
  | { readonly kind: 'retyped'; readonly member: string; readonly before: string; readonly after: string }
  /** Only the one or the other has the member, or the constant; where it is, in bits, or its value. */
  | { readonly kind: 'added'; readonly member: string; readonly at: number }
  | { readonly kind: 'removed'; readonly member: string; readonly at: number }
  /** A constant of an enumeration has another value. */
  | { readonly kind: 'value'; readonly member: string; readonly before: number; readonly after: number }
  /** A structure has become a union, or the like. */
  | { readonly kind: 'category'; readonly before: string; readonly after: string };

/** A member as code names it from the outermost structure. */
interface FlatMember {
  readonly name: string;
  /** First bit from the start of the outermost structure. */
  readonly at: number;
  /** In bits. */
  readonly size: number | undefined;
  readonly type: Entry | undefined;
}

/** Most members of the two types that are looked at: in a damaged file, a structure may have itself as a member. */
const MEMBERS_LOOKED_AT = 500_000;

/** Most differences of one type that are told. */
const DIFFERENCES_MAX = 256;

/**
 * Compares one type in two files by its own members: where they are, their sizes, their types by name. Structures with a name
 * that are members are types of their own, and compared by their names here; a change inside of them shows there. Empty
 * where code that was compiled against one works with the other.
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
 * The differences that make code for the one misread the other: not types of one size, and not constants that come or go. Empty where old and new code
 * can share an object.
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
  const budget = new Budget(MEMBERS_LOOKED_AT);
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
 * The members that code can name: those of anonymous structures as if they were the outer one's, and those of structures that only
 * this member has with its name before theirs, `a.b`, `list[].b`; of an array, in its first element.
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

/** The structure without a name of any kind that a member is, or of which it is an array. */
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

/** The type without qualifiers; a typedef is kept, because it is a name. */
function unqualified(type: Entry | undefined): Entry | undefined {
  return type === undefined || type.tag === dw.DW_TAG_typedef ? type : stripped(type);
}

function bitsOf(bits: Member['bits'], type: Entry | undefined): number | undefined {
  if (bits !== undefined) return bits.size;
  const size = sizeOf(type);
  return size === undefined ? undefined : 8 * size;
}

/** Does code that takes a value for the one read it rightly as the other? Names of typedefs and of base types do not count. */
function sameType(before: Entry | undefined, after: Entry | undefined, depth: number): boolean {
  const a = stripped(before);
  const b = stripped(after);
  if (a === undefined || b === undefined || depth > TYPE_DEPTH_MAX) return a === b || depth > TYPE_DEPTH_MAX;
  if (a.tag !== b.tag) return false;
  // What a pointer to void, or to characters, is used for is not known.
  if (isPointer(a)) return samePointee(stripped(a.reference(dw.DW_AT_type)), stripped(b.reference(dw.DW_AT_type)));
  if (a.tag === dw.DW_TAG_base_type) {
    return a.number(dw.DW_AT_byte_size) === b.number(dw.DW_AT_byte_size) && sameEncoding(a, b);
  }
  if (a.tag === dw.DW_TAG_array_type) {
    const sameCounts = dimensionsOf(a).join() === dimensionsOf(b).join();
    return sameCounts && sameType(a.reference(dw.DW_AT_type), b.reference(dw.DW_AT_type), depth + 1);
  }
  const [was, is] = [a.text(dw.DW_AT_name), b.text(dw.DW_AT_name)];
  // Structures without a name are compared by their members, as a part of the outer one.
  return was === is;
}

const sameEncoding = (a: Entry, b: Entry): boolean => a.number(dw.DW_AT_encoding) === b.number(dw.DW_AT_encoding);

/** Structures of two names are two types; all else that is pointed at may be read in more than one way. */
function samePointee(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined || aggregateKind(a) === undefined || aggregateKind(b) === undefined)
    return true;
  return a.tag === b.tag && a.text(dw.DW_AT_name) === b.text(dw.DW_AT_name);
}
