import { describe, expect, it } from 'vitest';
import { load, loadOne, withSteps, wrong } from './support.ts';

describe('a good file', () => {
  it('may use every feature', async () => {
    const cell = await loadOne(`
xen: xen-syms
release: "4.18.1"
payloads: { legacy: legacy.livepatch }
steps:
  - upload: { name: hello, file: hello.livepatch }
  - apply: hello
  - call: { function: xen_extra_version, returns: { string: "-hello" } }
  - revert: hello
  - upload: { name: bad, file: wrong-build-id.livepatch, errno: EINVAL, console: "build-id failed" }
  - upload: legacy
  - panics: { apply: legacy, error_code: 3 }
`);
    expect(cell.settings).toEqual({
      release: '4.18.1',
      xen: { path: 'xen-syms', place: { file: 'x.yaml', path: 'x.yaml', line: 2, column: 6 } },
    });
    expect(cell.steps.map(({ text }) => text)).toEqual([
      'upload hello',
      'apply hello',
      'call xen_extra_version',
      'revert hello',
      'upload bad',
      'upload legacy',
      'apply legacy, panics',
    ]);
    expect(cell.steps[4]?.expect).toEqual({ errno: 'EINVAL', console: { contains: ['build-id failed'] } });
    expect(cell.steps[6]?.panics).toEqual({ errorCode: 3 });
    expect(cell.steps[5]?.place).toMatchObject({ line: 11, column: 5 });
  });

  it('keeps a release that looks like a number as text', async () => {
    const cells = await load(`release: [4.20, 4.9]\n${withSteps('list')}`);
    expect(cells.map(({ settings }) => settings.release)).toEqual(['4.20', '4.9']);
  });

  it('keeps integers of 64 bits exact, decimal, hex and negative, as numbers and as text', async () => {
    const args = '[18446744073709551615, 0xffff82d0405b0001, "0xffff82d0405b0001", -1, 9007199254740993]';
    const { steps } = await loadOne(
      withSteps(`call: { function: f, args: ${args}, returns: { int: 0x8000000000000001 } }`),
    );
    expect(steps[0]?.step).toMatchObject({
      args: [
        { kind: 'int', value: 0xffff_ffff_ffff_ffffn },
        { kind: 'int', value: 0xffff_82d0_405b_0001n },
        { kind: 'int', value: 0xffff_82d0_405b_0001n },
        { kind: 'int', value: 0xffff_ffff_ffff_ffffn },
        { kind: 'int', value: 9007199254740993n },
      ],
    });
    expect(steps[0]?.expect).toEqual({ returns: { int: 0x8000_0000_0000_0001n } });
  });

  it('takes arguments that are text and memory', async () => {
    const args = '[hello, { string: "0x10" }, { hex: "00 fF" }, { zero: 3 }, { int: 7 }]';
    const { steps } = await loadOne(withSteps(`call: { function: f, args: ${args}, buffers: [~, { string: ok }] }`));
    expect(steps[0]?.step).toMatchObject({
      args: [
        { kind: 'string', text: 'hello' },
        { kind: 'string', text: '0x10' },
        { kind: 'buffer', bytes: new Uint8Array([0, 255]) },
        { kind: 'buffer', bytes: new Uint8Array(3) },
        { kind: 'int', value: 7n },
      ],
    });
    expect(steps[0]?.expect).toEqual({ buffers: [null, { text: 'ok' }] });
  });

  it('encodes text as UTF-8', async () => {
    const { steps } = await loadOne(withSteps('get: "h\\u00e9llo \\U0001f600"'));
    expect(steps[0]?.step).toEqual({ verb: 'get', name: 'h\xc3\xa9llo \xf0\x9f\x98\x80' });
  });

  it('takes all settings, durations with units', async () => {
    const { settings } = await loadOne(
      `cpu: amd-zen4\ncpus: 4\nlate: { 1: 40ms, 2: 7 }\nstuck: [3]\ndebug: true\nloglvl: info\ntimeout: 2s\nnodeps: true\n${withSteps('list')}`,
    );
    expect(settings).toEqual({
      cpu: 'amd-zen4',
      cpus: 4,
      late: { 1: 40_000_000, 2: 7 },
      stuck: [3],
      debug: true,
      loglvl: 'info',
      timeout: 2_000_000_000,
      nodeps: true,
    });
  });

  it('has expectations next to the verb, or in it', async () => {
    const { steps } = await loadOne(
      withSteps(
        'apply: { name: p, errno: EBUSY, state: CHECKED }\n    expect: { console: { absent: x, exact: [a, b] } }',
        'unload: p\n    expect: { errno: 0, rc: EAGAIN, console: [a, b] }',
      ),
    );
    expect(steps.map(({ expect: expected }) => expected)).toEqual([
      { errno: 'EBUSY', state: 'CHECKED', console: { absent: ['x'], exact: ['a', 'b'] } },
      { errno: 0, rc: 'EAGAIN', console: { contains: ['a', 'b'] } },
    ]);
  });

  it('names payload files once, by their keys', async () => {
    const { steps } = await loadOne(
      `payloads:\n  bye: bye.livepatch\n  hello: { file: sub/hello.livepatch, fit: true, depends: bye }\n${withSteps('upload: hello', 'upload: { name: second, payload: bye, flags: 1 }')}`,
    );
    const source = { path: 'bye.livepatch', fit: false, depends: null };
    expect(steps[0]?.step).toMatchObject({
      name: 'hello',
      payload: { path: 'sub/hello.livepatch', fit: true, depends: source },
    });
    expect(steps[1]?.step).toMatchObject({ name: 'second', payload: source, flags: 1 });
  });
});

