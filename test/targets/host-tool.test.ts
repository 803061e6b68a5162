import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GetResult } from '../../src/xen/index.ts';
import { bootHost } from '../hypervisor/support.ts';
import { exampleBytes } from '../support/examples.ts';
import { butWith, exampleFolder, HEAD, hostWith, Pending, tool } from './support/tool.ts';

const cwd = exampleFolder();

describe('the words', () => {
  const target = bootHost();
  it.each([
    ['nothing', [], 0],
    ['help', ['help'], 0],
    ['help with more', ['help', 'me'], 0],
    ['list with more', ['list', 'x'], 1],
    ['upload of one word', ['upload', 'x'], 1],
    ['upload of three words', ['upload', 'x', 'y', 'z'], 1],
    ['load of nothing', ['load'], 1],
    ...['apply', 'revert', 'unload', 'replace'].map((verb) => [`${verb} of nothing`, [verb], 1] as const),
    ['inspect with more', ['inspect', 'x'], 1],
  ] as const)('%s: help', async (_what, words, status) => {
    expect(await tool(target, words)).toEqual({ status, stdout: '', stderr: 'HELP' });
    expect(await tool(target, words, { minor: 19 })).toEqual({ status, stdout: '', stderr: 'HELP' });
  });

  it('prints help for --force alone', async () => {
    expect(await tool(target, ['--force'], { minor: 19 })).toEqual({ status: 1, stdout: '', stderr: 'HELP' });
  });

  it('rejects unknown commands', async () => {
    const { status, stdout, stderr } = await tool(target, ['frobnicate', 'x']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^Unrecognised command 'frobnicate' -- try 'xen-livepatch help'\nxsplice: /);
    const old = await tool(target, ['--force', 'list']);
    expect(old.stderr).toMatch(/^Unrecognised command '--force' -- .*\nxsplice: --force needs .* 4\.19/);
    expect((await tool(target, ['--force', '--force', 'list'], { minor: 19 })).stderr).toContain("'--force'");
  });

  const nothing = 'Nothing to list\n';
  const unknown = 'Failed to get status of x.\nError 2: No such file or directory\n';
  it.each([
    ['', [], { status: 0, stdout: '', stderr: 'HELP' }],
    ['h', [], { status: 0, stdout: '', stderr: 'HELP' }],
    ['l', [], { status: 0, stdout: nothing, stderr: '' }],
    ['lo', [], { status: 1, stdout: '', stderr: 'HELP' }],
    ['u', ['x'], { status: 1, stdout: '', stderr: 'HELP' }],
    ['up', ['x'], { status: 1, stdout: '', stderr: 'HELP' }],
    ['un', ['x'], { status: 1, stdout: '', stderr: unknown }],
    ['a', ['x'], { status: 1, stdout: '', stderr: unknown }],
    ['r', ['x', '-f'], { status: 1, stdout: '', stderr: 'Unsupported flag: -f.\n' }],
    ['rep', ['x'], { status: 1, stdout: '', stderr: unknown }],
  ])('may be abbreviated to %j up to 4.18, and must be exact since', async (word, more, printed) => {
    expect(await tool(target, [word, ...more], { minor: 18 })).toEqual(printed);
    expect((await tool(target, [word, ...more], { minor: 19 })).stderr).toMatch(`Unrecognised command '${word}'`);
  });

  it('after the name are flags, and only apply has one', async () => {
    const refused = (flag: string) => ({ status: 1, stdout: '', stderr: `Unsupported flag: ${flag}.\n` });
    expect(await tool(target, ['apply', 'x', '--nodep'])).toEqual(refused('--nodep'));
    for (const verb of ['revert', 'unload', 'replace']) {
      expect(await tool(target, [verb, 'x', '--nodeps'])).toEqual(refused('--nodeps'));
    }
    expect(await tool(target, ['apply', 'x', 'constructor'])).toEqual(refused('constructor'));
    // Up to 4.13 there are none at all.
    expect(await tool(target, ['apply', 'x', '--nodeps'], { minor: 13 })).toMatchObject({ status: 1, stderr: 'HELP' });
  });
});

describe('names', () => {
  it('may have 128 bytes in the tool, but 127 in the hypervisor', async () => {
    const target = bootHost();
    const file = join(cwd, 'hello.livepatch');
    const tooLong = { status: 1, stdout: '', stderr: 'ID must be no more than 128 characters.\n' };
    for (const words of [
      ['upload', 'x'.repeat(129), file],
      ['apply', 'é'.repeat(65)],
    ]) {
      expect(await tool(target, words)).toEqual(tooLong);
    }
    expect(await tool(target, ['upload', 'x'.repeat(128), file])).toMatchObject({
      status: 1,
      stdout: `Uploading ${file}... failed\n`,
      stderr: expect.stringMatching(/^Error 22: Invalid argument\n/),
    });
    expect(await tool(target, ['upload', 'é'.repeat(63), file])).toMatchObject({ status: 0, stderr: '' });
    expect((await tool(target, ['list'])).stdout).toBe(
      `${HEAD}${'é'.repeat(63)}| CHECKED    | purpose=say hello;author=xsplice\n`,
    );
  });
});

