import { hexAddress } from '../../base/index.ts';
import { branchesIntoPatches } from '../patched-bytes.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** A loop of the old function that branches back into the trampoline: harmless unless a CPU is in the function while Xen patches it. */
export const branchInsideFunction: LintRule = {
  id: 'branch-inside-function',
  *check(context) {
    for (const { func, from, to, inside } of branchesIntoPatches(context)) {
      if (!inside || func.entry.newAddr.kind === 'null') continue;
      const message = `${func.name} jumps back from ${hexAddress(from)} to its byte ${Number(to - func.address)}, inside the trampoline: no CPU may be in the function when Xen patches it`;
      yield { message, where: entryPlace(func) };
    }
  },
};
