import { SHF_EXECINSTR } from '../../elf/index.ts';
import type { PayloadPointer } from '../../payload/index.ts';
import type { LintContext } from '../context.ts';
import { pointerWords } from '../places.ts';
import type { LintRule } from '../rule.ts';

const isOwnCode = ({ content }: LintContext, pointer: PayloadPointer): boolean =>
  pointer.kind === 'section' && ((content.elf.sections[pointer.section]?.flags ?? 0) & SHF_EXECINSTR) !== 0;

/** Entries for code that is not the payload's: only the table of the region in which a trap happens is searched. Source: virtual_region.c. */
export const trapTableOutside: LintRule = {
  id: 'trap-table-outside',
  *check(context) {
    const { content } = context;
    for (const { offset, addr, cont } of content.exTable?.entries ?? []) {
      const where = { section: content.exTable?.section.name ?? '', offset };
      if (!isOwnCode(context, addr)) {
        const message = `the entry is about ${pointerWords(context, addr)}, which is not the payload's code: Xen never looks for it here, and a fault there stays fatal`;
        yield { message, where };
      } else if (cont.kind !== 'undefined' && !isOwnCode(context, cont)) {
        yield { message: `after a fault code goes on at ${pointerWords(context, cont)}, which is no code`, where };
      }
    }
    for (const { section, entries } of content.bugFrames) {
      for (const { offset, loc } of entries) {
        if (isOwnCode(context, loc)) continue;
        const message = `the frame is about ${pointerWords(context, loc)}, which is not the payload's code: Xen never looks for it here`;
        yield { message, where: { section: section.name, offset } };
      }
    }
  },
};
