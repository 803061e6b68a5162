import * as z from 'zod';
import { findings } from './finding.ts';
import { buildId, count, hexBytes, type Infer } from './parts.ts';

const firstDifference = z.strictObject({
  origOffset: count
    .nullable()
    .describe('Bytes from the start of the function before the patch; null if there is nothing on that side.'),
  patchedOffset: count.nullable().describe('The same after the patch.'),
  orig: z.string().nullable().describe('The instruction, or what else differs; null if there is nothing.'),
  patched: z.string().nullable().describe('The same after the patch.'),
  source: z
    .string()
    .nullable()
    .describe(
      'file:line, from debug information of the patched object, or else of the original; null if there is none.',
    ),
});
/** The first place where a function's two versions differ. */
export type FirstDifference = Infer<typeof firstDifference>;

const functionReport = z.strictObject({
  name: z.string().describe("The symbol's name in the original object, or else in the patched one."),
  object: z.string().describe('The object file, as the pair was named: common/domctl.o.'),
  status: z.enum(['changed', 'new', 'removed', 'line-only', 'unchanged']),
  reason: z.string().describe('Why, in words.'),
  firstDifference: firstDifference.nullable(),
});
export type FunctionReport = Infer<typeof functionReport>;
/** How a function differs between the two objects. */
export type FunctionStatus = FunctionReport['status'];

const verdict = z
  .enum(['built', 'unchanged', 'refused'])
  .describe('built: the payload, or without linking its object, carries every change.');
export type DiffVerdict = z.infer<typeof verdict>;

const writtenPayload = z.strictObject({ file: z.string(), bytes: count, sha256: hexBytes.describe('Of the file.') });
/** A file that was written. */
export type WrittenPayload = Infer<typeof writtenPayload>;

const verifiedOn = z.strictObject({ release: z.string(), buildId });
/** The hypervisor under whose rules a payload was verified. */
export type VerifiedOn = Infer<typeof verifiedOn>;

/** The members that a built base shares with a diff. */
export const diffMembers = {
  objects: z
    .strictObject({ compared: count, identical: count })
    .describe(
      'How many objects were compared, and how many are the same byte for byte. Functions of those are not listed.',
    ),
  functions: z.array(functionReport),
  refusals: findings.describe('Why it cannot be built.'),
  remarks: findings.describe('What is worth knowing, and does not stop the build.'),
  verified: verifiedOn
    .nullable()
    .describe(
      'The hypervisor on which the linked payload passed the simulator and lint; null if it did not, or was not linked.',
    ),
  payload: writtenPayload.nullable().describe('Null if nothing was written.'),
  debug: writtenPayload
    .nullable()
    .describe('The payload with its debug information; null if it was not asked for, or there is none.'),
};

/** `xsplice diff --json`. */
export const diffSchema = z.strictObject({ format: z.literal('xsplice-diff/2'), verdict, ...diffMembers }).meta({
  title: 'xsplice diff',
  description: 'What changed between objects before and after a patch, and the payload that carries it.',
});
export type DiffDocument = Infer<typeof diffSchema>;

/** The verdict on a base: that of the diff, or `error` if the environment failed. */
export const buildVerdict = z.enum([...verdict.options, 'error']);