describe('upload', () => {
  it('reports completion', async () => {
    const target = bootHost();
    expect(await tool(target, ['upload', 'hi', 'hello.livepatch'], { cwd })).toEqual({
      status: 0,
      stdout: 'Uploading hello.livepatch... completed\n',
      stderr: '',
    });
    expect(await target.get('hi')).toMatchObject({ state: 1 });
  });

  it('prints the reason of a refusal, and the hypervisor’s line', async () => {
    const target = await hostWith('hello');
    expect(await tool(target, ['upload', 'hello', 'data.livepatch'], { cwd })).toEqual({
      status: 1,
      stdout: 'Uploading data.livepatch... failed\n',
      stderr: 'Error 17: File exists\n',
    });
    expect(await tool(target, ['upload', 'w', 'wrong-build-id.livepatch'], { cwd })).toEqual({
      status: 1,
      stdout: 'Uploading wrong-build-id.livepatch... failed\n',
      stderr: 'Error 22: Invalid argument\n(XEN) livepatch: w: check against hypervisor build-id failed\n',
    });
  });

  it.each([
    ['nosuch', 'Could not open nosuch.\nError 2: No such file or directory\n'],
    ['hello.livepatch/x', 'Could not open hello.livepatch/x.\nError 20: Not a directory\n'],
    ['', 'Could not open .\nError 2: No such file or directory\n'],
    ['empty', 'Could not map empty.\nError 22: Invalid argument\n'],
    ['folder', 'Could not map folder.\nError 19: No such device\n'],
  ])('rejects the file %j before calling the hypervisor', async (file, stderr) => {
    expect(await tool(bootHost(), ['upload', 'x', file], { cwd })).toEqual({ status: 1, stdout: '', stderr });
  });

  it('with --force sets the flag, from 4.19 on', async () => {
    const flags: unknown[] = [];
    const target = butWith(bootHost(), {
      upload: async (_name, _payload, word) => {
        flags.push(word);
        return { kind: 'answered', rc: 0 };
      },
    });
    await tool(target, ['--force', 'upload', 'x', 'hello.livepatch'], { cwd, minor: 19 });
    await tool(target, ['upload', 'x', 'hello.livepatch'], { cwd, minor: 19 });
    expect(flags).toEqual([1, 0]);
  });
});

