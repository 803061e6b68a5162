/** Parts that the schemas of several documents share. For `schemas.ts` and what it imports alone. */
import { z } from 'zod';
import type { Errno } from '../xen/index.ts';
import { ERRNO } from '../xen/index.ts';

/** A number of things, or of bytes. */
export const count = z.int().nonnegative();
/** Of a 64-bit field that a hostile file may fill: rounded above 2^53. */
export const large = z.number().nonnegative();
/** An absolute address. */
export const hexAddress = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .describe('An absolute address.');
/** Bytes as hex digits. */
export const hexBytes = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .describe('Bytes, two hex digits each.');
/** The name that Xen has for an errno, or null. */
export const errno = z.enum(Object.keys(ERRNO) as [Errno, ...Errno[]]).nullable();
/** An architecture that Xen has. */
export const arch = z.enum(['x86_64', 'arm64', 'arm32']);
/** What a hypervisor prints. */
export const consoleLines = z.array(z.string()).describe('What Xen prints, without "(XEN) ".');

/** `DocumentPlace` of documents/. */
export const place = z.strictObject({
  file: z.string().exactOptional(),
  section: z.string().exactOptional(),
  offset: z
    .int()
    .describe('Bytes from the start of the section, or of the file where no section is given.')
    .exactOptional(),
  length: count.describe('Bytes that are meant, from the offset or the address on.').exactOptional(),
  symbol: z.string().exactOptional(),
  address: hexAddress.exactOptional(),
});

/** `DocumentFinding` of documents/. */
export const finding = z.strictObject({
  rule: z.string().describe('Stable: filter on it.'),
  severity: z.enum(['error', 'warning', 'note']),
  message: z.string(),
  where: place,
  source: z
    .strictObject({
      file: z.string(),
      line: z.int().positive(),
      column: z.int().positive().exactOptional(),
    })
    .describe('The line of source, where debug information tells it.')
    .exactOptional(),
  code: z
    .array(
      z.strictObject({
        offset: count.describe('Bytes from the start of the section, in a payload.').exactOptional(),
        address: hexAddress.describe('Where it is in the hypervisor.').exactOptional(),
        bytes: hexBytes,
        text: z.string().nullable().describe('The instruction; null for bytes that were not taken apart.'),
        marked: z
          .strictObject({ from: count, to: count })
          .nullable()
          .describe('The bytes of this line that the finding is about: the first, and the one behind the last.'),
      }),
    )
    .describe('The instructions around the place, where it is one of code.')
    .exactOptional(),
});
/** Several findings. */
export const findings = z.array(finding);

/** `XenIdentity` of documents/. */
export const xenIdentity = z.strictObject({ release: z.string(), buildId: hexBytes.nullable(), arch });

/** What a check finds of one payload on one hypervisor. */
export const checkedMembers = {
  verdict: z.enum(['accepted', 'refused', 'unsafe']),
  errno,
  console: consoleLines,
  findings,
};
