import type { Entries } from './entry.ts';

/** What a check, a rehearsal or a scenario finds besides, and what it could not find out. */
export const CHECK = {
  refused: {
    title: 'the hypervisor refuses the payload',
    severity: 'error',
    what: 'Xen refuses the payload with the errno that is given. Reports contain this finding if no other one gives the reason.',
    advice: 'Read the console lines of the check (`--json` has all of them).',
  },
  unsafe: {
    title: 'the payload would harm the host',
    severity: 'error',
    what: 'Xen accepts the payload, and the host comes to harm. Reports contain this finding if no other one gives the reason.',
    advice: 'Rehearse the payload (`xsplice rehearse`) to see at which step the host is harmed.',
  },
  'dependency-fails': {
    title: 'a payload that this one depends on kills the host',
    severity: 'error',
    what: 'The check first applies the payloads that this one depends on, and the host died of one of them.',
    advice: 'Check that payload first.',
  },
  'depends-not-given': {
    title: 'the payload depends on one that was not given',
    severity: 'warning',
    what: '`.livepatch.depends` is neither the build-id of the hypervisor nor that of a payload given. The check applied this payload without it.',
    advice: 'Give the payloads below it too, in the order in which they are applied.',
  },
  'hook-not-run': {
    title: 'a hook was not run, so its effects were not checked',
    severity: 'note',
    what: 'The simulated host has no processor that can run the code of the hook, or the hook called something that the simulation does not provide. Nothing after it is checked. In a rehearsal this is an error.',
    advice: 'Rehearse the payload on a real host: `xsplice rehearse … --on qemu`.',
  },
  assumed: {
    title: 'something about the hypervisor was assumed',
    severity: 'note',
    what: 'The image does not say everything that matters, such as its release or its configuration. The message says what was assumed.',
    advice: 'Give the `xen-syms` with its symbols and configuration, or name the release with `--release`.',
  },
  'lint-not-run': {
    title: 'a lint rule could not be run',
    severity: 'note',
    what: 'The rule needs instructions, and the disassembler could not be loaded. The payload is not checked for what the rule finds.',
    advice: 'Reinstall xsplice with its dependencies, then check again.',
  },
  'data-changed': {
    title: 'applying and reverting changed data of the hypervisor',
    severity: 'note',
    what: 'After the revert some data of the hypervisor or of the payload is not what it was before. Hooks usually do this on purpose.',
    advice: 'Check that the change is meant to outlive the payload.',
  },
  'call-result': {
    title: 'a function did not return what was expected',
    severity: 'error',
    what: 'The function that the rehearsal called returned another value than `--call` or the scenario expects.',
    advice: 'Compare the value before and after applying: the message names the step.',
  },
} as const satisfies Entries;
