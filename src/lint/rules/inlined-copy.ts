import type { Found } from '../../base/index.ts';
import { copiesOf, type DebugFunction, type DwarfFile, functionAt, type InlinedCopy } from '../../dwarf/index.ts';
import type { LintContext, OldFunction } from '../context.ts';
import { imageDebugData } from '../debug-data.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { sourceText } from '../source-text.ts';

/**
 * Old code of a patched function that stays in use: the compiler inlined it into functions that the payload does not replace, or cloned it
 * (`.part.0`, `.constprop.0`), or several units have a copy from a header. Needs the image's debug data.
 */
export const inlinedCopy: LintRule = {
  id: 'inlined-copy',
  *check(context) {
    const dwarf = imageDebugData(context);
    if (dwarf === undefined) return;
    const patched = new Set(context.oldFunctions.map(({ address }) => address));
    const seen = new Set<bigint>();
    for (const old of context.oldFunctions) {
      const before = functionAt(dwarf, old.address);
      // An entry in the middle of a function does not replace that function.
      if (before?.address !== old.address || seen.has(old.address)) continue;
      seen.add(old.address);
      yield* copiesLeft(context, dwarf, old, before, patched);
    }
  },
};

function* copiesLeft(
  context: LintContext,
  dwarf: DwarfFile,
  old: OldFunction,
  before: DebugFunction,
  patched: ReadonlySet<bigint>,
): Generator<Found, void, void> {
  const left = ({ address }: DebugFunction): boolean =>
    // Init code is gone after boot.
    address !== undefined && !patched.has(address) && context.regionOf(address) === 'text';
  const where = entryPlace(old);
  const { inlined, outOfLine } = copiesOf(dwarf, before);
  const callers = new Map<bigint, InlinedCopy[]>();
  for (const copy of inlined) {
    const at = copy.inside.address;
    if (at === undefined || copy.ranges.length === 0 || !left(copy.inside)) continue;
    callers.set(at, [...(callers.get(at) ?? []), copy]);
  }
  for (const [address, copies] of callers) {
    const [first] = copies as [InlinedCopy];
    const calls = copies.length === 1 ? '' : `, in ${copies.length} places`;
    const caller = symbolName(context, address, first.inside.name);
    const message = `${before.name} is inlined in ${caller}${sourceText(first.call)}${calls}, which the payload does not replace: the old code stays in use there. Replace ${caller}, too`;
    yield { message, where };
  }
  for (const copy of outOfLine) {
    if (copy.address === undefined || copy.address === old.address || !left(copy)) continue;
    const symbol = symbolName(context, copy.address, copy.name);
    const message = `the compiler made another copy of ${before.name}, ${symbol} at 0x${copy.address.toString(16)}, which the payload does not replace: the old code stays in use there. Replace it, too`;
    yield { message, where };
  }
}

/** Returns the hypervisor's name of the function at an address. */
function symbolName({ symbols }: LintContext, address: bigint, otherwise: string): string {
  const at = symbols.at(address);
  return at === undefined || at.at !== 0 ? otherwise : at.name;
}
