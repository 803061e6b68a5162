import { stripVTControlCharacters } from 'node:util';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { buildSchema } from '../../src/report/build-schema.ts';
import { type BuildDocument, documentJson, PLAIN, renderBuild } from '../../src/report/index.ts';
import { builtOne, refusedOne, severalBases, unchangedOne } from './build-fixtures.ts';
import { COLOURED } from './coloured.ts';

const GOLDEN: readonly [name: string, document: BuildDocument][] = [
  ['build-built', builtOne],
  ['build-refused', refusedOne],
  ['build-unchanged', unchangedOne],
  ['build-several', severalBases],
];

describe.each(GOLDEN)('%s as text', (name, document) => {
  const text = renderBuild(document, PLAIN);

  it('is as it was approved', async () => {
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('keeps its columns when it is coloured', () => {
    const coloured = renderBuild(document, COLOURED);
    expect(coloured).not.toBe(text);
    expect(stripVTControlCharacters(coloured)).toBe(text);
  });

  it('has no blanks at line ends, no control character, and ends with one line feed', () => {
    expect(text).not.toMatch(/[ \t]$/m);
    expect(text.replaceAll('\n', '')).toMatch(/^\P{C}+$/u);
    expect(text).toMatch(/[^\n]\n$/);
  });

  it('has the document that the schema describes', () => {
    const printed: unknown = JSON.parse(documentJson(document));
    expect(buildSchema.parse(printed)).toEqual(printed);
  });
});

/** The same type with nothing readonly. */
type Writable<T> = T extends readonly (infer E)[]
  ? Writable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

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

  it('is typed as the schema has it', () => {
    expectTypeOf<Writable<BuildDocument>>().toEqualTypeOf<z.infer<typeof buildSchema>>();
  });
});
