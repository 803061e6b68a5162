import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * The function in the hypervisor is smaller than what applying writes, whatever `old_size` claims: Xen believes `old_size`, and the
 * trampoline runs over the start of the next function.
 */
export const trampolineTooLong: LintRule = {
  id: 'trampoline-too-long',
  saidBy: ['function-too-small'],
  *check(context) {
    const { patchInsnSize } = context.arch;
    for (const func of context.oldFunctions) {
      const { entry, name, room, patchOffset } = func;
      if (entry.newAddr.kind === 'null') continue;
      const needed = patchOffset + patchInsnSize;
      // What Xen refuses by itself, the loader has said.
      if (room >= needed || entry.oldSize < needed) continue;
      const behind = patchOffset === 0 ? '' : ` behind its ENDBR64`;
      const message = `${name} has ${room} bytes up to the next symbol, the jump needs ${needed}${behind}; old_size claims ${entry.oldSize}: the next function's start is overwritten. Patch its callers instead`;
      yield { message, where: entryPlace(func) };
    }
  },
};
