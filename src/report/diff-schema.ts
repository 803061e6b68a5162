import { z } from 'zod';
import { count, hexBytes } from './schema-parts.ts';

const written = z.strictObject({
  file: z.string(),
  bytes: count,
  sha256: hexBytes.describe('Of the file.'),
});

const firstDifference = z
  .strictObject({
    origOffset: count.nullable().describe('Bytes from the start of the function; null where it has nothing there.'),
    patchedOffset: count.nullable(),
    orig: z.string().nullable().describe('The instruction, or what else differs; null where there is nothing.'),
    patched: z.string().nullable(),
    source: z.string().nullable().describe('file:line, from debug information.'),
  })
  .nullable();

/** `DiffDocument` of diff/, without what it is a part of. */
export const diffMembers = {
  verdict: z
    .enum(['built', 'unchanged', 'refused'])
    .describe('built: what was linked went through the simulator and lint, too.'),
  objects: z
    .strictObject({ compared: count, identical: count })
    .describe('How many objects were compared, and how many of these are the same, byte for byte.'),
  functions: z.array(
    z.strictObject({
      name: z.string(),
      object: z.string(),
      status: z.enum(['changed', 'new', 'removed', 'line-only', 'unchanged']),
      reason: z.string(),
      firstDifference,
    }),
  ),
  refusals: z
    .array(
      z.strictObject({
        reason: z.string(),
        symbol: z.string().nullable().describe('The function, variable or structure that it is about.'),
        object: z.string(),
        advice: z.string().nullable().describe('The way out, where there is one.'),
      }),
    )
    .describe('What keeps it from being built.'),
  remarks: z
    .array(z.strictObject({ text: z.string(), symbol: z.string().nullable(), object: z.string() }))
    .describe('What is worth knowing, and keeps nothing from being built.'),
  verified: z
    .strictObject({ release: z.string(), buildId: hexBytes.nullable() })
    .nullable()
    .describe(
      'The hypervisor that the linked payload was simulated and linted on; null where it was not, or did not hold.',
    ),
  payload: written.nullable().describe('The file that was written, if any.'),
  debug: written.nullable().describe('The same with debug information, where that was asked for.'),
};

/** `xsplice diff --json`. */
export const diffSchema = z
  .strictObject({ format: z.literal('xsplice-diff/1'), ...diffMembers })
  .describe('What changed between objects before and after a patch, and the payload that carries it.');