describe('the actions', () => {
  it('take a payload through its life', async () => {
    const target = await hostWith('hello');
    const sleeps: number[] = [];
    const sleep = async (ms: number) => void sleeps.push(ms);
    const run = (...words: string[]) => tool(target, words, { sleep });
    const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });
    expect(await run('apply', 'hello')).toEqual(done('Applying hello... completed\n'));
    expect(await run('apply', 'hello')).toEqual(done('No action needed.\n'));
    expect(await run('replace', 'hello')).toEqual(done('No action needed.\n'));
    expect(await run('unload', 'hello')).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^hello is in the wrong state\.\nCurrent state: APPLIED\nExpected state: CHECKED\n/,
      ),
    });
    expect(await run('revert', 'hello')).toEqual(done('Reverting hello... completed\n'));
    expect(await run('revert', 'hello')).toEqual(done('No action needed.\n'));
    expect(await run('unload', 'hello')).toEqual(done('Unloading hello... completed\n'));
    // Once for each action that the hypervisor accepted.
    expect(sleeps).toEqual([60, 60, 60]);
  });

  it('replace all others', async () => {
    const target = await hostWith('hello', 'replace');
    await target.action('hello', 'apply');
    expect(await tool(target, ['replace', 'replace'])).toEqual({
      status: 0,
      stdout: 'Replacing all live patches with replace... completed\n',
      stderr: '',
    });
    expect((await tool(target, ['list'])).stdout).toMatch(/^hello +\| CHECKED.*\nreplace +\| APPLIED/m);
  });

  it.each(['apply', 'revert', 'unload', 'replace'])('%s of a payload that is not there', async (verb) => {
    expect(await tool(bootHost(), [verb, 'nosuch'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'Failed to get status of nosuch.\nError 2: No such file or directory\n',
    });
  });

  it('give the hypervisor 30 ms, and --nodeps as a flag', async () => {
    const asked: unknown[] = [];
    const simulated = await hostWith('stack');
    const target = butWith(simulated, {
      action: (...args) => {
        asked.push(args);
        return simulated.action(...args);
      },
    });
    expect(await tool(target, ['apply', 'stack'])).toMatchObject({
      status: 1,
      stdout: 'Applying stack... failed\n',
      stderr: 'Error 22: Invalid argument\n(XEN) livepatch: stack: check against hypervisor build-id failed\n',
    });
    expect(await tool(target, ['apply', 'stack', '--nodeps'])).toMatchObject({ status: 0, stderr: '' });
    expect(asked).toEqual([
      ['stack', 'apply', { timeout: 30_000_000, flags: 0 }],
      ['stack', 'apply', { timeout: 30_000_000, flags: 1 }],
    ]);
  });

  it('ask for a retry if the payload is not on top', async () => {
    const target = await hostWith('hello', 'stack');
    for (const name of ['hello', 'stack']) await target.action(name, 'apply');
    await target.takeConsole();
    expect(await tool(target, ['revert', 'hello'])).toEqual({
      status: 2,
      stdout: 'Reverting hello... failed\n',
      stderr: "Error 16: Device or resource busy\n(XEN) livepatch: hello: can't unload. Top is stack\n",
    });
  });

  it('report the action’s result if the call itself succeeded', async () => {
    const target = await hostWith('expectation-fails');
    const { status, stdout, stderr } = await tool(target, ['apply', 'expectation-fails']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'Applying expectation-fails... failed\n' });
    expect(stderr).toMatch(
      /^Error 22: Invalid argument\n\(XEN\) livepatch: .*\n\(XEN\) .*: expectation failed: expected:/,
    );
  });

  it('report an action that is pending, or does not end', async () => {
    const simulated = await hostWith('hello');
    const target = new Pending(simulated);
    expect(await tool(target, ['apply', 'hello'])).toMatchObject({
      status: 2,
      stdout: 'Applying hello... failed\n',
      stderr: expect.stringMatching(/^Operation didn't complete\.\n/),
    });
    expect(await tool(target, ['revert', 'hello'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Cannot execute revert\.\nOperation already in progress\.\n/),
    });
    target.settle();
    expect(await tool(target, ['apply', 'hello'])).toMatchObject({ status: 0, stdout: 'No action needed.\n' });
    expect(await tool(target, ['revert', 'hello'], { sleep: async () => target.settle() })).toMatchObject({
      status: 0,
      stdout: 'Reverting hello... completed\n',
    });
  });

  it('succeed or fail according to the second GET', async () => {
    const simulated = await hostWith('hello');
    const answers = (second: GetResult) => {
      let next = found(1, 0);
      return butWith(simulated, {
        action: async () => ({ kind: 'answered', rc: 0 }),
        get: async () => {
          const answer = next;
          next = second;
          return answer;
        },
      });
    };
    const found = (state: number, statusRc: number): GetResult => ({ kind: 'found', rc: 0, state, statusRc });
    const wrong = 'hello is in the wrong state.\nCurrent state: CHECKED\nExpected state: APPLIED\n';
    expect(await tool(answers(found(1, 0)), ['apply', 'hello'])).toMatchObject({ status: 1, stderr: wrong });
    const unknown = 'hello is in the wrong state.\nCurrent state: unknown\nExpected state: APPLIED\n';
    expect(await tool(answers(found(7, 0)), ['apply', 'hello'])).toMatchObject({ status: 1, stderr: unknown });
    expect(await tool(answers({ kind: 'refused', rc: -3 }), ['apply', 'hello'])).toMatchObject({
      status: 1,
      stdout: 'Applying hello... failed\n',
      stderr: 'Error 3: No such process\n',
    });
    expect(await tool(answers(found(2, -1)), ['apply', 'hello'])).toMatchObject({
      status: 1,
      stderr: 'Error 1: Operation not permitted\n',
    });
    const still = 'hello is in the wrong state.\nCurrent state: CHECKED\nExpected state: unknown\n';
    expect(await tool(answers(found(1, 0)), ['unload', 'hello'])).toMatchObject({ status: 1, stderr: still });
  });
});

describe('load', () => {
  it('uploads under the file’s name and applies', async () => {
    const target = bootHost();
    writeFileSync(join(cwd, 'a.b.livepatch'), exampleBytes('hello'));
    expect(await tool(target, ['load', join(cwd, 'a.b.livepatch')])).toEqual({
      status: 0,
      stdout: `Uploading ${join(cwd, 'a.b.livepatch')}... completed\nApplying a.b... completed\n`,
      stderr: '',
    });
    expect(await target.get('a.b')).toMatchObject({ state: 2 });
  });

  it('unloads a payload that cannot be applied, and keeps the reason', async () => {
    const target = bootHost();
    const { status, stdout, stderr } = await tool(target, ['load', 'stack.livepatch'], { cwd });
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: 'Uploading stack.livepatch... completed\nApplying stack... failed\nUnloading stack... completed\n',
    });
    expect(stderr).toMatch(/^Error 22: Invalid argument\n\(XEN\) livepatch: stack: check against/);
    expect(await target.get('stack')).toMatchObject({ rc: -2 });
    expect(await tool(target, ['load', 'stack.livepatch', '--nodeps'], { cwd })).toMatchObject({ status: 0 });
  });

  it('stops if the upload fails', async () => {
    const { status, stdout, stderr } = await tool(bootHost(), ['load', 'no-depends.livepatch'], { cwd });
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'Uploading no-depends.livepatch... failed\n' });
    expect(stderr).toMatch(
      /^Error 22: Invalid argument\n\(XEN\) livepatch: no-depends: .livepatch.depends is missing\n/,
    );
  });
});
