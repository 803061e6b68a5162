import { addOffset, hexAddress } from '../../base/index.ts';
import { oldFunctionsOf } from '../context.ts';
import { patchedRanges, rangeAt, sortedRanges } from '../patched-bytes.ts';
import { companions } from '../payload-set.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Two entries that overwrite the same bytes. Xen reverts entries in the order in which it applied them, so it finally restores the first one's
 * trampoline, which the second one saved; after unload, that jumps into freed memory. Source: common/livepatch.c, revert_payload.
 */
export const overlap: LintRule = {
  id: 'overlap',
  *check(context) {
    const own = patchedRanges(context);
    for (const [i, { func, start }] of own.entries()) {
      const before = own[i - 1];
      if (before === undefined || before.end <= start) continue;
      const message = `entries ${before.func.entry.index} (${before.func.name}) and ${func.entry.index} (${func.name}) overwrite the same bytes at ${hexAddress(start)}: revert leaves the jump of the first one, which goes to freed memory after unload. Keep one of them`;
      yield { message, where: entryPlace(func) };
    }
    for (const other of companions(context)) {
      for (const theirs of sortedRanges(oldFunctionsOf(other.content, context))) {
        // One range starts inside theirs, or theirs starts inside one. The same start is stacking, which works: the later one reverts first.
        const behind = rangeAt(own, addOffset(theirs.end, -1));
        const ahead = rangeAt(own, theirs.start);
        const cut = [behind, ahead].find((range) => range !== undefined && range.start !== theirs.start);
        if (cut === undefined) continue;
        const message = `the patched bytes of ${cut.func.name} overlap those of ${theirs.func.name} in ${other.file} at ${hexAddress(theirs.start)}: with both applied, one jump damages the other`;
        yield { message, where: entryPlace(cut.func) };
      }
    }
  },
};
