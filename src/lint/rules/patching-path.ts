import { coreName, entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Functions that CPUs are in, or may be called into, while functions are patched. Sources: common/livepatch.c from check_for_livepatch_work down;
 * arch/x86/livepatch.c; arch/x86/domain.c, idle_loop; arch/x86/traps.c and x86_64/entry.S for NMIs, which no CPU can keep out.
 */
const ON_THE_PATH: Readonly<Record<string, string>> = {
  check_for_livepatch_work: 'every CPU waits in it',
  do_livepatch_work: 'every CPU waits in it',
  livepatch_do_action: 'it does the patching',
  apply_payload: 'it does the patching',
  revert_payload: 'it does the patching',
  common_livepatch_apply: 'it does the patching',
  common_livepatch_revert: 'it does the patching',
  was_action_consistent: 'it runs between patching and letting the other CPUs go',
  arch_livepatch_quiesce: 'it does the patching',
  arch_livepatch_revive: 'it does the patching',
  arch_livepatch_apply: 'it does the patching',
  arch_livepatch_revert: 'it does the patching',
  arch_livepatch_post_action: 'every CPU runs it while functions change',
  arch_livepatch_mask: 'it does the patching',
  arch_livepatch_unmask: 'it does the patching',
  relax_virtual_region_perms: 'it does the patching',
  tighten_virtual_region_perms: 'it does the patching',
  modify_xen_mappings_lite: 'it does the patching',
  add_nops: 'it writes the patch',
  memcpy: 'it writes the patch, its own first bytes included',
  idle_loop: 'every CPU comes from it, and goes back into it',
  do_nmi: 'an NMI may come at any time',
  mask_nmi_callback: 'an NMI may come at any time',
  handle_ist_exception: 'an NMI may come at any time',
  nmi: 'an NMI may come at any time',
  entry_NMI: 'an NMI may come at any time',
  machine_check: 'a machine check may come at any time',
  do_machine_check: 'a machine check may come at any time',
};

/** A function that patching itself runs: its bytes change under a CPU that may be about to carry them out. */
export const patchingPath: LintRule = {
  id: 'patching-path',
  *check(context) {
    for (const func of context.oldFunctions) {
      const why = ON_THE_PATH[coreName(context, func)];
      if (why === undefined) continue;
      const message = `${func.name} is on the path of patching itself: ${why}. Its first bytes change under the CPUs' feet, and after a revert they may still be in the payload: do not unload it`;
      yield { message, where: entryPlace(func) };
    }
  },
};
