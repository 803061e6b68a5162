import { hexAddress } from '../../base/index.ts';
import type { PayloadPointer } from '../../payload/index.ts';
import { ALT_CALL_LEN } from '../../xen/index.ts';
import type { LintContext } from '../context.ts';
import { InitOperands } from '../init-operands.ts';
import { entryPlace, sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * A reference to the hypervisor's init memory, which Xen frees after boot; the loader resolves it anyway. The new function may refer to what
 * the old one refers to: on a booted host, that code is unreachable or uses only the address. The pointer of an alternative call is different:
 * Xen reads it when it loads the payload.
 */
export const initReference: LintRule = {
  id: 'init-reference',
  *check(context) {
    for (const func of context.oldFunctions) {
      if (context.regionOf(func.address) !== 'init') continue;
      const message = `${func.name} at ${hexAddress(func.address)} is init code, which Xen frees after boot. Remove the entry`;
      yield { message, where: entryPlace(func) };
    }
    const seen = new Set<string>();
    const before = new InitOperands(context);
    const funcs = context.content.functions?.section.index;
    for (const section of context.loadedSections) {
      if (section.index === funcs) continue;
      for (const { offset, target, name } of context.relocationsOf(section)) {
        const symbol = target.kind === 'undefined' ? context.resolve(target.symbol) : context.addressOf(target);
        if (symbol === undefined || seen.has(name) || context.regionOf(symbol) !== 'init') continue;
        const size = context.symbols.at(symbol)?.size ?? 1;
        const mayRefer = !isAlternativeCall(context, section.index, offset);
        if (mayRefer && before.refersTo(section.index, offset, symbol, size)) continue;
        seen.add(name);
        const message = `${name} at ${hexAddress(symbol)} is in init memory, which Xen frees after boot: an access page-faults, or hits other data`;
        yield { message, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  },
};

/** Tells whether the place is in an alternative call. */
function isAlternativeCall({ content }: LintContext, section: number, offset: number): boolean {
  const within = (site: PayloadPointer, length: number): boolean =>
    site.kind === 'section' && site.section === section && offset >= site.offset && offset < site.offset + length;
  const { alternatives, altCalls } = content;
  const before = alternatives?.entries.some(({ altCall, orig, origLen }) => altCall && within(orig, origLen)) ?? false;
  return before || (altCalls?.entries.some(({ site }) => within(site, ALT_CALL_LEN)) ?? false);
}
