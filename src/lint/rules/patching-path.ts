import { coreName, entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * Functions that CPUs run, or may enter, while Xen patches. Sources: common/livepatch.c from check_for_livepatch_work down;
 * arch/x86/livepatch.c; arch/x86/domain.c, idle_loop; arch/x86/traps.c and x86_64/entry.S for NMIs, which no CPU can mask.
 */
const ON_THE_PATH: Readonly<Record<string, string>> = {
  check_for_livepatch_work: 'every CPU waits in it',
  do_livepatch_work: 'every CPU waits in it',
  livepatch_do_action: 'it does the patching',
  apply_payload: 'it does the patching',
  revert_payload: 'it does the patching',
  common_livepatch_apply: 'it does the patching',
  common_livepatch_revert: 'it does the patching',
  was_action_consistent: 'it runs after patching, before the other CPUs continue',
  arch_livepatch_quiesce: 'it does the patching',
  arch_livepatch_revive: 'it does the patching',
  arch_livepatch_apply: 'it does the patching',
  arch_livepatch_revert: 'it does the patching',
  arch_livepatch_post_action: 'every CPU runs it during patching',
  arch_livepatch_mask: 'it does the patching',
  arch_livepatch_unmask: 'it does the patching',
  relax_virtual_region_perms: 'it does the patching',
  tighten_virtual_region_perms: 'it does the patching',
  modify_xen_mappings_lite: 'it does the patching',
  add_nops: 'it writes the patch',
  memcpy: 'it writes the patch, including its own first bytes',
  idle_loop: 'every CPU comes from it and returns to it',
  do_nmi: 'an NMI may come at any time',
  mask_nmi_callback: 'an NMI may come at any time',
  handle_ist_exception: 'an NMI may come at any time',
  nmi: 'an NMI may come at any time',
  entry_NMI: 'an NMI may come at any time',
  machine_check: 'a machine check may come at any time',
  do_machine_check: 'a machine check may come at any time',
};

/** A function that patching itself runs: its bytes change while a CPU may execute them. */
export const patchingPath: LintRule = {
  id: 'patching-path',
  *check(context) {
    for (const func of context.oldFunctions) {
      const why = ON_THE_PATH[coreName(context, func)];
      if (why === undefined) continue;
      const message = `${func.name} is on the patching path: ${why}. Its first bytes change while CPUs may execute them, and after a revert, CPUs may still be in the payload: do not unload it`;
      yield { message, where: entryPlace(func) };
    }
  },
};
