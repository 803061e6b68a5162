import { describe, expect, it } from 'vitest';
import { CATALOGUE, RULE_GROUPS } from '../../src/catalogue/index.ts';
import { FILES, textOf } from './tree.ts';

describe('the catalogue', () => {
  it('has no id that nothing in the source names', () => {
    const sources = FILES.filter((path) => path.startsWith('src/') && !path.startsWith('src/catalogue/'))
      .map(textOf)
      .join('\n');
    expect(Object.keys(CATALOGUE).filter((id) => !sources.includes(`'${id}'`))).toEqual([]);
  });

  it('has each id in one group', () => {
    const grouped = RULE_GROUPS.flatMap(({ rules }) => rules);
    expect([...grouped].sort()).toEqual(Object.keys(CATALOGUE).sort());
  });

  it.each(Object.entries(CATALOGUE))('says of %s what it is and what to do, in sentences', (_id, entry) => {
    expect(entry.title).toMatch(/^[^\n]{10,100}[^\n.]$/);
    for (const text of [entry.what, entry.advice]) expect(text).toMatch(/[.`)]$/);
    // Reports print the advice in one line.
    expect(entry.advice).not.toContain('\n');
  });
});
