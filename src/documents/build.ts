import * as z from 'zod';
import { buildVerdict, diffMembers } from './diff.ts';
import { buildId, count, environmentError, type Infer } from './parts.ts';

export type BuildVerdict = z.infer<typeof buildVerdict>;

const builtBase = z.strictObject({
  name: z.string().describe('The name in the manifest, or the folder as the user named it.'),
  source: z.string().describe('The source tree, as the user named it.'),
  xen: z
    .strictObject({ version: z.string(), buildId })
    .nullable()
    .describe('The hypervisor that the payload is for; null if the run ended before it was known.'),
  compiled: count.describe('Objects of the hypervisor that depend on what the patches change.'),
  cached: count.describe('How many of these came from the cache.'),
  kept: z.string().nullable().describe('The folder with the compiled objects, if it was asked for.'),
  error: environmentError.describe('What went wrong in the environment; null unless the verdict is error.'),
  ...diffMembers,
  verdict: buildVerdict.describe('error: the environment ended the build of this base.'),
});
/** A hypervisor that a live patch was built for, and the result. */
export type BuiltBase = Infer<typeof builtBase>;

/** `xsplice build --json`. */
export const buildSchema = z
  .strictObject({
    format: z.literal('xsplice-build/2'),
    verdict: buildVerdict.describe('The worst verdict of the bases: error, refused, built, unchanged.'),
    name: z.string().describe("The payload's name in the hypervisor."),
    patches: z.array(z.strictObject({ title: z.string(), file: z.string() })),
    bases: z.array(builtBase),
  })
  .meta({ title: 'xsplice build', description: 'Live patches built from source patches, one for each hypervisor.' });
export type BuildDocument = Infer<typeof buildSchema>;
