import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../../src/base/index.ts';
import { loadScenario, SCRIPT_LIMITS } from '../../../src/run/index.ts';
import { load, loadOne, memoryFiles, withSteps, wrong } from './support.ts';

const ref = (name: string): string => `$\{${name}}`;
const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join('');

/** Each of these ends soon: the runner's own time limit is far above. */
const SOON_MS = 5000;

describe('a limit is named', () => {
  it.each([
    ['bytes of a file', `# ${'x'.repeat(SCRIPT_LIMITS.fileBytes)}`, `more than ${SCRIPT_LIMITS.fileBytes} bytes`],
    ['levels', `steps: ${'['.repeat(200)}${']'.repeat(200)}`, `more than ${SCRIPT_LIMITS.nesting} levels`],
    ['levels that overflow a recursive parser', `steps: ${'['.repeat(100_000)}`, 'x.yaml'],
    [
      'values behind aliases',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\n${times(8, (i) => `${'bcdefghi'[i]}: &${'bcdefghi'[i]} [${times(10, () => `*${'abcdefghi'[i]},`)}]\n`)}`,
      `more than ${SCRIPT_LIMITS.aliases} aliases`,
    ],
    [
      'values',
      `a: &a [${'1,'.repeat(2000)}]\nb: &b [${'*a,'.repeat(40)}]\nc: [${'*b,'.repeat(40)}]`,
      `more than ${SCRIPT_LIMITS.values} values`,
    ],
    ['an alias within itself', 'a: &a [*a]', `more than ${SCRIPT_LIMITS.nesting} levels`],
    [
      'steps',
      withSteps(...Array.from({ length: SCRIPT_LIMITS.steps + 1 }, () => 'list')),
      `more than ${SCRIPT_LIMITS.steps} steps`,
    ],
    [
      'combinations',
      `matrix: { a: [${'1,'.repeat(40)}], b: [${'1,'.repeat(40)}] }\n${withSteps('list')}`,
      `more than ${SCRIPT_LIMITS.combinations} combinations`,
    ],
    [
      'steps of all combinations',
      `matrix: { a: [${'1,'.repeat(200)}] }\n${withSteps(...Array.from({ length: 600 }, () => 'list'))}`,
      `more than ${SCRIPT_LIMITS.stepsOfAll} steps in all runs`,
    ],
    [
      'a text that doubles',
      `variables:\n  v0: "${'x'.repeat(1000)}"\n${times(20, (i) => `  v${i + 1}: "${ref(`v${i}`)}${ref(`v${i}`)}"\n`)}${withSteps('list')}`,
      `more than ${SCRIPT_LIMITS.textBytes} bytes in one text`,
    ],
    [
      'texts together',
      `variables: { a: "${'x'.repeat(60_000)}" }\n${withSteps(...Array.from({ length: 100 }, () => `get: "${ref('a')}"`))}`,
      `more than ${SCRIPT_LIMITS.textsBytes} bytes of text`,
    ],
    ['a buffer', withSteps('call: { function: f, args: [{ zero: 1048577 }] }'), 'args, entry 1 has to be'],
    [
      'buffers together',
      withSteps(...Array.from({ length: 17 }, () => 'call: { function: f, args: [{ zero: 1048576 }] }')),
      `more than ${SCRIPT_LIMITS.buffersBytes} bytes in buffers`,
    ],
    ['arguments', withSteps(`call: { function: f, args: [${'1,'.repeat(17)}] }`), 'takes at most 16 arguments'],
  ])('%s', { timeout: SOON_MS }, async (_what, text, message) => {
    expect(await wrong(text)).toContain(message);
  });

  it('files that include one another', async () => {
    const texts: Record<string, string> = { 'x.yaml': withSteps('include: f0.yaml') };
    for (let i = 0; i < 12; i++) texts[`f${i}.yaml`] = withSteps(`include: f${i + 1}.yaml`);
    expect(await wrong(texts)).toContain(`more than ${SCRIPT_LIMITS.includeDepth} files that include one another`);
  });

  it('includes that double with each file', { timeout: SOON_MS }, async () => {
    const texts: Record<string, string> = { 'x.yaml': withSteps('include: f0.yaml') };
    for (let i = 0; i < 7; i++)
      texts[`f${i}.yaml`] = withSteps(...Array.from({ length: 9 }, () => `include: f${i + 1}.yaml`));
    texts['f7.yaml'] = withSteps('list');
    expect(await wrong(texts)).toContain(`more than ${SCRIPT_LIMITS.includes} includes`);
  });

  it('a message is short, however long the key', async () => {
    expect((await wrong(`${'k'.repeat(100_000)}: 1`)).length).toBeLessThan(1000);
    const many = times(5000, (i) => `  v${i}: 1\n`);
    expect((await wrong(`variables:\n${many}${withSteps(`get: "${ref('none')}"`)}`)).length).toBeLessThan(1000);
  });

  it('many keys take linear time', { timeout: SOON_MS }, async () => {
    const { steps } = await loadOne(`variables:\n${times(15_000, (i) => `  v${i}: 1\n`)}${withSteps('list')}`);
    expect(steps).toHaveLength(1);
  });
});

describe('whatever a file holds', () => {
  const word = fc.constantFrom(
    'steps',
    'apply',
    'upload',
    'call',
    'panics',
    'include',
    'expect',
    'name',
    'args',
    'matrix',
    'variables',
    'release',
    'x.yaml',
    ref('a'),
    '__proto__',
    'constructor',
    '~',
    '0x7f',
    '-1',
    '4.20',
    '*a',
    '&a',
    '<<',
    '!!binary',
    '{',
    '[',
    ']',
    '}',
    '- ',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '"',
    "'",
    '|',
    '>',
    '#',
    ',',
    '\t',
    '\u0000',
    '\ud800',
    'é',
    '---',
    '?',
    'payloads',
    'late',
    'true',
  );

  it('it is read, or refused with EFILE', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 40 }), async (words) => {
        const text = words.join('');
        try {
          const cells = await load(text);
          expect(cells.every(({ steps }) => steps.length > 0)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(XspliceError);
          expect(error).toMatchObject({ code: 'EFILE' });
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
  });

  it('and whatever shape the data has, it is read, or refused with its place', async () => {
    const leaf = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc.constantFrom(
      'apply',
      'name',
      'get',
      'list',
      'call',
      'function',
      'args',
      'returns',
      'int',
      'string',
      'errno',
      'console',
      'exact',
      'expect',
      'panics',
      'zero',
      'hex',
      'upload',
      'file',
      'state',
    );
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(key, tie('node'), { maxKeys: 4 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 3 }), async (steps) => {
        try {
          await load(JSON.stringify({ steps }));
        } catch (error) {
          expect(error).toBeInstanceOf(XspliceError);
          expect((error as XspliceError).message).toMatch(/^x\.yaml:\d+:\d+: /);
        }
      }),
      { numRuns: 2000, seed: 7 },
    );
  });

  it('no path leaves the root', async () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b.yaml', '...', '..a', 'c d');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 8 }), fc.boolean(), async (parts, deep) => {
        const asked: string[] = [];
        const files = memoryFiles({
          'sub/x.yaml': withSteps(`include: "${parts.join('/')}"`),
          'x.yaml': withSteps(`include: "${parts.join('/')}"`),
        });
        const top = deep ? 'sub/x.yaml' : 'x.yaml';
        const watching = {
          ...files,
          readText: (path: string, cap: number) => {
            asked.push(path);
            return files.readText(path, cap);
          },
        };
        await loadScenario(top, watching).catch((error: unknown) => expect(error).toMatchObject({ code: 'EFILE' }));
        for (const path of asked) expect(path).toMatch(/^(?!\/)(?!.*(^|\/)\.{0,2}(\/|$)).+$/);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
