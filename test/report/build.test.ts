import { describe, expect, it } from 'vitest';
import type { BuildDocument } from '../../src/documents/index.ts';
import { buildSchema } from '../../src/documents/schemas.ts';
import { documentJson, PLAIN, renderBuild } from '../../src/report/index.ts';
import { builtOne, refusedOne, severalBases, unchangedOne } from './build-fixtures.ts';
import { testText } from './coloured.ts';

const GOLDEN: readonly [name: string, document: BuildDocument][] = [
  ['build-built', builtOne],
  ['build-refused', refusedOne],
  ['build-unchanged', unchangedOne],
  ['build-several', severalBases],
];

describe.each(GOLDEN)('%s as text', (name, document) => {
  testText(name, (style) => renderBuild(document, style));

  it('has the document that the schema describes', () => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(buildSchema.parse(printed)).toEqual(printed);
  });
});

describe('a build as text', () => {
  it('tells of bases that agree once', () => {
    const text = renderBuild(severalBases, PLAIN);
    expect(text.match(/^(BUILT|REFUSED|ERROR) .*/gm)).toEqual([
      'BUILT  4.17.5-1, 4.17.5-2',
      'REFUSED  4.17.4-1',
      'ERROR  4.17.4-2',
    ]);
  });

  it('has a row for each function that changed anywhere, and a column for each base', () => {
    const text = renderBuild(severalBases, PLAIN);
    expect(text).toMatch(/^function +4\.17\.5-1 +4\.17\.5-2 +4\.17\.4-1 +4\.17\.4-2$/m);
    expect(text).toMatch(/^do_domctl +changed +changed +\S+ +\?$/m);
  });

  it('has no control characters of what was built', () => {
    const [base] = severalBases.bases;
    if (base === undefined) throw new Error('there are bases');
    const evil = {
      ...severalBases,
      bases: [
        { ...base, name: 'a\x1b[2Jb' },
        { ...base, name: 'c', source: '\x07' },
      ],
    };
    expect(renderBuild(evil, PLAIN).replaceAll('\n', '')).toMatch(/^\P{C}+$/u);
  });
});
