import * as z from 'zod';
import { checkedMembers } from './check.ts';
import { buildId, count, type Infer, xenIdentity } from './parts.ts';

const matrixXen = z.strictObject({
  ...xenIdentity.shape,
  file: z.string().describe('The image as the user named it.'),
});
/** One hypervisor of a matrix. */
export type MatrixXen = Infer<typeof matrixXen>;

const matrixPayload = z.strictObject({
  file: z.string().describe('As the user named it.'),
  name: z.string().describe('The name that xen-livepatch load would give it.'),
  buildId,
  depends: buildId.describe('Build-id of the payload or hypervisor that must be on top of the stack.'),
  xenDepends: buildId.describe('Build-id of the hypervisor.'),
  dependsOn: count
    .nullable()
    .describe('Index of the payload that it depends on and is checked on top of; null if that is none of these.'),
});
/** One payload of a matrix, as its notes describe it. */
export type MatrixPayload = Infer<typeof matrixPayload>;

const matrixCell = z.strictObject({
  payload: count.describe('Index into payloads.'),
  xen: count.describe('Index into hypervisors.'),
  named: z.boolean().describe('Does the payload name this build of the hypervisor?'),
  ...checkedMembers,
});
/** One payload on one hypervisor. */
export type MatrixCell = Infer<typeof matrixCell>;

/** `xsplice check --json` on several hypervisors. */
export const matrixSchema = z
  .strictObject({
    format: z.literal('xsplice-check-matrix/1'),
    hypervisors: z.array(matrixXen),
    payloads: z.array(matrixPayload),
    cells: z
      .array(matrixCell)
      .describe('By payload, then by hypervisor: payload p on hypervisor x is number p × hypervisors + x.'),
  })
  .meta({
    title: 'xsplice check matrix',
    description: 'Whether each of several hypervisors would accept the payloads, and whether that is safe.',
  });
export type CheckMatrix = Infer<typeof matrixSchema>;
