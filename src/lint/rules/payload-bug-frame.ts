import type { LintRule } from '../rule.ts';

/**
 * A WARN, BUG, ASSERT or run_in_exception_handler of the payload's own code on an architecture that does not handle it there. Sources: arch/arm/traps.c,
 * do_bug_frame (is_kernel); arch/arm/arm32/traps.c, do_trap_undefined_instruction (is_kernel_text).
 */
export const payloadBugFrame: LintRule = {
  id: 'payload-bug-frame',
  *check({ arch, content, release }) {
    const { bugFramesOfPayloads } = arch.execution;
    if (bugFramesOfPayloads === 'handled') return;
    for (const { section, type, entries } of content.bugFrames) {
      for (const { offset, file, line } of entries) {
        // The function of run_fn is in a register, and a name that is the hypervisor's is found.
        if (bugFramesOfPayloads === 'without-names' && (type === 'run_fn' || file === undefined)) continue;
        const source = file === undefined ? '' : ` at ${file}:${line}`;
        const why =
          bugFramesOfPayloads === 'without-names'
            ? 'looks for file names in its own image alone'
            : 'looks for the trap instruction in its own image alone';
        const message = `the ${type}${source} ends in an unexpected trap where it is reached: Xen ${release.version} ${why}`;
        yield { message, where: { section: section.name, offset } };
      }
    }
  },
};
