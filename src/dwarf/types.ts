import * as dw from './constants.ts';
import { Cursor } from './cursor.ts';
import { namedKind } from './name-index.ts';
import type { Entry } from './unit.ts';

/** Maximum nesting of types: no program has more, and a damaged file may have a cycle. */
export const TYPE_DEPTH_MAX = 64;

/** Maximum number of members or enumerators to read per type. */
const MEMBERS_MAX = 65_536;

/** A member of a structure or union. */
export interface Member {
  /** `undefined` for an anonymous structure or union, whose members belong to the outer one. */
  readonly name: string | undefined;
  /** In bytes from the start of the structure; for a bit-field, the offset of the storage unit of its first bit. */
  readonly offset: number;
  /** For a bit-field: its first bit from the start of the structure, and its size. */
  readonly bits: { readonly offset: number; readonly size: number } | undefined;
  /** `undefined` if unknown. */
  readonly type: Entry | undefined;
}

export type AggregateKind = 'struct' | 'union' | 'class';

const AGGREGATES = new Map<number, AggregateKind>([
  [dw.DW_TAG_structure_type, 'struct'],
  [dw.DW_TAG_union_type, 'union'],
  [dw.DW_TAG_class_type, 'class'],
]);

/** Returns the kind of a structure, union or class; `undefined` for any other entry. */
export const aggregateKind = (entry: Entry): AggregateKind | undefined => AGGREGATES.get(entry.tag);

/** Types that add a name or qualifier to another one. */
const TRANSPARENT: ReadonlySet<number> = new Set([
  dw.DW_TAG_typedef,
  dw.DW_TAG_const_type,
  dw.DW_TAG_volatile_type,
  dw.DW_TAG_restrict_type,
  dw.DW_TAG_atomic_type,
]);

/** Pointer and reference types. */
const POINTERS: ReadonlySet<number> = new Set([
  dw.DW_TAG_pointer_type,
  dw.DW_TAG_reference_type,
  dw.DW_TAG_rvalue_reference_type,
]);

/** Tells whether a type is a pointer or a reference. */
export const isPointer = (entry: Entry): boolean => POINTERS.has(entry.tag);

/** Tells whether an entry only declares a type. */
export const isDeclaration = (entry: Entry): boolean => entry.flag(dw.DW_AT_declaration);

/** Returns the type without typedefs and qualifiers; `undefined` for void. */
export function stripped(type: Entry | undefined): Entry | undefined {
  let entry = type;
  for (let i = 0; entry !== undefined && TRANSPARENT.has(entry.tag) && i < TYPE_DEPTH_MAX; i++) {
    entry = entry.reference(dw.DW_AT_type);
  }
  return entry;
}

/** Returns the type behind a pointer, array, typedef, qualifier, member or variable. */
export const typeOf = (entry: Entry): Entry | undefined => entry.reference(dw.DW_AT_type);

/** Returns `sizeof` in bytes; `undefined` for void, functions, incomplete types, and arrays without bounds. */
export function sizeOf(type: Entry | undefined, depth = 0): number | undefined {
  const entry = stripped(type);
  if (entry === undefined || depth > TYPE_DEPTH_MAX) return undefined;
  const size = entry.number(dw.DW_AT_byte_size);
  if (size !== undefined) return size;
  if (isPointer(entry)) return entry.unit.addressSize;
  if (entry.tag === dw.DW_TAG_enumeration_type) return sizeOf(typeOf(entry), depth + 1);
  if (entry.tag !== dw.DW_TAG_array_type) return undefined;
  const element = sizeOf(typeOf(entry), depth + 1);
  let count = 1;
  for (const dimension of dimensionsOf(entry)) {
    if (dimension === undefined) return undefined;
    count *= dimension;
  }
  return element === undefined ? undefined : element * count;
}

/** Returns the number of elements of an array in each dimension; `undefined` without a bound: `int a[]`. */
export function dimensionsOf(array: Entry): (number | undefined)[] {
  const dimensions: (number | undefined)[] = [];
  for (const range of array.children()) {
    if (range.tag !== dw.DW_TAG_subrange_type || dimensions.length >= TYPE_DEPTH_MAX) continue;
    const upper = range.number(dw.DW_AT_upper_bound);
    dimensions.push(range.number(dw.DW_AT_count) ?? (upper === undefined ? undefined : upper + 1));
  }
  return dimensions;
}

