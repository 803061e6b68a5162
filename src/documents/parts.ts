/**
 * Members that several documents share.
 *
 * Each document is a zod schema, and its type is inferred from it. Commands import the types alone, so that none of them loads zod.
 * Addresses are hex strings, errno are Xen's names or null, sizes and offsets are numbers, machine bytes are hex digits without spaces.
 * Text from a payload, an image or the console is a byte string (one character per byte) in memory; the JSON printer and the
 * renderers turn it into valid text.
 */
import * as z from 'zod';
import type { Errno, XenArch } from '../xen/index.ts';
import { ERRNO } from '../xen/index.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The type of what a schema accepts. Documents are never changed once made, so that every member is readonly. */
export type Infer<S extends z.ZodType> = DeepReadonly<z.infer<S>>;

/** A number of things, or of bytes. */
export const count = z.int().nonnegative();

/** A size from a 64-bit field that a hostile file may fill: rounded above 2^53. */
export const large = z.number().nonnegative();

export const hexAddress = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .meta({ id: 'HexAddress', description: 'An absolute address.' });
/** An address as text: `0x` and lower-case hex digits, as `hexAddress` of base/ makes it. */
export type HexAddress = z.infer<typeof hexAddress>;

export const hexBytes = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .meta({ id: 'HexBytes', description: 'Bytes, two lower-case hex digits each.' });
/** Lower-case hex digits, two per byte, as `hex` of base/ makes them. */
export type HexBytes = z.infer<typeof hexBytes>;

export const errno = z
  .enum(Object.keys(ERRNO) as [Errno, ...Errno[]])
  .nullable()
  .meta({ id: 'Errno', description: "Xen's name for the error; null if there is none." });

export const arch = z.enum(['x86_64', 'arm64', 'arm32'] satisfies XenArch[]);

export const consoleLines = z.array(z.string()).describe('What Xen prints, without "(XEN) ".');

export const payloadState = z
  .enum(['CHECKED', 'APPLIED'])
  .describe('The state that XEN_SYSCTL_LIVEPATCH_GET reports. Source: public/sysctl.h, LIVEPATCH_STATE_*.');
export type PayloadState = z.infer<typeof payloadState>;

export const buildId = hexBytes.nullable();

export const xenIdentity = z
  .strictObject({
    release: z.string().describe('The release whose rules are in force: 4.17.7.'),
    buildId: buildId.describe("The image's build-id; null if it has none."),
    arch,
  })
  .meta({ id: 'XenIdentity', description: 'The hypervisor that the document is about.' });
/** The hypervisor that a document is about. */
export type XenIdentity = Infer<typeof xenIdentity>;

export const panic = z
  .strictObject({
    message: z.string().describe('The first line below "Panic on CPU n:", such as FATAL PAGE FAULT.'),
    errorCode: count.nullable().describe('The error code of the page fault; null for other panics.'),
    address: hexAddress.nullable().describe('The faulting linear address; null for other panics.'),
    screen: z.array(z.string()).describe('The panic screen, line by line, without "(XEN) ".'),
  })
  .meta({ id: 'Panic', description: 'How the host went down.' });
/** How a host went down. */
export type RehearsalPanic = Infer<typeof panic>;

export const environmentError = z
  .strictObject({
    code: z.string().describe('Stable: ENOENT, ETOOL and the like.'),
    message: z.string(),
    hint: z.string().nullable().describe('What to do about it, if that is known.'),
  })
  .nullable();
