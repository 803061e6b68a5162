import { coreName, entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Functions that a CPU enters once and never leaves. Sources: arch/x86/domain.c, idle_loop and startup_cpu_idle_loop; arch/x86/smpboot.c,
 * start_secondary; arch/arm/domain.c; arch/arm/smpboot.c.
 */
const ENTERED_ONCE = new Set([
  'idle_loop',
  'startup_cpu_idle_loop',
  'start_secondary',
  'play_dead',
  'default_dead_idle',
]);

/** A function whose old code keeps running, so the patch has no effect. */
export const neverReturns: LintRule = {
  id: 'never-returns',
  *check(context) {
    for (const func of context.oldFunctions) {
      if (!ENTERED_ONCE.has(coreName(context, func))) continue;
      const message = `${func.name} never returns: CPUs in it keep running the old code, and a CPU that enters the new code uses the payload forever. Patch a function that it calls`;
      yield { message, where: entryPlace(func) };
    }
  },
};
