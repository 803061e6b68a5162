import * as z from 'zod';
import { findings } from './finding.ts';
import { count, type Infer, xenIdentity } from './parts.ts';

/** `xsplice prove --json`. */
export const proofSchema = z
  .strictObject({
    format: z.literal('xsplice-proof/1'),
    verdict: z.enum(['proved', 'not proved']).describe('proved: no finding is an error.'),
    payload: z.strictObject({ file: z.string(), bytes: count }),
    xen: xenIdentity,
    objects: z
      .strictObject({ compared: count, identical: count })
      .describe('Identical ones are not part of the proof.'),
    functions: z
      .array(
        z.strictObject({
          name: z.string(),
          object: z.string(),
          runs: z.enum(['payload', 'host']).describe('Whose code the host runs under this name.'),
          proved: z.boolean().describe('False if a finding is about the function itself.'),
        }),
      )
      .describe('Functions of the objects after the patch that the hypervisor enters by name.'),
    findings,
  })
  .meta({
    title: 'xsplice prove',
    description: 'Whether a host with a payload applied is the patched hypervisor.',
  });
export type ProofDocument = Infer<typeof proofSchema>;
