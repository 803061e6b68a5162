import type { PayloadPointer } from '../../payload/index.ts';
import type { HookKind } from '../../xen/index.ts';
import type { NewFunction } from '../context.ts';
import { targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Hooks that run before the payload is registered, or after, in releases that register it during apply. a57b4074ab, d2daa40fb3. */
const UNREGISTERED: readonly HookKind[] = ['preapply', 'apply', 'load', 'postrevert'];

/** A WARN, BUG or exception table entry in a hook that runs while the payload's tables are not registered: the trap is fatal. */
export const earlyHookTrap: LintRule = {
  id: 'early-hook-trap',
  *check(context) {
    const { content, release } = context;
    if (release.regionRegistered !== 'apply') return;
    /** The first table entry of each function. */
    const sites = new Map<NewFunction, { readonly table: string; readonly at: PayloadPointer }>();
    const note = (table: string, at: PayloadPointer): void => {
      const func = at.kind === 'section' ? context.functionAt(at.section, at.offset) : undefined;
      if (func !== undefined && !sites.has(func)) sites.set(func, { table, at });
    };
    for (const { section, entries } of content.bugFrames) for (const { loc } of entries) note(section.name, loc);
    for (const { addr } of content.exTable?.entries ?? []) note(content.exTable?.section.name ?? '', addr);
    if (sites.size === 0) return;
    for (const { kind, section, entrySize, entries } of content.hooks) {
      if (!UNREGISTERED.includes(kind)) continue;
      for (const [i, pointer] of entries.entries()) {
        const func = pointer.kind === 'section' ? context.functionAt(pointer.section, pointer.offset) : undefined;
        const site = func && sites.get(func);
        if (func === undefined || site === undefined) continue;
        const message = `the ${kind} hook ${func.symbol} has an entry in ${site.table} (for ${targetText(context, site.at)}): ${release.version} registers a payload's tables only during apply, so this trap panics the host`;
        yield { message, where: { section: section.name, offset: i * entrySize, symbol: func.symbol } };
      }
    }
  },
};
