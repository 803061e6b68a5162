import { hexAddress } from '../../base/index.ts';
import { branchesIntoPatches } from '../patched-bytes.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** A loop of the old function that goes back into what the trampoline overwrites: harmless unless a CPU is in there while it is patched. */
export const branchInsideFunction: LintRule = {
  id: 'branch-inside-function',
  *check(context) {
    for (const { func, from, to, inside } of branchesIntoPatches(context)) {
      if (!inside || func.entry.newAddr.kind === 'null') continue;
      const message = `${func.name} jumps back from ${hexAddress(from)} to its byte ${Number(to - func.address)}, inside of the trampoline: nothing may still be running in it when it is patched`;
      yield { message, where: entryPlace(func) };
    }
  },
};
