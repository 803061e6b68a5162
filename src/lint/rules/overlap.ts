import { addOffset, hexAddress } from '../../base/index.ts';
import { oldFunctionsOf } from '../context.ts';
import { patchedRanges, rangeAt, sortedRanges } from '../patched-bytes.ts';
import { companions } from '../payload-set.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Two entries that overwrite the same bytes. Xen reverts entries in the order in which it applied them, so the second one's saved bytes, which are
 * the first one's trampoline, stay behind; after unload they lead into freed memory. Source: common/livepatch.c, revert_payload.
 */
export const overlap: LintRule = {
  id: 'overlap',
  *check(context) {
    const own = patchedRanges(context);
    for (const [i, { func, start }] of own.entries()) {
      const before = own[i - 1];
      if (before === undefined || before.end <= start) continue;
      const message = `entries ${before.func.entry.index} (${before.func.name}) and ${func.entry.index} (${func.name}) overwrite the same bytes at ${hexAddress(start)}: after a revert the first one's jump is still there, and after unload it leads into freed memory. Keep one of them`;
      yield { message, where: entryPlace(func) };
    }
    for (const other of companions(context)) {
      for (const theirs of sortedRanges(oldFunctionsOf(other.content, context))) {
        // One that starts behind theirs, and one that goes on into theirs. The same place is stacking: the later one goes first.
        const behind = rangeAt(own, addOffset(theirs.end, -1));
        const ahead = rangeAt(own, theirs.start);
        const cut = [behind, ahead].find((range) => range !== undefined && range.start !== theirs.start);
        if (cut === undefined) continue;
        const message = `${cut.func.name} is patched in the middle of what ${other.file} overwrites for ${theirs.func.name} at ${hexAddress(theirs.start)}: with both applied neither jump is whole`;
        yield { message, where: entryPlace(cut.func) };
      }
    }
  },
};
