import * as z from 'zod';
import { findings } from './finding.ts';
import { consoleLines, errno, type Infer } from './parts.ts';

/** What a check finds of one payload on one hypervisor. */
export const checkedMembers = {
  verdict: z
    .enum(['accepted', 'refused', 'unsafe'])
    .describe(
      'unsafe: Xen would accept the payload, or crash on it, and the host would be damaged, as far as the simulator or lint can see.',
    ),
  errno: errno.describe('The errno of the refusal; null if there is none.'),
  console: consoleLines.describe(
    "What Xen would print, without '(XEN) '. If the host would panic, the panic screen follows.",
  ),
  findings,
};

const checkedPayload = z.strictObject({ file: z.string().describe('As the user named it.'), ...checkedMembers });
export type CheckedPayload = Infer<typeof checkedPayload>;
export type CheckVerdict = CheckedPayload['verdict'];

/** `xsplice check --json` on one hypervisor. */
export const checkSchema = z
  .strictObject({ format: z.literal('xsplice-check/1'), payloads: z.array(checkedPayload) })
  .meta({
    title: 'xsplice check',
    description: 'Whether a hypervisor would accept the payloads, and whether that is safe.',
  });
export type CheckReport = Infer<typeof checkSchema>;
