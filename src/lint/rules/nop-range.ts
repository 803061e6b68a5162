import { endsFlow, instructionText, isPadding } from '../../arch/index.ts';
import type { LintContext, OldFunction } from '../context.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** What is wrong with the end of a run of NOPs, in words; `undefined` where nothing is. */
function wrongEnd(context: LintContext, func: OldFunction): string | undefined {
  const { entry, name, room, patchOffset, patchLength } = func;
  const end = patchOffset + patchLength;
  if (patchLength === 0)
    return `new_size ${entry.newSize} is not beyond the ${patchOffset} bytes at the start of ${name} that are kept: nothing is overwritten`;
  if (end > room) return `${entry.newSize} bytes of NOPs run over the end of ${name}, which has ${room}`;
  const body = context.coreFunctionAt(func.address);
  if (body === undefined || body.start !== func.address) return undefined;
  const { instructions } = body;
  const cut = instructions.find(({ offset, size }) => offset < end && offset + size > end);
  if (cut !== undefined) {
    const whole = cut.offset + cut.size;
    return `the NOPs end at byte ${end} of ${name}, inside of \`${instructionText(cut)}\`, whose tail is left: end at ${cut.offset} or ${whole}`;
  }
  const left = instructions.filter((instruction) => instruction.offset >= end && !isPadding(instruction));
  if (left.some(endsFlow)) return undefined;
  return `behind the NOPs nothing is left of ${name} that returns: it runs on into the next function. Leave its ret`;
}

/** NOPs that cut an instruction in two, run over the function's end, or take its way back. */
export const nopRange: LintRule = {
  id: 'nop-range',
  saidBy: ['nop-past-function', 'nop-too-long'],
  *check(context) {
    for (const func of context.oldFunctions) {
      if (func.entry.newAddr.kind !== 'null' || func.entry.newSize > func.entry.oldSize) continue;
      const message = wrongEnd(context, func);
      if (message !== undefined) yield { message, where: entryPlace(func) };
    }
  },
};
