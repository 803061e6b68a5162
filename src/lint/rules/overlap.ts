import { hexAddress } from '../../base/index.ts';
import { type OldFunction, oldFunctionsOf } from '../context.ts';
import { patchRange } from '../patched-bytes.ts';
import { companions } from '../payload-set.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

const byAddress = (a: OldFunction, b: OldFunction): number =>
  a.address < b.address ? -1 : a.address > b.address ? 1 : a.entry.index - b.entry.index;

/**
 * Two entries that overwrite the same bytes. Xen reverts entries in the order in which it applied them, so the second one's saved bytes, which are
 * the first one's trampoline, stay behind; after unload they lead into freed memory. Source: common/livepatch.c, revert_payload.
 */
export const overlap: LintRule = {
  id: 'overlap',
  title: 'two functions are patched at overlapping bytes: a revert leaves a trampoline behind',
  severity: 'error',
  *check(context) {
    const own = [...context.oldFunctions].filter(({ patchLength }) => patchLength > 0).sort(byAddress);
    for (const [i, func] of own.entries()) {
      const before = own[i - 1];
      if (before === undefined || patchRange(before).end <= patchRange(func).start) continue;
      const message = `entries ${before.entry.index} (${before.name}) and ${func.entry.index} (${func.name}) overwrite the same bytes at ${hexAddress(patchRange(func).start)}: after a revert the first one's jump is still there, and after unload it leads into freed memory. Keep one of them`;
      yield { message, where: entryPlace(func) };
    }
    for (const other of companions(context)) {
      for (const theirs of oldFunctionsOf(other.content, context)) {
        const range = patchRange(theirs);
        const cut = own.find((func) => {
          const mine = patchRange(func);
          // The same place is stacking: the later one's saved bytes are the earlier one's jump, and it goes first.
          return mine.start !== range.start && mine.start < range.end && mine.end > range.start;
        });
        if (cut === undefined) continue;
        const message = `${cut.name} is patched in the middle of what ${other.file} overwrites for ${theirs.name} at ${hexAddress(range.start)}: with both applied neither jump is whole`;
        yield { message, where: entryPlace(cut) };
      }
    }
  },
};
