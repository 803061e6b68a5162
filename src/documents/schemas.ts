/** The schemas of all documents, for programs that read them. Commands never import this file: loading zod takes time. */
import * as z from 'zod';
import { buildSchema } from './build.ts';
import { checkSchema } from './check.ts';
import { matrixSchema } from './check-matrix.ts';
import { conformanceSchema } from './conformance.ts';
import { diffSchema } from './diff.ts';
import { hostSchema } from './host.ts';
import { inspectSchema } from './inspect.ts';
import { proofSchema } from './proof.ts';
import { rehearsalSchema } from './rehearsal.ts';
import { scenarioSchema } from './scenario.ts';

export {
  buildSchema,
  checkSchema,
  conformanceSchema,
  diffSchema,
  hostSchema,
  inspectSchema,
  matrixSchema,
  proofSchema,
  rehearsalSchema,
  scenarioSchema,
};

const DOCUMENTS = [
  rehearsalSchema,
  checkSchema,
  matrixSchema,
  inspectSchema,
  conformanceSchema,
  scenarioSchema,
  hostSchema,
  diffSchema,
  buildSchema,
  proofSchema,
] as const;

/** Each document's schema under its name and number: `xsplice-check-1`. */
export const SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map(
  DOCUMENTS.map((schema) => [schema.shape.format.value.replace('/', '-'), schema]),
);

/** Returns a schema as JSON Schema text (draft 2020-12). `name` goes into its `$id`, a URN. */
export function jsonSchemaText(name: string, schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' });
  const { title, description } = schema.meta() ?? {};
  return `${JSON.stringify({ $schema, $id: `urn:xsplice:${name.replace(/^xsplice-/, '')}`, title, description, ...rest }, null, 2)}\n`;
}
