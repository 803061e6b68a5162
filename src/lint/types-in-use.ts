import { type Entry, typeOf, typesUsedBy, type Unit, variablesOf } from '../dwarf/index.ts';
import type { LintContext, NewFunction } from './context.ts';

/** Cache of the variables of units. */
const variables = new WeakMap<Unit, Map<string, Entry[]>>();

/**
 * Returns the types that a function of the payload uses: those of its own variables and calls, and of the global variables that its code
 * refers to. `entry` is the function in the debug data.
 */
export function* typesInUse(context: LintContext, fn: NewFunction, entry: Entry): Generator<Entry, void, void> {
  yield* typesUsedBy(entry);
  let known = variables.get(entry.unit);
  if (known === undefined) {
    known = variablesOf(entry.unit);
    variables.set(entry.unit, known);
  }
  for (const name of referredTo(context, fn)) {
    for (const variable of known.get(name) ?? []) {
      for (const origin of variable.origins()) {
        const type = typeOf(origin);
        if (type !== undefined) yield type;
      }
    }
  }
}

/** Returns the symbols of a function's relocations, and the symbols at their targets. */
function referredTo(context: LintContext, { section: index, offset, size }: NewFunction): Set<string> {
  const names = new Set<string>();
  const section = context.content.elf.sections[index];
  if (section === undefined) return names;
  for (const relocation of context.relocationsOf(section)) {
    if (relocation.offset < offset || relocation.offset >= offset + size) continue;
    names.add(relocation.name);
    // For a static variable, the symbol is its section's, which compilers name after the variable: `.bss.domain_list`.
    if (relocation.name.startsWith('.')) for (const part of relocation.name.split('.')) names.add(part);
    const { target } = relocation;
    if (target.kind === 'section' && target.symbol !== undefined) names.add(target.symbol);
  }
  return names;
}
