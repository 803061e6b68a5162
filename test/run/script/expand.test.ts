import { describe, expect, it } from 'vitest';
import { load, loadOne, withSteps, wrong } from './support.ts';

/** `$` and what stands in its braces. */
const ref = (name: string): string => `$\{${name}}`;

describe('variables', () => {
  it('are substituted in any text, and may use earlier ones', async () => {
    const cell = await loadOne(
      `title: of ${ref('who')}\nvariables: { who: hello, file: "${ref('who')}.livepatch" }\n` +
        withSteps(`upload: { name: "${ref('who')}-1", file: "${ref('file')}", console: "x ${ref('who')}" }`),
    );
    expect(cell.title).toBe('of hello');
    expect(cell.steps[0]).toMatchObject({
      text: 'upload hello-1',
      step: { payload: { path: 'hello.livepatch' } },
      expect: { console: { contains: ['x hello'] } },
    });
  });

  it('keep their type if they are the whole text', async () => {
    const { steps, settings } = await loadOne(
      `variables: { n: 0xffffffffffffffff, yes: true, two: 2 }\ncpus: ${ref('two')}\ndebug: ${ref('yes')}\n` +
        withSteps(`call: { function: f, args: ["${ref('n')}"] }`),
    );
    expect(steps[0]?.step).toMatchObject({ args: [{ kind: 'int', value: 0xffff_ffff_ffff_ffffn }] });
    expect(settings).toMatchObject({ cpus: 2, debug: true });
  });

  it('are not substituted after a second dollar', async () => {
    const { steps } = await loadOne(`variables: { a: x }\n${withSteps(`get: "$${ref('a')} ${ref('a')}"`)}`);
    expect(steps[0]?.step).toMatchObject({ name: `${ref('a')} x` });
  });

  it.each([
    ['an unknown name', withSteps(`get: ${ref('nam')}`), 'x.yaml:2:10: there is no variable nam'],
    [
      'an unterminated one',
      withSteps('get: "a ${b"'.replace('${', '$' + '{')),
      'a variable that is begun and not ended',
    ],
    [
      'one that uses a later one',
      `variables: { a: "${ref('b')}", b: x }\n${withSteps('list')}`,
      'there is no variable b',
    ],
    ['a list as a value', `variables: { a: [1] }\n${withSteps('list')}`, 'x.yaml:1:17: a: a variable is text'],
    ['a name with a blank', `variables: { "a b": 1 }\n${withSteps('list')}`, 'invalid variable name a b'],
  ])('%s is refused', async (_what, text, message) => {
    expect(await wrong(text)).toContain(message);
  });
});

describe('a matrix', () => {
  it('is the product of its lists, the last varying fastest', async () => {
    const cells = await load(
      `release: [4.17.2, 4.18.1]\nmatrix: { cpu: [amd-zen4, intel-skylake], who: [a, b] }\n${withSteps(`get: "${ref('who')}"`)}`,
    );
    expect(cells.map(({ cell }) => cell)).toEqual([
      'release=4.17.2 cpu=amd-zen4 who=a',
      'release=4.17.2 cpu=amd-zen4 who=b',
      'release=4.17.2 cpu=intel-skylake who=a',
      'release=4.17.2 cpu=intel-skylake who=b',
      'release=4.18.1 cpu=amd-zen4 who=a',
      'release=4.18.1 cpu=amd-zen4 who=b',
      'release=4.18.1 cpu=intel-skylake who=a',
      'release=4.18.1 cpu=intel-skylake who=b',
    ]);
    expect(cells[3]?.settings).toEqual({ release: '4.17.2', cpu: 'intel-skylake' });
    expect(cells[3]?.steps[0]?.text).toBe('get b');
  });

  it('varies debug, cpus and loglvl, too', async () => {
    const cells = await load(`debug: [true, false]\ncpus: [1, 8]\nloglvl: [all, none]\n${withSteps('list')}`);
    expect(cells).toHaveLength(8);
    expect(cells[7]?.settings).toEqual({ debug: false, cpus: 8, loglvl: 'none' });
  });

  it('defines variables, and is overridden by the command line', async () => {
    const text = `matrix: { release: [4.17.2, 4.18.1] }\nvariables: { f: "p-${ref('release')}" }\n${withSteps(`get: "${ref('f')}"`)}`;
    expect((await load(text)).map(({ steps }) => steps[0]?.text)).toEqual(['get p-4.17.2', 'get p-4.18.1']);
    const [only, ...others] = await load(text, { release: '4.20.0' });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ cell: '', settings: { release: '4.20.0' }, steps: [{ text: 'get p-4.20.0' }] });
  });

  it.each([
    ['no values', `release: []\n${withSteps('list')}`, 'release has no values'],
    ['one value', `matrix: { release: a }\n${withSteps('list')}`, 'release has to be a list of values'],
    ['a setting that it cannot vary', `matrix: { xen: [a] }\n${withSteps('list')}`, 'a matrix cannot vary xen'],
    [
      'a key twice',
      `release: a\nmatrix: { release: [b] }\n${withSteps('list')}`,
      'release is both a setting and in matrix',
    ],
    ['a wrong value', `cpus: [1, x]\n${withSteps('list')}`, 'x.yaml:1:7: cpus has to be a whole number'],
  ])('%s is refused', async (_what, text, message) => {
    expect(await wrong(text)).toContain(message);
  });
});

