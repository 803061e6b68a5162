import { filledOperand, instructionText, writes } from '../../arch/index.ts';
import { SHF_WRITE } from '../../elf/index.ts';
import type { HookKind } from '../../xen/index.ts';
import type { LintContext } from '../context.ts';
import { type HookCode, hookCode } from '../hook-code.ts';
import type { PayloadRelocation } from '../payload-relocations.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { lastUpTo, within } from '../search.ts';

/** Hooks that run between quiesce and revive, while permissions are relaxed. Source: common/livepatch.c, apply_payload and revert_payload. */
const IN_WINDOW: readonly HookKind[] = ['load', 'unload'];

/** Describes a relocation's target if it is read-only; `undefined` if it is writable or unknown. */
function readOnly(context: LintContext, { target, name }: PayloadRelocation): string | undefined {
  if (target.kind === 'section') {
    const section = context.content.elf.sections[target.section];
    return section === undefined || (section.flags & SHF_WRITE) !== 0 ? undefined : `the payload's ${section.name}`;
  }
  const address = target.kind === 'undefined' ? context.resolve(target.symbol) : context.addressOf(target);
  const region = address === undefined ? undefined : context.regionOf(address);
  return region === 'rodata' || region === 'text' ? `${name}, in the hypervisor's ${region}` : undefined;
}

/**
 * A hook, or a function that it calls, writes to a symbol in memory that is read-only while the hook runs.
 * Sources: ef969144a4, b083b1c393 (rodata in the window: 4.19.0; 4.17.4, 4.18.2), 8676092a0f.
 */
export const hookWritesReadOnly: LintRule = {
  id: 'hook-writes-read-only',
  *check(context) {
    const { release, arch } = context;
    const forms = arch.code;
    if (forms === undefined) return;
    for (const { kind, func, hook } of hookCode(context)) {
      if (IN_WINDOW.includes(kind) && arch.relaxesReadOnly(release)) continue;
      for (const { relocation, text } of stores(context, func)) {
        const what = readOnly(context, relocation);
        if (what === undefined) continue;
        // All releases make text writable between quiesce and revive.
        if (IN_WINDOW.includes(kind) && what.endsWith('text')) continue;
        const through = func.symbol === hook ? '' : ` through ${func.symbol}`;
        const when = IN_WINDOW.includes(kind)
          ? `${release.version} makes only code writable while it patches`
          : `${kind} hooks run while read-only memory is not writable`;
        const message = `the ${kind} hook ${hook}${through} writes ${what} (\`${text}\`): ${when}, so the write page-faults`;
        yield { message, where: sectionPlace(context, func.section, relocation.offset, func.symbol) };
      }
    }
  },
};

/** Finds the instructions of a function that write to a relocation's target. */
function* stores(
  context: LintContext,
  func: HookCode['func'],
): Generator<{ relocation: PayloadRelocation; text: string }> {
  const section = context.content.elf.sections[func.section];
  const forms = context.arch.code;
  if (section === undefined || forms === undefined) return;
  const code = section.data();
  const { offset: start, size } = func;
  for (const relocation of within(context.relocationsOf(section), start, start + size, (each) => each.offset)) {
    const { offset, row } = relocation;
    if (row?.relative !== 'place') continue;
    if (!forms.mayWriteAt(code, offset) || readOnly(context, relocation) === undefined) continue;
    const instructions = context.newInstructions(func);
    const at = offset - start;
    const there = lastUpTo(instructions, at, (each) => each.offset);
    if (there === undefined) continue;
    const operand = filledOperand(there, at - there.offset, row);
    if (operand?.kind === 'memory' && writes(operand.access)) yield { relocation, text: instructionText(there) };
  }
}
