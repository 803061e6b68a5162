import { addOffset, type Found, hexAddress } from '../../base/index.ts';
import type { LintContext } from '../context.ts';
import { branchesIntoPatches, patchedRanges, rangeAt } from '../patched-bytes.ts';
import { entryPlace, sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * A branch into the middle of the trampoline or of the NOPs: from another function, from the payload, or from the rest of a function whose
 * start became NOPs. The CPU executes the tail of an instruction.
 */
export const branchIntoPatch: LintRule = {
  id: 'branch-into-patch',
  *check(context) {
    for (const { func, from, to, name, inside } of branchesIntoPatches(context)) {
      // After the trampoline, the rest of the old function is dead: see branch-inside-function.
      if (inside && func.entry.newAddr.kind !== 'null') continue;
      const offset = Number(to - func.address);
      const message = `${name} jumps from ${hexAddress(from)} to byte ${offset} of ${func.name}, inside the ${what(func)}. Patch the functions that jump there instead`;
      yield { message, where: entryPlace(func) };
    }
    yield* fromPayload(context);
  },
};

const what = ({ entry }: { readonly entry: { readonly newAddr: { readonly kind: string } } }): string =>
  entry.newAddr.kind === 'null' ? 'NOPs' : 'trampoline';

/** Finds relocations of the payload's code that refer to such a place. */
function* fromPayload(context: LintContext): Generator<Found> {
  const ranges = patchedRanges(context);
  if (ranges.length === 0) return;
  for (const section of context.codeSections) {
    for (const { offset, row, target, name } of context.relocationsOf(section)) {
      if (row?.relative !== 'place' || target.kind !== 'undefined' || target.addend === -BigInt(row.pcOffset)) continue;
      const address = context.addressOf(target);
      if (address === undefined) continue;
      const to = addOffset(address, row.pcOffset);
      const hit = rangeAt(ranges, to);
      // A jump to the start takes the trampoline.
      if (hit === undefined || to === hit.start) continue;
      const byte = Number(to - hit.func.address);
      const message = `the payload's own code refers to byte ${byte} of ${hit.func.name}, inside the ${what(hit.func)}`;
      yield { message, where: sectionPlace(context, section.index, offset, name) };
    }
  }
}
