import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES_INDEX, rulesIndex } from '../../scripts/rules.ts';
import { CATALOGUE, RULE_GROUPS } from '../../src/catalogue/index.ts';
import { RULES } from '../../src/lint/index.ts';
import { rulePage } from '../../src/report/index.ts';
import { run } from '../cli/support.ts';
import { root } from '../support/examples.ts';

const ids = RULES.map(({ id }) => id);
const page = (id: string): string => readFileSync(join(root, 'docs/rules', `${id}.md`), 'utf8');

describe('the table of rules', () => {
  it('has each rule once, with a file of its name', () => {
    expect(new Set(ids).size).toBe(ids.length);
    const files = readdirSync(join(root, 'src/lint/rules')).map((name) => name.replace('.ts', ''));
    expect(files.sort()).toEqual([...ids].sort());
  });

  it('is the index of the pages', () => {
    expect(readFileSync(RULES_INDEX, 'utf8')).toBe(rulesIndex());
    const pages = readdirSync(join(root, 'docs/rules')).map((name) => name.replace('.md', ''));
    expect(pages.sort()).toEqual([...ids, 'README'].sort());
  });

  it.each(ids)('%s has a page that says all there is to say', (id) => {
    const text = page(id);
    expect(text.startsWith(`# ${id}\n`)).toBe(true);
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(headings).toEqual(['What', 'Why', 'How it looks', 'How to fix it', 'Source']);
    expect(text).toContain(`${CATALOGUE[id].severity}[${id}] `);
  });

  it.each(ids)('%s says on its page what it says', (id) => {
    const said = [...page(id).matchAll(new RegExp(`\\[${id}\\] (.+)`, 'g'))].map(([, text]) => text).join(' ');
    const source = readFileSync(join(root, 'src/lint/rules', `${id}.ts`), 'utf8');
    const words = said.split(' ');
    // Four words in a row of the message are in the source: names and numbers in between are the example's.
    expect(words.some((_, i) => i + 4 <= words.length && source.includes(words.slice(i, i + 4).join(' ')))).toBe(true);
  });

  it('has titles of one line without a stop', () => {
    for (const { title } of Object.values(CATALOGUE)) expect(title).toMatch(/^[^\n]{10,100}[^\n.]$/);
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

  it('prints a page', async () => {
    for (const id of ['funcs-read-only', 'wrong-machine', 'unknown-function', 'host-panic'] as const) {
      expect(await run(['rules', id])).toMatchObject({ status: 0, stdout: rulePage(id) });
      expect(rulePage(id)).toContain(`## How to fix it\n\n${CATALOGUE[id].advice.slice(0, 60)}`);
    }
  });

  it('knows the nearest to one that is not there, and reads no other file', async () => {
    const wrong = await run(['rules', 'func-read-only']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain('did you mean funcs-read-only?');
    expect((await run(['rules', '../../README'])).status).toBe(2);
  });
});

describe('--rule', () => {
  const image = join(root, 'examples/bin/miniature-xen');
  const args = ['check', join(root, 'examples/bin/hello.livepatch'), '--xen', image];

  it('hands on what was said of a rule, the last one of each', async () => {
    const given = ['--rule', 'funcs-read-only=off', '--rule', 'funcs-read-only=warn'];
    const { calls } = await run([...args, ...given]);
    expect(calls[0]?.options).toMatchObject({ levels: new Map([['funcs-read-only', 'warn']]) });
  });

  it.each([
    ['funcs-read-onli=off', 'did you mean funcs-read-only?'],
    ['zzz=off', 'xsplice rules lists all ids'],
    ['host-panic=off', 'host-panic is not a lint rule'],
    ['funcs-read-only', 'off, warn, error'],
    ['funcs-read-only=maybe', 'off, warn, error'],
  ])('refuses %s', async (setting, hint) => {
    const { status, stderr } = await run([...args, '--rule', setting]);
    expect(status).toBe(2);
    expect(stderr).toContain(hint);
  });
});
