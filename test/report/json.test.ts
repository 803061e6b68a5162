import { describe, expect, it } from 'vitest';
import { documentJson } from '../../src/report/index.ts';
import { checked, passed } from './fixtures.ts';

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
