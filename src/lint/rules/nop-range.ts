import { endsFlow, instructionText, isPadding } from '../../arch/index.ts';
import type { LintContext, OldFunction } from '../context.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Describes a fault of a run of NOPs; `undefined` if there is none. */
function wrongEnd(context: LintContext, func: OldFunction): string | undefined {
  const { entry, name, room, patchOffset, patchLength } = func;
  const end = patchOffset + patchLength;
  if (patchLength === 0)
    return `new_size ${entry.newSize} covers only the ENDBR64 of ${name}, which Xen keeps: nothing is overwritten`;
  if (end > room) return `${entry.newSize} bytes of NOPs run past the end of ${name}, which has ${room} bytes`;
  const body = context.coreFunctionAt(func.address);
  if (body === undefined || body.start !== func.address) return undefined;
  const { instructions } = body;
  const cut = instructions.find(({ offset, size }) => offset < end && offset + size > end);
  if (cut !== undefined) {
    const whole = cut.offset + cut.size;
    return `the NOPs end at byte ${end} of ${name}, inside \`${instructionText(cut)}\`: end them at byte ${cut.offset} or ${whole}`;
  }
  const left = instructions.filter((instruction) => instruction.offset >= end && !isPadding(instruction));
  if (left.some(endsFlow)) return undefined;
  return `no return is left in ${name} after the NOPs: it runs into the next function. Keep its ret`;
}

/** NOPs that split an instruction, run past the function's end, or overwrite its return. */
export const nopRange: LintRule = {
  id: 'nop-range',
  coveredBy: ['nop-past-function', 'nop-too-long'],
  *check(context) {
    for (const func of context.oldFunctions) {
      if (func.entry.newAddr.kind !== 'null' || func.entry.newSize > func.entry.oldSize) continue;
      const message = wrongEnd(context, func);
      if (message !== undefined) yield { message, where: entryPlace(func) };
    }
  },
};
