import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * The function in the hypervisor is smaller than the trampoline, but `old_size` is not: Xen trusts `old_size`, and the trampoline
 * overwrites the start of the next function.
 */
export const trampolineTooLong: LintRule = {
  id: 'trampoline-too-long',
  coveredBy: ['function-too-small'],
  *check(context) {
    const { patchInsnSize } = context.arch;
    for (const func of context.oldFunctions) {
      const { entry, name, room, patchOffset } = func;
      if (entry.newAddr.kind === 'null') continue;
      const needed = patchOffset + patchInsnSize;
      // Xen refuses a small old_size itself.
      if (room >= needed || entry.oldSize < needed) continue;
      const including = patchOffset === 0 ? '' : ', including the ENDBR64';
      const message = `${name} has ${room} bytes up to the next symbol, but old_size is ${entry.oldSize} and the jump needs ${needed} bytes${including}: it overwrites the start of the next function. Patch the callers instead`;
      yield { message, where: entryPlace(func) };
    }
  },
};
