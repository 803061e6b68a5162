import { z } from 'zod';
import { checkedMembers, count, hexBytes, xenIdentity } from './schema-parts.ts';

/** `xsplice check --json` of several hypervisors. */
export const matrixSchema = z
  .strictObject({
    format: z.literal('xsplice-check-matrix/1'),
    hypervisors: z.array(xenIdentity.extend({ file: z.string() })),
    payloads: z.array(
      z.strictObject({
        file: z.string(),
        name: z.string(),
        buildId: hexBytes.nullable(),
        depends: hexBytes.nullable(),
        xenDepends: hexBytes.nullable(),
        dependsOn: count.nullable().describe('Which of payloads, from 0, it is checked on top of.'),
      }),
    ),
    cells: z
      .array(
        z.strictObject({
          payload: count.describe('Which of payloads, from 0.'),
          xen: count.describe('Which of hypervisors, from 0.'),
          named: z.boolean().describe('Does the payload name this build of the hypervisor?'),
          ...checkedMembers,
        }),
      )
      .describe('By payloads, then by hypervisors.'),
  })
  .describe('Whether each of several hypervisors would take the payloads, and whether that is safe.');
