import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  checkSchema,
  inspectSchema,
  jsonSchemaText,
  matrixSchema,
  rehearsalSchema,
  SCHEMAS,
} from '../../src/documents/schemas.ts';
import { documentJson } from '../../src/report/index.ts';
import { hostile, matrix } from '../report/check-fixtures.ts';
import { checked, inspected, panicked, passed, refused, stopped } from '../report/fixtures.ts';

describe('the schemas', () => {
  it.each([
    ['passed', rehearsalSchema, passed],
    ['refused', rehearsalSchema, refused],
    ['stopped', rehearsalSchema, stopped],
    ['panicked', rehearsalSchema, panicked],
    ['checked', checkSchema, checked],
    ['matrix', matrixSchema, matrix],
    ['hostile matrix', matrixSchema, hostile],
    ['inspected', inspectSchema, inspected],
  ] as const)('accept the document %s as it is printed', (_name, schema, document) => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(schema.parse(printed)).toEqual(printed);
  });

  it.each([
    ['an extra member', { ...passed, more: 1 }],
    ['a missing member', { ...passed, panic: undefined }],
    ['an errno that Xen does not define', { ...passed, steps: [{ ...passed.steps[0], errno: 'EWHATEVER' }] }],
    ['an address as a number', { ...passed, functions: [{ ...passed.functions[0], oldAddr: 1 }] }],
    ['another format', { ...passed, format: 'xsplice-rehearsal/99' }],
  ])('reject %s', (_what, document) => {
    expect(rehearsalSchema.safeParse(document).success).toBe(false);
  });
});

describe.each([...SCHEMAS])('docs/%s.schema.json', (name, schema) => {
  const published = readFileSync(new URL(`../../docs/${name}.schema.json`, import.meta.url), 'utf8');

  it('is current', () => {
    expect(published, 'run `npx tsx scripts/schemas.ts`').toBe(jsonSchemaText(name, schema));
  });

  it('says what it describes', () => {
    const { $id, title, description } = JSON.parse(published) as Record<string, unknown>;
    expect($id).toBe(`urn:xsplice:${name.slice('xsplice-'.length)}`);
    expect(title).toMatch(/^xsplice \w+/);
    expect(description).toMatch(/\.$/);
  });
});