describe('a wrong file', () => {
  it.each([
    [
      'an unknown key',
      'stpes: []',
      'x.yaml:1:1: unknown key stpes in a scenario; did you mean steps?\nknown keys: title',
    ],
    ['no steps', 'title: x', 'x.yaml: has no steps'],
    ['steps that are not a list', 'steps: hello', 'x.yaml:1:8: steps has to be a list'],
    ['a list', '- a', 'x.yaml:1:1: a scenario is a mapping'],
    ['nothing', '# nothing', 'x.yaml: is empty'],
    ['no YAML', 'steps: [', 'x.yaml:1:9: '],
    ['a tag', 'steps: !!float 1.5', 'x.yaml:1:8: unresolved tag'],
    ['two documents', 'steps: []\n---\nsteps: []', 'multiple documents'],
    ['a key twice', 'release: a\nrelease: b', 'x.yaml:2:1: release is there twice'],
    ['a mapping as a key', '? { a: b }\n: c', 'x.yaml:1:3: '],
    [
      'an unknown verb',
      withSteps('aply: hello'),
      'x.yaml:2:5: unknown step key aply; did you mean apply?\na step is one of upload',
    ],
    [
      'two verbs',
      withSteps('{ apply: a, revert: a }'),
      'x.yaml:2:17: a step has one verb, but this one has apply and revert',
    ],
    ['no verb', withSteps('expect: { errno: 0 }'), 'this step has no verb'],
    ['a verb that needs more, alone', withSteps('apply'), 'x.yaml:2:5: a step is a verb'],
    [
      'a key in a verb',
      withSteps('apply: { name: a, timout: 1 }'),
      'x.yaml:2:23: unknown key timout; did you mean timeout?\nknown keys: name, timeout',
    ],
    ['a missing key', withSteps('apply: { timeout: 1 }'), 'x.yaml:2:12: name is missing'],
    ['an unknown errno', withSteps('get: { name: a, errno: EVIL }'), 'x.yaml:2:28: errno has to be an errno by name'],
    [
      'an unknown state',
      withSteps('get: { name: a, state: APLIED }'),
      'state has to be one of CHECKED, APPLIED, none; did you mean APPLIED?',
    ],
    [
      'a number as a name',
      withSteps('apply: 12'),
      'x.yaml:2:12: name has to be text: put it into quotes; it is a number',
    ],
    ['an empty name', withSteps('apply: ""'), 'name is empty'],
    [
      'an unknown payload',
      `payloads: { hello: h }\n${withSteps('upload: helo')}`,
      'x.yaml:3:13: there is no payload helo; did you mean hello?\npayloads: hello',
    ],
    [
      'depends without fit',
      `payloads: { a: b, c: { file: d, depends: a } }\n${withSteps('upload: c')}`,
      'x.yaml:1:42: depends is for payloads with fit: true',
    ],
    [
      'a payload that depends on itself',
      `payloads: { a: { file: d, fit: true, depends: a } }\n${withSteps('upload: a')}`,
      'more than 16 payloads that depend on one another',
    ],
    [
      'file and payload',
      withSteps('upload: { name: a, file: f, payload: a }'),
      'x.yaml:2:42: file and payload exclude each other',
    ],
    ['fit without a file', withSteps('upload: { name: a, fit: true }'), 'fit belongs to file'],
    [
      'nodeps and flags',
      withSteps('apply: { name: a, nodeps: true, flags: 1 }'),
      'nodeps and flags exclude each other',
    ],
    [
      'an expectation twice',
      withSteps('apply: { name: a, errno: 0 }\n    expect: { errno: 0 }'),
      'x.yaml:3:5: errno is given twice',
    ],
    [
      'an expectation that the verb has not',
      withSteps('dump: ~\n    expect: { errno: 0 }'),
      'x.yaml:3:5: dump has no errno\nit has console',
    ],
    ['a step after a panic', withSteps('panics: { apply: a }', 'list'), 'x.yaml:3:5: a step after apply a, panics'],
    ['panics in panics', withSteps('panics: { panics: { apply: a } }'), 'unknown step key panics'],
    [
      'an errno of a host that panics',
      withSteps('panics: { apply: { name: a, errno: EINVAL } }'),
      'x.yaml:2:15: errno is expected of a host that panics',
    ],
    [
      'a result of a host that panics',
      withSteps('panics: { call: { function: f, returns: { int: 1 } } }'),
      'x.yaml:2:15: a result is expected of a host that panics',
    ],
    ['panics without a verb', withSteps('panics: { error_code: 3 }'), 'this step has no verb'],
    [
      'a number that is too large',
      withSteps('call: { function: f, args: [0x10000000000000000] }'),
      'args, entry 1 has to be',
    ],
    ['a float', withSteps('list: { nr: 1.5 }'), 'x.yaml:2:17: nr has to be a whole number from 0 to 4294967295'],
    ['too many CPUs', `cpus: 5000\n${withSteps('list')}`, 'x.yaml:1:7: cpus has to be a whole number from 1 to 4095'],
    ['an unknown unit', `timeout: 3 weeks\n${withSteps('list')}`, 'x.yaml:1:10: timeout has to be nanoseconds'],
    ['invalid hex digits', withSteps('call: { function: f, args: [{ hex: "0" }] }'), 'x.yaml:2:33'],
    [
      'buffers for other buffers',
      withSteps('call: { function: f, args: [{ zero: 1 }], buffers: [] }'),
      'buffers has 0 entries for 1 buffers',
    ],
    ['an unknown anchor', 'steps: *nobody', 'x.yaml:1:8: nothing has the anchor &nobody'],
    ['__proto__ as a key', withSteps('apply: { name: a, __proto__: { x: 1 } }'), 'unknown key __proto__'],
    ['a list where text is expected', withSteps('get: [a]'), 'x.yaml:2:10: get has to be a mapping; it is a list'],
  ])('%s', async (_what, text, message) => {
    expect((await wrong(text)).toLowerCase()).toContain(message.toLowerCase());
  });
});
