import {
  bitCountText,
  bitPlaceText,
  type DwarfFile,
  declarationOf,
  definitionsOf,
  differencesInWords,
  functionAt,
  type LayoutDifference,
  layoutChanges,
  type NamedType,
  namedTypeText,
  reachableTypes,
  type Unit,
} from '../../dwarf/index.ts';
import type { LintContext, NewFunction } from '../context.ts';
import { imageDebugData, payloadDebugData } from '../debug-data.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { sourceText } from '../source-text.ts';
import { typesInUse } from '../types-in-use.ts';

/**
 * Structures that the payload's functions can reach and whose layout differs in the hypervisor: the payload was built against another tree
 * or configuration, or the patch changes a structure that the running host already uses. Needs debug data of both.
 */
export const structLayout: LintRule = {
  id: 'struct-layout',
  *check(context) {
    const payload = payloadDebugData(context);
    const image = imageDebugData(context);
    if (payload === undefined || image === undefined) return;
    const seen = new Set<string>();
    const near = oldUnits(context, image);
    for (const fn of context.newFunctions) {
      const address = payload.places.addressOf(fn.section, fn.offset);
      const entry = address === undefined ? undefined : functionAt(payload, address)?.entry;
      if (entry === undefined) continue;
      for (const type of reachableTypes(payload, typesInUse(context, fn, entry))) {
        const name = namedTypeText(type);
        if (seen.has(name)) continue;
        seen.add(name);
        const own = near.get(placeKey(fn));
        const differences = differencesFrom(image, type, own === undefined ? [...near.values()] : [own]);
        if (differences.length === 0) continue;
        const declared = sourceText(declarationOf(payload, type.entry));
        const message = `${name}${declared}, which ${fn.symbol} can reach, differs from the hypervisor's: ${differencesInWords(differences, differenceText)}. Build the payload from the hypervisor's own source and configuration, and do not change structures`;
        yield { message, where: sectionPlace(context, fn.section, fn.offset, fn.symbol) };
      }
    }
  },
};

const placeKey = ({ section, offset }: Pick<NewFunction, 'section' | 'offset'>): string => `${section}+${offset}`;

/** Returns the hypervisor's unit of each old function, by the place of the new one. */
function oldUnits({ oldFunctions }: LintContext, image: DwarfFile): Map<string, Unit> {
  const units = new Map<string, Unit>();
  for (const { entry, address } of oldFunctions) {
    const unit = image.unitAt(address);
    if (unit !== undefined && entry.newAddr.kind === 'section') units.set(placeKey(entry.newAddr), unit);
  }
  return units;
}

/**
 * Returns how the hypervisor's type of that name differs; nothing if it has none. Several units may have a type of that name: prefers those
 * of the old functions, and accepts any that agrees.
 */
function differencesFrom(image: DwarfFile, type: NamedType, near: readonly Unit[]): LayoutDifference[] {
  const definitions = definitionsOf(image, type.kind, type.name);
  const own = definitions.filter(({ unit }) => near.includes(unit));
  let first: LayoutDifference[] | undefined;
  for (const definition of own.length > 0 ? own : definitions) {
    const differences = layoutChanges(definition, type.entry);
    if (differences.length === 0) return [];
    first ??= differences;
  }
  return first ?? [];
}

const sizeText = (size: number | undefined): string => (size === undefined ? 'unknown' : `${size} bytes`);

function differenceText(difference: LayoutDifference): string {
  switch (difference.kind) {
    case 'size':
      return `its size is ${sizeText(difference.after)}, but ${sizeText(difference.before)} in the hypervisor`;
    case 'moved':
      return `${difference.member} is at ${bitPlaceText(difference.after)}, not ${bitPlaceText(difference.before)}`;
    case 'resized':
      return `${difference.member} has ${bitCountText(difference.after)}, not ${bitCountText(difference.before)}`;
    case 'added':
      return `the hypervisor has no ${difference.member} (at ${bitPlaceText(difference.at)})`;
    case 'removed':
      return `the payload has no ${difference.member}`;
    case 'value':
      return `${difference.member} is ${difference.after}, not ${difference.before}`;
    case 'category':
    case 'retyped':
      return `it is ${difference.after}, not ${difference.before}`;
  }
}
