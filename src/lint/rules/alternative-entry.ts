import type { AlternativeFault } from '../../arch/index.ts';
import { SHF_EXECINSTR } from '../../elf/index.ts';
import type { PayloadPointer } from '../../payload/index.ts';
import { ELF_ALTINSTR_REPLACEMENT, ELF_ALTINSTRUCTIONS } from '../../xen/index.ts';
import type { LintContext } from '../context.ts';
import { targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Tells whether `length` bytes at a pointer are inside a wanted section. */
function inSection(
  { content }: LintContext,
  pointer: PayloadPointer,
  length: number,
  wanted: (name: string, flags: number) => boolean,
): boolean {
  if (pointer.kind !== 'section') return false;
  const section = content.elf.sections[pointer.section];
  if (section === undefined || !wanted(section.name, section.flags)) return false;
  return pointer.offset >= 0 && pointer.offset + length <= section.size;
}

const isCode = (_name: string, flags: number): boolean => (flags & SHF_EXECINSTR) !== 0;
const isReplacement = (name: string): boolean => name === ELF_ALTINSTR_REPLACEMENT;

/**
 * Alternatives that panic the release, or that it applies incorrectly. Sources: arch/x86/alternative.c, _apply_alternatives; range checks
 * e74360e4ba (4.18.0; 4.17.4), errno in place of BUG() aa5a06d5d6 (4.20.0; 4.18.4, 4.19.1), ALT_FLAG_NOT 328ed39c59.
 */
export const alternativeEntry: LintRule = {
  id: 'alternative-entry',
  coveredBy: ['bad-alternative'],
  *check(context) {
    const { release, content } = context;
    if (content.alternatives === undefined) return;
    const { badEntry, rangeCheck, privSkips } = release.alternatives;
    // A vendor's image may have features of a later point release.
    const { alternatives } = context.arch;
    const featureLimit = alternatives.featureLimit(release.alternatives, context.image.highestFeature);
    const panics = `${release.version} panics at upload`;
    const outcomes: Readonly<Record<AlternativeFault['outcome'], string>> = {
      'bad-entry': badEntry === 'bug' ? panics : 'Xen refuses the payload',
      panic: panics,
      called: 'Xen calls the replacement as a function',
    };
    for (const entry of content.alternatives.entries) {
      const { offset, orig, repl, origLen, replLen, padLen, priv } = entry;
      const where = { section: ELF_ALTINSTRUCTIONS, offset };
      for (const { what, outcome } of alternatives.faults(entry, release.alternatives, featureLimit)) {
        yield { message: `${what}: ${outcomes[outcome]}`, where };
      }
      const writes = rangeCheck ? 'Xen refuses the payload' : `${release.version} writes there without a check`;
      if (!inSection(context, orig, origLen, isCode)) {
        yield {
          message: `the original at ${targetText(context, orig)} is not in the payload's code: ${writes}`,
          where,
        };
      } else if (!inSection(context, orig, origLen + padLen, isCode)) {
        yield {
          message: `the padding of ${padLen} bytes runs past the end of the code: Xen writes it without a check`,
          where,
        };
      }
      if (!inSection(context, repl, replLen, isReplacement)) {
        const message = `the replacement at ${targetText(context, repl)} is not in ${ELF_ALTINSTR_REPLACEMENT}: ${rangeCheck ? 'Xen refuses the payload' : 'Xen copies other bytes'}`;
        yield { message, where };
      }
      if (priv !== 0 && privSkips) {
        yield {
          message: `priv is ${priv}, but only Xen may set it: Xen silently skips the entry. Clear the byte`,
          where,
        };
      }
    }
  },
};
