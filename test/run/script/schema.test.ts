import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { scenarioFileSchemaText } from '../../../scripts/scenario-schema.ts';
import { load, withSteps, wrong } from './support.ts';

const published = readFileSync(new URL('../../../docs/scenario.schema.json', import.meta.url), 'utf8');
const schema = z.fromJSONSchema(JSON.parse(published));

/** A variable. */
const ref = (name: string): string => `$\{${name}}`;

/** As an editor sees a file. This validator takes no integer that a double rounds; JSON Schema knows no such bound. */
const accepts = (text: string): boolean =>
  schema.safeParse(parse(text, (_, value) => (typeof value === 'number' && value > 2 ** 53 ? 2 ** 52 : value))).success;

/** Everything in the page about scenarios that is one. */
const page = readFileSync(new URL('../../../docs/scenarios.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const whole = examples.filter((text) => /^steps:/m.test(text));

describe('docs/scenario.schema.json', () => {
  it('is current', () => {
    expect(published, 'run `npx tsx scripts/schemas.ts`').toBe(scenarioFileSchemaText());
  });

  it('describes every key', () => {
    const missing: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as { properties?: Record<string, { description?: string; $ref?: string }> };
      for (const [key, value] of Object.entries(properties ?? {})) {
        if (described(value) === undefined) missing.push(`${path}/${key}`);
      }
      for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`);
    };
    const definitions = (JSON.parse(published) as { $defs?: Record<string, { description?: string }> }).$defs ?? {};
    const described = (value: { description?: string; $ref?: string }): string | undefined =>
      value.description ?? definitions[value.$ref?.replace('#/$defs/', '') ?? '']?.description;
    walk(JSON.parse(published), '');
    expect(missing).toEqual([]);
  });

  it('accepts the scenarios of the page', () => {
    expect(whole.length).toBeGreaterThan(5);
    for (const text of whole) expect([text, accepts(text)]).toEqual([text, true]);
  });

  it('and the reader takes them', async () => {
    const parts = { '_common.yaml': 'loglvl: all', 'steps/_life.yaml': withSteps('apply: hello') };
    for (const text of whole) {
      expect((await load({ 'x.yaml': text, ...parts })).length).toBeGreaterThan(0);
    }
  });

  it.each([
    ['a variable for a number', `cpus: "${ref('n')}"\nsteps: [list]`],
    ['a variable for true and false', `debug: "${ref('n')}"\nsteps: [list]`],
    ['a variable for an errno', `steps: [{ get: { name: a, errno: "${ref('e')}" } }]`],
    ['numbers in hex', 'steps: [{ call: { function: f, args: [0xff, "0xffff82d0405b0000"], returns: { int: -1 } } }]'],
    ['errno 0', 'steps: [{ get: { name: a, errno: 0 } }]'],
    [
      'lists of settings',
      'release: ["4.18.1"]\ncpus: [1, 2]\ndebug: [true]\nsteps: [list, dump, verify, { list: ~ }, { list: [a] }]',
    ],
    ['panics', 'steps: [{ panics: { apply: a, error_code: 3, message: m, address: 0x10, console: c } }]'],
    ['an include', 'include: [a.yaml]\nsteps: [{ include: b.yaml }]'],
  ])('accepts %s', (_what, text) => {
    expect(accepts(text)).toBe(true);
  });

  it.each([
    ['an unknown key', 'stpes: []'],
    ['an unknown verb', 'steps: [{ aply: a }]'],
    ['two verbs', 'steps: [{ apply: a, revert: a }]'],
    ['a key in a verb', 'steps: [{ apply: { name: a, timout: 1 } }]'],
    ['an unknown errno', 'steps: [{ get: { name: a, errno: EVIL } }]'],
    ['an unknown state', 'steps: [{ get: { name: a, state: APLIED } }]'],
    ['no name', 'steps: [{ apply: { nodeps: true } }]'],
    ['text for a number', 'cpus: many\nsteps: [list]'],
    ['include beside a verb', 'steps: [{ include: a, apply: b }]'],
    ['a verb alone that needs more', 'steps: [apply]'],
  ])('refuses %s, as the reader does', async (_what, text) => {
    expect(accepts(text)).toBe(false);
    expect(await wrong(text)).toContain('x.yaml');
  });
});
