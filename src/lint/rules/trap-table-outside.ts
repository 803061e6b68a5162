import { SHF_EXECINSTR } from '../../elf/index.ts';
import type { PayloadPointer } from '../../payload/index.ts';
import type { LintContext } from '../context.ts';
import { targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

const isOwnCode = ({ content }: LintContext, pointer: PayloadPointer): boolean =>
  pointer.kind === 'section' && ((content.elf.sections[pointer.section]?.flags ?? 0) & SHF_EXECINSTR) !== 0;

/** Entries for code outside the payload: Xen searches only the table of the region that trapped. Source: virtual_region.c. */
export const trapTableOutside: LintRule = {
  id: 'trap-table-outside',
  *check(context) {
    const { content } = context;
    for (const { offset, addr, cont } of content.exTable?.entries ?? []) {
      const where = { section: content.exTable?.section.name ?? '', offset };
      if (!isOwnCode(context, addr)) {
        const message = `the entry is for ${targetText(context, addr)}, which is not the payload's code: Xen does not search this table for it, so a fault there stays fatal`;
        yield { message, where };
      } else if (cont.kind !== 'undefined' && !isOwnCode(context, cont)) {
        yield { message: `the fix-up is ${targetText(context, cont)}, which is not code`, where };
      }
    }
    for (const { section, entries } of content.bugFrames) {
      for (const { offset, loc } of entries) {
        if (isOwnCode(context, loc)) continue;
        const message = `the frame is for ${targetText(context, loc)}, which is not the payload's code: Xen does not search this section for it`;
        yield { message, where: { section: section.name, offset } };
      }
    }
  },
};