describe('include', () => {
  it('at the top provides settings, variables, a matrix and payloads, which the file can override', async () => {
    const cells = await load({
      'x.yaml': `include: lib/base.yaml\ncpu: amd-zen4\nvariables: { a: mine }\n${withSteps('upload: hello', `get: "${ref('a')} ${ref('b')}"`)}`,
      'lib/base.yaml':
        'include: [more.yaml]\ncpu: [x, y]\nloglvl: info\nvariables: { a: theirs, b: base }\nxen: xen-syms',
      'lib/more.yaml': 'loglvl: none\nrelease: ["4.18.1"]\npayloads: { hello: ../hello.livepatch }',
    });
    expect(cells).toHaveLength(1);
    expect(cells[0]).toMatchObject({
      cell: 'release=4.18.1',
      settings: { cpu: 'amd-zen4', loglvl: 'info', release: '4.18.1', xen: { path: 'lib/xen-syms' } },
      steps: [{ step: { payload: { path: 'hello.livepatch' } } }, { text: 'get mine base' }],
    });
  });

  it('as a step provides steps, with variables and payloads of its own', async () => {
    const { steps, settings } = await loadOne({
      'x.yaml': `variables: { file: part }\n${withSteps('get: a', `include: "lib/${ref('file')}.yaml"`, 'get: c')}`,
      'lib/part.yaml': `release: "4.11"\nvariables: { b: inner }\npayloads: { p: p.livepatch }\n${withSteps(`get: "${ref('b')}"`, 'upload: p')}`,
    });
    expect(steps.map(({ text }) => text)).toEqual(['get a', 'get inner', 'upload p', 'get c']);
    expect(steps[2]).toMatchObject({
      step: { payload: { path: 'lib/p.livepatch' } },
      place: { file: 'lib/part.yaml', line: 6 },
    });
    expect(settings).toEqual({});
  });

  it.each([
    ['a file that is not there', { 'x.yaml': withSteps('include: no.yaml') }, 'x.yaml:2:14: no.yaml: no such file'],
    [
      'a file that includes itself',
      { 'x.yaml': `include: x.yaml\n${withSteps('list')}` },
      'x.yaml:1:10: x.yaml includes itself',
    ],
    [
      'a ring',
      { 'x.yaml': withSteps('include: y.yaml'), 'y.yaml': withSteps('include: x.yaml') },
      'y.yaml:2:14: x.yaml includes itself',
    ],
    [
      'a mistake in what is included',
      { 'x.yaml': withSteps('include: y.yaml'), 'y.yaml': withSteps('gte: a') },
      'y.yaml:2:5: unknown step key gte',
    ],
    ['no steps in it', { 'x.yaml': withSteps('include: y.yaml'), 'y.yaml': 'title: a' }, 'y.yaml has no steps'],
    [
      'more beside it',
      { 'x.yaml': withSteps('{ include: y.yaml, expect: { errno: 0 } }') },
      'include must stand alone',
    ],
    ['a variable at the top', { 'x.yaml': `include: ${ref('a')}\n${withSteps('list')}` }, 'takes no variables'],
  ])('%s is refused', async (_what, texts, message) => {
    expect(await wrong(texts as unknown as Record<string, string>)).toContain(message);
  });
});

describe('paths', () => {
  it.each([
    ['up', '../hello.livepatch', "is outside of the scenario's folder"],
    ['up and down', 'a/../../hello.livepatch', "is outside of the scenario's folder"],
    ['absolute', '/etc/hostname', 'is an absolute path'],
    ['of Windows', 'C:/hello', 'is an absolute path'],
    ['with a NUL', 'a\\0b', 'a path cannot contain a NUL'],
    ['a folder', '.', 'is a folder'],
  ])('%s', async (_what, path, message) => {
    for (const text of [
      withSteps(`upload: { name: a, file: "${path}" }`),
      withSteps(`include: "${path}"`),
      `include: "${path}"\n${withSteps('list')}`,
      `xen: "${path}"\n${withSteps('list')}`,
      `payloads: { a: "${path}" }\n${withSteps('upload: a')}`,
      `variables: { v: "${path}" }\n${withSteps(`upload: { name: a, file: "${ref('v')}" }`)}`,
    ]) {
      expect(await wrong(text)).toContain(message);
    }
  });

  it('may go up within the scenario', async () => {
    const { steps } = await loadOne({
      'x.yaml': withSteps('include: a/b.yaml'),
      'a/b.yaml': withSteps('upload: { name: p, file: ./.././p/q.livepatch }'),
    });
    expect(steps[0]?.step).toMatchObject({ payload: { path: 'p/q.livepatch' } });
  });
});
