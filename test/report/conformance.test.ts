import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { CONFORM_CASES, conformStepText } from '../../src/conform/cases/index.ts';
import type { ConformReport } from '../../src/documents/index.ts';
import { conformanceSchema } from '../../src/documents/schemas.ts';
import { documentJson, PLAIN, renderCases, renderConformance } from '../../src/report/index.ts';

const agreed: ConformReport = { format: 'xsplice-conformance/1', cases: 12, agreed: 12, differences: [] };

const different: ConformReport = {
  format: 'xsplice-conformance/1',
  cases: 12,
  agreed: 11,
  differences: [
    { case: 'same-name', step: 2, field: 'rc', simulated: 'EEXIST', real: 0 },
    { case: 'same-name', step: 2, field: 'state', simulated: null, real: 'CHECKED' },
    { case: 'same-name', step: 2, field: 'console', simulated: ['first', 'evil \x1b[2J'], real: ['first'] },
  ],
};

type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

describe('the document', () => {
  it('has the type that the schema describes', () => {
    expectTypeOf<Mutable<ConformReport>>().toEqualTypeOf<z.infer<typeof conformanceSchema>>();
  });

  it.each([
    ['agreed', agreed],
    ['different', different],
  ] as const)('%s: is what the schema takes, as it is printed', (_name, document) => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(conformanceSchema.parse(printed)).toEqual(printed);
    expect(Object.keys(printed as object)).toEqual(['format', 'cases', 'agreed', 'differences']);
  });

  it.each([
    ['a member too many', { ...agreed, more: 1 }],
    ['another format', { ...agreed, format: 'xsplice-conformance/2' }],
    ['a step before the first', { ...different, differences: [{ ...different.differences[0], step: 0 }] }],
  ])('with %s is refused', (_what, document) => {
    expect(conformanceSchema.safeParse(document).success).toBe(false);
  });
});

describe('the text', () => {
  it('says that all agreed', () => {
    expect(renderConformance(agreed, PLAIN, conformStepText)).toBe('AGREED 12 cases\n');
  });

  it('shows both sides of each difference, and of lists the lines that are not the same', () => {
    expect(renderConformance(different, PLAIN, conformStepText)).toBe(
      [
        'same-name, step 2: upload q as p',
        '  rc',
        '    simulated  EEXIST',
        '    real       0',
        '  state',
        '    simulated  -',
        '    real       CHECKED',
        '  console',
        '    simulated  evil \\x1b[2J',
        '    real       (fewer lines)',
        '',
        'DIFFERENT 1 of 12 cases',
        '',
      ].join('\n'),
    );
  });

  it('lists cases', () => {
    const lines = renderCases(CONFORM_CASES, PLAIN).trimEnd().split('\n');
    expect(lines).toHaveLength(CONFORM_CASES.length);
    expect(lines[0]).toMatch(/^good-cycle +\d+ steps$/);
    expect(lines.find((line) => line.startsWith('function-version-1 '))).toMatch(/ 1 step$/);
  });
});
