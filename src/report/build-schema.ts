import { z } from 'zod';
import { diffMembers } from './diff-schema.ts';
import { count, hexBytes } from './schema-parts.ts';

const verdict = z.enum(['built', 'unchanged', 'refused', 'error']);

const base = z.strictObject({
  name: z.string().describe('The name in the manifest, or the folder as it was named.'),
  source: z.string(),
  xen: z
    .strictObject({ version: z.string(), buildId: hexBytes.nullable() })
    .nullable()
    .describe('The hypervisor that the payload is for; null where it was not known yet when it ended.'),
  compiled: count.describe('Objects of the hypervisor that depend on what the patches change.'),
  cached: count.describe('How many of these were taken from the cache.'),
  kept: z.string().nullable().describe('The folder with what was compiled, where that was asked for.'),
  error: z
    .strictObject({ code: z.string(), message: z.string(), hint: z.string().nullable() })
    .nullable()
    .describe('What the environment did to it; null unless the verdict is error.'),
  ...diffMembers,
  verdict: verdict.describe('error: it came to no result.'),
});

/** `xsplice build --json`. */
export const buildSchema = z
  .strictObject({
    format: z.literal('xsplice-build/1'),
    verdict: verdict.describe("The worst of the bases': error, refused, built, unchanged."),
    name: z.string().describe("The payload's, in the hypervisor."),
    patches: z.array(z.strictObject({ title: z.string(), file: z.string() })),
    bases: z.array(base),
  })
  .describe('Live patches that were built from source patches, one for each hypervisor.');
