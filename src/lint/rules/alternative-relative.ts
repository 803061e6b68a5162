import { bytesAt } from '../../payload/index.ts';
import { ELF_ALTINSTR_REPLACEMENT } from '../../xen/index.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { lastUpTo } from '../search.ts';

/** Opcodes of `call` and `jmp` with a 32-bit displacement, the only ones that _apply_alternatives re-aims, and only at the start. */
const REAIMED = new Set([0xe8, 0xe9]);

/**
 * A relative reference inside of a replacement that leads out of it: the bytes are copied to the original's place as they are, and it
 * then leads as far beside its target as the two are apart. Source: arch/x86/alternative.c; eabcdd0faa (4.21.0) for the return thunk.
 */
export const alternativeRelative: LintRule = {
  id: 'alternative-relative',
  *check(context) {
    const { content, release } = context;
    const section = content.elf.section(ELF_ALTINSTR_REPLACEMENT);
    if (section === undefined) return;
    const code = section.data();
    // Replacements of no bytes have nothing to go astray.
    const pieces = (content.alternatives?.entries ?? [])
      .flatMap(({ repl, replLen }) =>
        // Replacements of no bytes have nothing to go astray.
        repl.kind === 'section' && repl.section === section.index && replLen > 0
          ? [{ start: repl.offset, length: replLen, repl }]
          : [],
      )
      .sort((a, b) => a.start - b.start);
    for (const { offset, row, name, target } of context.relocationsOf(section)) {
      if (row?.relative !== 'place') continue;
      if (target.kind === 'section' && target.section === section.index) continue;
      const piece = lastUpTo(pieces, offset, ({ start }) => start);
      if (piece === undefined || offset + row.width > piece.start + piece.length) continue;
      const atStart = offset === piece.start + 1 && REAIMED.has(bytesAt(content.elf, piece.repl, 1)[0] ?? 0);
      const atEnd =
        release.alternatives.returnThunkFixup &&
        name === '__x86_return_thunk' &&
        offset + row.width === piece.start + piece.length &&
        code[offset - 1] === 0xe9;
      if (atStart || atEnd) continue;
      const message = `the replacement at ${ELF_ALTINSTR_REPLACEMENT}+0x${piece.start.toString(16)} refers to ${name} by distance in its byte ${offset - piece.start}: Xen copies it without re-aiming that, and it leads elsewhere. Only a call or jump as its first instruction is re-aimed`;
      yield { message, where: sectionPlace(context, section.index, offset, name) };
    }
  },
};
