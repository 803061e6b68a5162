import * as z from 'zod';
import { consoleLines, errno, type Infer } from './parts.ts';

const outcome = z
  .enum(['answered', 'listed', 'dumped', 'called', 'verified', 'differs', 'died', 'stopped-at-hook', 'no-answer'])
  .describe(
    'What became of the step. answered: a hypercall about a payload returned. verified, differs: the live code is as it should be, or not. died: the host panicked. stopped-at-hook: the simulation ended before payload code that it cannot run. no-answer: the host did not return from the call, and shows no panic.',
  );

const outcomeMembers = {
  outcome,
  rc: z
    .int()
    .nullable()
    .describe(
      'The result of the hypercall, or of a scheduled action the rc that GET reports once it is done. Null unless the step is answered or listed.',
    ),
  errno: errno.describe('The name of -rc; null for 0, and if Xen has no name for it.'),
  console: consoleLines.describe("What Xen printed during the step, without '(XEN) '. A panic's screen is in panic."),
};

/** Members that the steps of all documents share. */
export const stepMembers = {
  ...outcomeMembers,
  passed: z.boolean().describe('Did the step do what it should?'),
  note: z
    .string()
    .describe('Why the step is not what it would be on a host, or went wrong without a word of the hypervisor.')
    .exactOptional(),
};

const stepOutcome = z.strictObject(outcomeMembers);
/** The outcome of a step, as the steps of all documents hold it. */
export type StepDocument = Infer<typeof stepOutcome>;
