import type { Finding } from '../base/index.ts';
import { CATALOGUE } from '../catalogue/index.ts';
import {
  bitCountText,
  bitPlaceText,
  type DwarfFile,
  declarationOf,
  definitionsOf,
  differencesInWords,
  type Entry,
  functionAt,
  type LayoutDifference,
  layoutChanges,
  type NamedType,
  namedTypeText,
  reachableTypes,
  typeOf,
  typesUsedBy,
  variablesOf,
} from '../dwarf/index.ts';
import { about } from './about.ts';
import type { Comparator } from './compare.ts';
import type { DebugData } from './debug-data.ts';
import { nameOf, unnumbered } from './piece.ts';
import { codeOf, type Unit } from './unit.ts';

/**
 * Structures that functions which go into the payload can reach, and that the patch lays out otherwise: the running host has objects of the old form, which
 * the new code would read by the new one. Compared by where members are: a structure may grow into its own padding and keep its size.
 *
 * @param settled tags of structures that the user answers for, or that have been told of already: those that are told of here are added.
 */
export function changedLayouts(
  comparator: Comparator,
  units: readonly Unit[],
  { orig, patched }: DebugData,
  object: string,
  settled: Set<string>,
): Finding[] {
  if (orig === undefined || patched === undefined) return [];
  const refusals: Finding[] = [];
  for (const unit of units) {
    const address = patched.places.addressOf(unit.piece.section.index, unit.piece.start);
    const entry = address === undefined ? undefined : functionAt(patched, address)?.entry;
    if (entry === undefined) continue;
    for (const type of reachableTypes(patched, rootsOf(comparator, unit, entry))) {
      if (settled.has(type.name)) continue;
      const name = namedTypeText(type);
      const differences = harmful(orig, type);
      if (differences.length === 0) continue;
      const declared = declarationOf(patched, type.entry);
      const where = declared === undefined ? '' : ` (${declared.file}:${declared.line})`;
      settled.add(type.name);
      const message = `the patch changes the layout of ${name}${where}: ${differencesInWords(differences, words)}. The host has objects with the old layout, which ${unit.name} can reach`;
      const { advice } = CATALOGUE['layout-changed'];
      const allow = `If the new code never meets an object with the old layout, use --allow-layout ${type.name}`;
      refusals.push(about('layout-changed', object, type.name, message, `${advice} ${allow}`));
    }
  }
  return refusals;
}

/** Types of the function's own variables and calls, and of the variables outside that it refers to. */
function* rootsOf(comparator: Comparator, unit: Unit, entry: Entry): Generator<Entry, void, void> {
  yield* typesUsedBy(entry);
  const known = variablesOf(entry.unit);
  for (const piece of codeOf(unit)) {
    for (const { target } of comparator.patched.references(piece)) {
      const name = target.kind === 'external' ? target.name : target.kind === 'piece' ? nameOf(target.piece) : '';
      for (const variable of known.get(unnumbered(name)) ?? []) {
        for (const origin of variable.origins()) {
          const type = typeOf(origin);
          if (type !== undefined) yield type;
        }
      }
    }
  }
}

/** How the original's type of that name differs in layout; nothing where it has none, or one that agrees. */
function harmful(orig: DwarfFile, { kind, name, entry }: NamedType): LayoutDifference[] {
  let told: LayoutDifference[] | undefined;
  for (const definition of definitionsOf(orig, kind, name)) {
    const harm = layoutChanges(definition, entry);
    if (harm.length === 0) return [];
    told ??= harm;
  }
  return told ?? [];
}

function words(difference: LayoutDifference): string {
  switch (difference.kind) {
    case 'size':
      return `size ${difference.before ?? 'unknown'} → ${difference.after ?? 'unknown'} bytes`;
    case 'moved':
      return `${difference.member} moved from ${bitPlaceText(difference.before)} to ${bitPlaceText(difference.after)}`;
    case 'resized':
      return `${difference.member} has ${bitCountText(difference.after)} instead of ${bitCountText(difference.before)}`;
    case 'added':
      return `new member ${difference.member} at ${bitPlaceText(difference.at)}`;
    case 'removed':
      return `member ${difference.member} removed from ${bitPlaceText(difference.at)}`;
    case 'value':
      return `${difference.member} is ${difference.after} instead of ${difference.before}`;
    case 'category':
    case 'retyped':
      return `it is ${difference.after} instead of ${difference.before}`;
  }
}