/** Returns the members of a structure, union or class in declaration order. */
export function membersOf(aggregate: Entry): Member[] {
  const members: Member[] = [];
  for (const entry of aggregate.children()) {
    if (entry.tag !== dw.DW_TAG_member || members.length >= MEMBERS_MAX) continue;
    const type = typeOf(entry);
    const name = entry.text(dw.DW_AT_name);
    const at = memberOffset(entry) ?? 0;
    const size = entry.number(dw.DW_AT_bit_size);
    if (size === undefined) {
      members.push({ name, offset: at, bits: undefined, type });
      continue;
    }
    const first = firstBit(entry, at, size, type);
    const unit = Math.max(1, sizeOf(type) ?? 1);
    members.push({ name, offset: unit * Math.floor(first / (8 * unit)), bits: { offset: first, size }, type });
  }
  return members;
}

/** Reads DW_AT_data_member_location: a number, or the only expression that compilers emit. */
function memberOffset(member: Entry): number | undefined {
  const value = member.attribute(dw.DW_AT_data_member_location);
  if (value?.kind === 'number') return Number(value.value);
  if (value?.kind !== 'block') return undefined;
  const cursor = new Cursor(value.value);
  return cursor.u8() === dw.DW_OP_plus_uconst ? cursor.uleb() : undefined;
}

/**
 * Returns the first bit of a bit-field from the start of the structure. Reads it directly (DWARF 4 and 5, 5.7.6) or, as gcc still encodes it
 * in version 4, from the most significant bit of a storage unit (DWARF 3, 5.5.6); little-endian.
 */
function firstBit(member: Entry, at: number, size: number, type: Entry | undefined): number {
  const offset = member.number(dw.DW_AT_data_bit_offset);
  if (offset !== undefined) return offset + 8 * at;
  const old = member.number(dw.DW_AT_bit_offset);
  if (old === undefined) return 8 * at;
  const storage = member.number(dw.DW_AT_byte_size) ?? sizeOf(type) ?? 0;
  return 8 * at + 8 * storage - old - size;
}

/** A constant of an enumeration. */
export interface Enumerator {
  readonly name: string;
  readonly value: number;
}

/** Returns the constants of an enumeration in declaration order; values outside ±2^53 are inexact. */
export function enumeratorsOf(enumeration: Entry): Enumerator[] {
  const found: Enumerator[] = [];
  for (const entry of enumeration.children()) {
    const name = entry.tag === dw.DW_TAG_enumerator ? entry.text(dw.DW_AT_name) : undefined;
    const value = entry.number(dw.DW_AT_const_value);
    if (name !== undefined && value !== undefined && found.length < MEMBERS_MAX) found.push({ name, value });
  }
  return found;
}

const QUALIFIERS = new Map<number, string>([
  [dw.DW_TAG_const_type, 'const'],
  [dw.DW_TAG_volatile_type, 'volatile'],
  [dw.DW_TAG_restrict_type, 'restrict'],
  [dw.DW_TAG_atomic_type, '_Atomic'],
]);

/** Formats a type as in C, without a declarator: `struct domain *`, `char[16]`, `int (*)()`. */
export function typeName(type: Entry | undefined, depth = 0): string {
  if (type === undefined) return 'void';
  if (depth > TYPE_DEPTH_MAX) return '…';
  const inner = (): string => typeName(typeOf(type), depth + 1);
  const kind = namedKind(type.tag);
  const name = type.text(dw.DW_AT_name);
  if (kind !== undefined && kind !== 'function') {
    if (kind === 'typedef' || kind === 'base') return name ?? 'a type without a name';
    return `${kind} ${name ?? '{…}'}`;
  }
  const qualifier = QUALIFIERS.get(type.tag);
  if (qualifier !== undefined) {
    const of = typeOf(type);
    return of !== undefined && isPointer(of) ? `${inner()} ${qualifier}` : `${qualifier} ${inner()}`;
  }
  if (isPointer(type)) {
    const target = typeOf(type);
    const sign = type.tag === dw.DW_TAG_pointer_type ? '*' : '&';
    if (target?.tag === dw.DW_TAG_subroutine_type) return `${typeName(typeOf(target), depth + 1)} (${sign})()`;
    const text = inner();
    return text.endsWith('*') ? text + sign : `${text} ${sign}`;
  }
  if (type.tag === dw.DW_TAG_array_type) {
    return (
      inner() +
      dimensionsOf(type)
        .map((count) => `[${count ?? ''}]`)
        .join('')
    );
  }
  if (type.tag === dw.DW_TAG_subroutine_type) return `${inner()} ()`;
  return name ?? 'a type without a name';
}
