import { ELF_ALTINSTR_REPLACEMENT } from '../../xen/index.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { lastUpTo } from '../search.ts';

/**
 * A PC-relative reference out of a replacement. Xen copies the bytes to the original unchanged, so the reference is off by the distance
 * between the two. Sources: alternative.c of arch/x86 and arch/arm.
 */
export const alternativeRelative: LintRule = {
  id: 'alternative-relative',
  *check(context) {
    const { content, release } = context;
    const { alternatives } = context.arch;
    const section = content.elf.section(ELF_ALTINSTR_REPLACEMENT);
    if (section === undefined) return;
    const code = section.data();
    const pieces = (content.alternatives?.entries ?? [])
      .flatMap(({ repl, replLen }) =>
        repl.kind === 'section' && repl.section === section.index && replLen > 0
          ? [{ start: repl.offset, length: replLen }]
          : [],
      )
      .sort((a, b) => a.start - b.start);
    for (const { offset, row, name, target } of context.relocationsOf(section)) {
      if (row?.relative !== 'place') continue;
      if (target.kind === 'section' && target.section === section.index) continue;
      const piece = lastUpTo(pieces, offset, ({ start }) => start);
      if (piece === undefined || offset + row.width > piece.start + piece.length) continue;
      const bytes = code.subarray(piece.start, piece.start + piece.length);
      const reference = { code: bytes, at: offset - piece.start, width: row.width, symbol: name };
      if (alternatives.retargets(reference, release.alternatives)) continue;
      const message = `the replacement at ${ELF_ALTINSTR_REPLACEMENT}+0x${piece.start.toString(16)} has a PC-relative reference to ${name} at byte ${offset - piece.start}: Xen copies it unchanged, so it refers to the wrong address. Xen retargets ${alternatives.retargeted}`;
      yield { message, where: sectionPlace(context, section.index, offset, name) };
    }
  },
};
