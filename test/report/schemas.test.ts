import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { CheckReport, InspectReport, RehearsalReport } from '../../src/documents/documents.ts';
import type { CheckMatrix } from '../../src/documents/matrix.ts';
import { documentJson } from '../../src/report/index.ts';
import {
  checkSchema,
  inspectSchema,
  jsonSchemaText,
  matrixSchema,
  rehearsalSchema,
  SCHEMAS,
} from '../../src/report/schemas.ts';
import { hostile, matrix } from './check-fixtures.ts';
import { checked, inspected, panicked, passed, refused, stopped } from './fixtures.ts';

/** The same type with nothing readonly: the schemas do not say it, the interfaces do. */
type Writable<T> = T extends readonly (infer E)[]
  ? Writable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

describe('the schemas', () => {
  it('describe the very types of the documents', () => {
    expectTypeOf<Writable<RehearsalReport>>().toEqualTypeOf<z.infer<typeof rehearsalSchema>>();
    expectTypeOf<Writable<CheckReport>>().toEqualTypeOf<z.infer<typeof checkSchema>>();
    expectTypeOf<Writable<CheckMatrix>>().toEqualTypeOf<z.infer<typeof matrixSchema>>();
    expectTypeOf<Writable<InspectReport>>().toEqualTypeOf<z.infer<typeof inspectSchema>>();
  });

  it.each([
    ['passed', rehearsalSchema, passed],
    ['refused', rehearsalSchema, refused],
    ['stopped', rehearsalSchema, stopped],
    ['panicked', rehearsalSchema, panicked],
    ['checked', checkSchema, checked],
    ['matrix', matrixSchema, matrix],
    ['hostile matrix', matrixSchema, hostile],
    ['inspected', inspectSchema, inspected],
  ] as const)('take the document %s as it is printed', (_name, schema, document) => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(schema.parse(printed)).toEqual(printed);
  });

  it.each([
    ['a member too many', { ...passed, more: 1 }],
    ['a missing member', { ...passed, panic: undefined }],
    ['an errno that Xen has not', { ...passed, steps: [{ ...passed.steps[0], errno: 'EWHATEVER' }] }],
    ['an address as a number', { ...passed, functions: [{ ...passed.functions[0], oldAddr: 1 }] }],
    ['another format', { ...passed, format: 'xsplice-rehearsal/2' }],
  ])('refuse %s', (_what, document) => {
    expect(rehearsalSchema.safeParse(document).success).toBe(false);
  });

  it.each(Object.entries(SCHEMAS))('are published: docs/%s is current', (name, schema) => {
    const published = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
    expect(published, 'run `npx tsx scripts/schemas.ts`').toBe(jsonSchemaText(schema));
  });
});

describe('documents as JSON', () => {
  it('have the members of the documents, in their order', () => {
    expect(Object.keys(JSON.parse(documentJson(passed)) as object)).toEqual([
      'format',
      'xen',
      'verdict',
      'steps',
      'functions',
      'calls',
      'panic',
      'findings',
    ]);
  });

  it('escape what a terminal would act upon, and decode UTF-8', () => {
    const text = documentJson(checked);
    expect(text).not.toContain('\x1b');
    expect(text).toContain('evil\\\\x1b[2J.livepatch');
    expect(text).toContain('h\u00e9llo');
  });

  it('shorten nothing', () => {
    const name = 'n'.repeat(500);
    expect(documentJson({ ...passed, functions: passed.functions.map((row) => ({ ...row, name })) })).toContain(name);
  });

  it('end with a line feed', () => {
    expect(documentJson(checked)).toMatch(/[^\n]\n$/);
  });
});
