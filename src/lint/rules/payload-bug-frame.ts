import type { LintRule } from '../rule.ts';

/**
 * A WARN, BUG, ASSERT or run_in_exception_handler in the payload's own code on an architecture that does not handle it there. Sources:
 * arch/arm/traps.c, do_bug_frame (is_kernel); arch/arm/arm32/traps.c, do_trap_undefined_instruction (is_kernel_text).
 */
export const payloadBugFrame: LintRule = {
  id: 'payload-bug-frame',
  *check({ arch, content, release }) {
    const { bugFramesOfPayloads } = arch.execution;
    if (bugFramesOfPayloads === 'handled') return;
    for (const { section, type, entries } of content.bugFrames) {
      for (const { offset, file, line } of entries) {
        // run_fn passes its function in a register, and a file name may be in the hypervisor.
        if (bugFramesOfPayloads === 'without-names' && (type === 'run_fn' || file === undefined)) continue;
        const source = file === undefined ? '' : ` at ${file}:${line}`;
        const why =
          bugFramesOfPayloads === 'without-names'
            ? 'accepts file names only from its own image'
            : 'accepts the trap instruction only in its own image';
        const message = `the ${type}${source} panics the host with an unexpected trap: Xen ${release.version} ${why}`;
        yield { message, where: { section: section.name, offset } };
      }
    }
  },
};
