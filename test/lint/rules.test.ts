import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES_FOLDER, rulePages } from '../../scripts/rules.ts';
import { CATALOGUE, RULE_GROUPS, type RuleId } from '../../src/catalogue/index.ts';
import { RULES } from '../../src/lint/index.ts';
import { PLAIN, renderRules, rulePage } from '../../src/report/index.ts';
import { run } from '../cli/support.ts';
import { root } from '../support/examples.ts';
import { PAGE_CASES } from './page-cases.ts';

const ids = RULES.map(({ id }) => id);

describe('the table of rules', () => {
  it('has each rule once, with a file of its name', () => {
    expect(new Set(ids).size).toBe(ids.length);
    const files = readdirSync(join(root, 'src/lint/rules')).map((name) => name.replace('.ts', ''));
    expect(files.sort()).toEqual([...ids].sort());
  });

  it('is in the order of the catalogue’s group', () => {
    expect([...ids].sort()).toEqual([...(RULE_GROUPS.find((group) => group.id === 'lint')?.rules ?? [])].sort());
  });
});

describe('docs/rules', () => {
  const written = (name: string): string => readFileSync(join(RULES_FOLDER, name), 'utf8');

  it('matches the output of scripts/rules.ts', async () => {
    const pages = await rulePages();
    expect(readdirSync(RULES_FOLDER).sort()).toEqual([...pages.keys()].sort());
    for (const [name, text] of pages) expect(written(name), `${name}: run npx tsx scripts/rules.ts`).toBe(text);
  }, 60_000);

  it.each(Object.keys(PAGE_CASES))('shows the program’s output for %s', (id) => {
    expect(written(`${id}.md`)).toMatch(new RegExp(`^ {2}(error|warning|note)\\[${id}\\] `, 'm'));
  });

  it('lacks transcripts only for rules that need debug data or a host with CET-IBT', () => {
    expect(ids.filter((id) => !(id in PAGE_CASES)).sort()).toEqual([
      'alternative-ibt',
      'inlined-copy',
      'struct-layout',
    ]);
  });
});

describe('xsplice rules', () => {
  it('lists them', async () => {
    const { status, stdout } = await run(['rules']);
    expect(status).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}([a-z0-9-]+) +(?:error|warning|note) /gm)].map(([, id]) => id);
    expect(listed).toEqual(RULE_GROUPS.flatMap(({ rules }) => rules));
    expect([...listed].sort()).toEqual(Object.keys(CATALOGUE).sort());
  });

  it('fits the list and every page into 80 columns', async () => {
    const narrow = { ...PLAIN, width: 80 };
    const lines = [renderRules(narrow), ...Object.keys(CATALOGUE).map((id) => rulePage(id as RuleId, narrow))].flatMap(
      (text) => text.split('\n'),
    );
    expect(lines.filter((line) => line.length > narrow.width)).toEqual([]);
  });

  it('prints a page', async () => {
    for (const id of ['funcs-read-only', 'wrong-machine', 'unknown-function', 'host-panic'] as const) {
      expect(await run(['rules', id])).toMatchObject({ status: 0, stdout: rulePage(id, { width: PLAIN.width }) });
      expect(rulePage(id)).toContain(`## How to fix it\n\n${CATALOGUE[id].advice.slice(0, 60)}`);
    }
  });

  it('suggests the nearest rule for an unknown one, and reads no other file', async () => {
    const wrong = await run(['rules', 'func-read-only']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain('did you mean funcs-read-only?');
    expect((await run(['rules', '../../README'])).status).toBe(2);
  });
});

describe('--rule', () => {
  const image = join(root, 'examples/bin/miniature-xen');
  const args = ['check', join(root, 'examples/bin/hello.livepatch'), '--xen', image];

  it('passes on the last level of each rule', async () => {
    const given = ['--rule', 'funcs-read-only=off', '--rule', 'funcs-read-only=warn'];
    const { calls } = await run([...args, ...given]);
    expect(calls[0]?.options).toMatchObject({ levels: new Map([['funcs-read-only', 'warn']]) });
  });

  it.each([
    ['funcs-read-onli=off', 'did you mean funcs-read-only?'],
    ['zzz=off', 'see xsplice rules for all ids'],
    ['host-panic=off', 'host-panic is not a lint rule'],
    ['funcs-read-only', 'off, warn, error'],
    ['funcs-read-only=maybe', 'off, warn, error'],
  ])('refuses %s', async (setting, hint) => {
    const { status, stderr } = await run([...args, '--rule', setting]);
    expect(status).toBe(2);
    expect(stderr).toContain(hint);
  });
});
