import * as z from 'zod';
import { buildId, consoleLines, type Infer } from './parts.ts';

const identity = z.strictObject({ version: z.string().nullable().describe('4.17.7'), buildId });
export type HostIdentity = Infer<typeof identity>;

const hostStep = z.strictObject({
  step: z.enum(['upload', 'apply', 'revert', 'unload', 'replace']),
  name: z.string(),
  rc: z
    .int()
    .nullable()
    .describe('0 or a negated errno, of the call or else of the action; null if the hypervisor was not asked.'),
  errno: z.string().nullable(),
  state: z.string().nullable().describe('Of the payload afterwards; null if it is not there, or not known.'),
});
/** One operation on a payload. */
export type HostStep = Infer<typeof hostStep>;

const hostPayload = z.strictObject({
  name: z.string(),
  state: z.string(),
  rc: z.int(),
  errno: z.string().nullable(),
  metadata: z.array(z.string()),
});
export type HostPayload = Infer<typeof hostPayload>;

/** `xsplice host COMMAND --json`. */
export const hostSchema = z
  .strictObject({
    format: z.literal('xsplice-host/1'),
    command: z.enum(['list', 'upload', 'load', 'apply', 'revert', 'unload', 'replace', 'inspect']),
    verdict: z.enum(['done', 'refused', 'retry']).describe('In the order of the exit status: 0, 1, 2.'),
    hypervisor: identity,
    steps: z.array(hostStep),
    payloads: z
      .array(hostPayload)
      .nullable()
      .describe('Of list and inspect; null for other commands, and if the list was refused.'),
    dump: z
      .array(z.string())
      .nullable()
      .describe('What the console key x prints; of inspect, null if the key or the console is not permitted.'),
    messages: z
      .strictObject({ stdout: z.array(z.string()), stderr: z.array(z.string()) })
      .describe('What xen-livepatch would print, line by line.'),
    advice: z.array(z.string()).describe("What a failure means, if it is the host's and not the payload's."),
    console: consoleLines,
  })
  .meta({ title: 'xsplice host', description: 'What was done on the host that xsplice runs on.' });
export type HostReport = Infer<typeof hostSchema>;
