import { describe, expect, it } from 'vitest';
import type { DiffDocument } from '../../src/documents/index.ts';
import { diffSchema } from '../../src/documents/schemas.ts';
import { type DiffDetail, documentJson, PLAIN, renderDiff } from '../../src/report/index.ts';
import { testText } from './coloured.ts';
import { builtDiff, refusedDiff, unchangedDiff, unlinkedDiff } from './diff-fixtures.ts';

const GOLDEN: readonly [name: string, document: DiffDocument, detail: DiffDetail][] = [
  ['diff-built', builtDiff, {}],
  ['diff-explained', builtDiff, { explain: true }],
  ['diff-refused', refusedDiff, {}],
  ['diff-unchanged', unchangedDiff, {}],
  ['diff-unlinked', unlinkedDiff, {}],
];

describe.each(GOLDEN)('%s as text', (name, document, detail) => {
  testText(name, (style) => renderDiff(document, style, detail));

  it('has the document that the schema describes', () => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(diffSchema.parse(printed)).toEqual(printed);
  });
});

describe('a diff as text', () => {
  it('begins with the verdict', () => {
    expect(GOLDEN.map(([, document]) => renderDiff(document, PLAIN).split(' ')[0])).toEqual([
      'BUILT',
      'BUILT',
      'REFUSED',
      'UNCHANGED',
      'BUILT',
    ]);
  });

  it('names functions that did not change only where it explains', () => {
    expect(renderDiff(builtDiff, PLAIN)).not.toContain('domain_lock');
    expect(renderDiff(builtDiff, PLAIN)).toContain('2 functions are unchanged (--explain lists them)');
    const explained = renderDiff(builtDiff, PLAIN, { explain: true });
    expect(explained).toContain('domain_lock');
    expect(explained).not.toContain('functions are unchanged');
  });

  it('does not call an object verified', () => {
    expect(renderDiff(unlinkedDiff, PLAIN)).toContain('not linked and not verified');
    expect(renderDiff(unlinkedDiff, PLAIN)).not.toContain('simulated');
  });
});

describe('the schema', () => {
  it.each([
    ['a member too many', { ...builtDiff, more: 1 }],
    ['another verdict', { ...builtDiff, verdict: 'maybe' }],
    ['a status that there is not', { ...builtDiff, functions: [{ ...builtDiff.functions[0], status: 'odd' }] }],
    ['no payload', { ...builtDiff, payload: undefined }],
  ])('refuses %s', (_what, document) => {
    expect(diffSchema.safeParse(document).success).toBe(false);
  });
});
