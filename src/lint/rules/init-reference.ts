import { hexAddress } from '../../base/index.ts';
import type { PayloadPointer } from '../../payload/index.ts';
import { ALT_CALL_LEN } from '../../xen/index.ts';
import type { LintContext } from '../context.ts';
import { InitOperands } from '../init-operands.ts';
import { entryPlace, sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Something in the hypervisor's init memory, which is freed when it has booted: the loader resolves the name all the same. What the function that is
 * replaced refers to, too, the new one may refer to: on a host that has booted that code is not reached, or only the address counts. Not so the pointer of an
 * alternative call, which Xen reads when it takes the payload.
 */
export const initReference: LintRule = {
  id: 'init-reference',
  *check(context) {
    for (const func of context.oldFunctions) {
      if (context.regionOf(func.address) !== 'init') continue;
      const message = `${func.name} at ${hexAddress(func.address)} is init code: it has run, and its memory is freed. Remove the entry`;
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
        const excused = !isAlternativeCall(context, section.index, offset);
        if (excused && before.leadsTo(section.index, offset, symbol, size)) continue;
        seen.add(name);
        const message = `${name} at ${hexAddress(symbol)} is in init memory, which is freed after boot: using it there is a page fault, or another's data`;
        yield { message, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  },
};

/** Is the place in an indirect call that Xen makes direct, and whose pointer it reads for that? */
function isAlternativeCall({ content }: LintContext, section: number, offset: number): boolean {
  const within = (site: PayloadPointer, length: number): boolean =>
    site.kind === 'section' && site.section === section && offset >= site.offset && offset < site.offset + length;
  const { alternatives, altCalls } = content;
  const before = alternatives?.entries.some(({ altCall, orig, origLen }) => altCall && within(orig, origLen)) ?? false;
  return before || (altCalls?.entries.some(({ site }) => within(site, ALT_CALL_LEN)) ?? false);
}
