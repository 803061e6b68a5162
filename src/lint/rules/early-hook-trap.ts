import type { PayloadPointer } from '../../payload/index.ts';
import type { HookKind } from '../../xen/index.ts';
import type { NewFunction } from '../context.ts';
import { pointerWords } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Hooks that run while the payload is not, or no longer, registered in releases that register it with apply. a57b4074ab, d2daa40fb3. */
const UNREGISTERED: readonly HookKind[] = ['preapply', 'apply', 'load', 'postrevert'];

const within = (pointer: PayloadPointer, { section, offset, size }: NewFunction): boolean =>
  pointer.kind === 'section' &&
  pointer.section === section &&
  pointer.offset >= offset &&
  pointer.offset < offset + size;

/** A WARN, BUG or exception table entry in a hook that runs before Xen knows the payload's tables: the trap is fatal. */
export const earlyHookTrap: LintRule = {
  id: 'early-hook-trap',
  title: 'a hook may trap while Xen does not know the tables of the payload yet',
  severity: 'warning',
  *check(context) {
    const { content, release, newFunctions } = context;
    if (release.regionRegistered !== 'apply') return;
    const sites = [
      ...content.bugFrames.flatMap(({ section, entries }) => entries.map(({ loc }) => ({ section, at: loc }))),
      ...(content.exTable?.entries ?? []).map(({ addr }) => ({ section: content.exTable?.section, at: addr })),
    ];
    if (sites.length === 0) return;
    for (const { kind, section, entrySize, entries } of content.hooks) {
      if (!UNREGISTERED.includes(kind)) continue;
      for (const [i, pointer] of entries.entries()) {
        const func = newFunctions.find((each) => pointer.kind === 'section' && within(pointer, each));
        const site = func && sites.find(({ at }) => within(at, func));
        if (func === undefined || site === undefined) continue;
        const message = `the ${kind} hook ${func.symbol} has an entry in ${site.section?.name} (for ${pointerWords(context, site.at)}): ${release.version} registers a payload's tables only when it is applied, so that this trap panics the host`;
        yield { message, where: { section: section.name, offset: i * entrySize, symbol: func.symbol } };
      }
    }
  },
};
