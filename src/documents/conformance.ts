import * as z from 'zod';
import { count, type Infer } from './parts.ts';

/** What a step showed, or should have shown. */
export const observed = z
  .union([z.string(), z.int(), z.null(), z.array(z.string())])
  .describe('A number, text, or lines of text; null if that side has no such thing.');
export type ObservedValue = Infer<typeof observed>;

const difference = z.strictObject({
  case: z.string(),
  step: z.int().positive().describe('Which step of the case, counted from 1.'),
  field: z
    .string()
    .describe(
      'rc, state, status, console, list, dump, pages, extra, changeset, panic, screen, hook, error, or live and an address.',
    ),
  simulated: observed,
  real: observed,
});
/** Where the simulator and the real hypervisor differ. */
export type ConformDifference = Infer<typeof difference>;

/** `xsplice conform --json`. */
export const conformanceSchema = z
  .strictObject({
    format: z.literal('xsplice-conformance/1'),
    cases: count.describe('How many were run.'),
    agreed: count.describe('How many of them showed no difference.'),
    differences: z.array(difference),
  })
  .meta({
    title: 'xsplice conformance',
    description: 'The same steps on the simulator and on a real hypervisor, and every difference.',
  });
export type ConformReport = Infer<typeof conformanceSchema>;
