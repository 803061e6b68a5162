import * as z from 'zod';
import { call } from './call.ts';
import { findings } from './finding.ts';
import { count, hexAddress, hexBytes, type Infer, panic, payloadState, xenIdentity } from './parts.ts';
import { stepMembers } from './step.ts';

const placement = z.strictObject({
  text: hexAddress,
  rw: hexAddress,
  ro: hexAddress,
  pages: count.describe('Of the three kinds together.'),
});
/** Where a payload was placed: the first address of each of its three kinds of pages. */
export type PayloadPlacement = Infer<typeof placement>;

const cacheRange = z
  .strictObject({
    kind: z.enum(['clean-invalidate-dcache', 'invalidate-icache']),
    address: hexAddress.exactOptional(),
    length: count.describe('In bytes.').exactOptional(),
  })
  .describe('Without address and length: the whole cache.');
/** One piece of cache maintenance. Address and length are absent if it is for the whole cache. */
export type CacheRange = Infer<typeof cacheRange>;

const rehearsalStep = z.strictObject({
  step: z
    .enum(['upload', 'apply', 'verify', 'revert', 'replace', 'unload', 'call'])
    .describe(
      '"verify" compares the live code with what should be there, "call" calls a function; the others are operations of the sysctl.',
    ),
  name: z.string().describe('The name of the payload; of a call, the function and its arguments.'),
  ...stepMembers,
  state: payloadState
    .nullable()
    .describe('After the step; null if the hypervisor has no such payload, for a call, and if the host is gone.'),
  payload: placement.nullable().describe('Where the payload is; null if it is not loaded.'),
  cacheMaintenance: z
    .array(cacheRange)
    .describe('What Xen does to caches for patched code, on a simulated Arm host. Absent if it does nothing.')
    .exactOptional(),
});
export type RehearsalStep = Infer<typeof rehearsalStep>;
export type RehearsalStepKind = RehearsalStep['step'];

const rehearsalFunction = z.strictObject({
  name: z.string(),
  oldAddr: hexAddress,
  oldSize: count,
  newAddr: hexAddress.describe('0x0 if the function is overwritten with NOPs.'),
  newSize: count,
  patchOffset: count.describe('Bytes from oldAddr to the jump: 4 behind an ENDBR64, otherwise 0.'),
  before: hexBytes.describe('The bytes at oldAddr + patchOffset before apply: as many as apply replaces.'),
  after: hexBytes.describe('The bytes there after apply; the same as before if apply did not get that far.'),
});
/** One patched function, as it was after the last step that touched it. */
export type RehearsalFunction = Infer<typeof rehearsalFunction>;

/** `xsplice rehearse --json`. */
export const rehearsalSchema = z
  .strictObject({
    format: z.literal('xsplice-rehearsal/2'),
    xen: xenIdentity,
    verdict: z
      .enum(['passed', 'refused', 'failed', 'panicked'])
      .describe(
        'passed: every step went as expected. refused: the hypervisor refused an upload or an action. failed: a step did not do what it should, or cannot be carried out here (a hook). panicked: the host is down.',
      ),
    steps: z.array(rehearsalStep),
    functions: z.array(rehearsalFunction),
    calls: z.array(call).describe('The calls that were asked for, in the order in which they were made.'),
    panic: panic.nullable(),
    findings,
  })
  .meta({
    title: 'xsplice rehearsal',
    description: 'A payload taken through its life on a simulated host, step by step.',
  });
export type RehearsalReport = Infer<typeof rehearsalSchema>;
export type RehearsalVerdict = RehearsalReport['verdict'];
