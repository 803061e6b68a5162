import { describe, expect, it } from 'vitest';
import { scenarioSchema } from '../../../src/documents/schemas.ts';
import { documentJson } from '../../../src/report/index.ts';
import { exampleManifest } from '../../support/examples.ts';
import { outline, runAll, runOne, withSteps } from './support.ts';

const UPLOAD = 'upload: { name: hello, file: hello.livepatch }';

describe('a scenario on a simulated host', () => {
  it('takes a payload through its life', async () => {
    const run = await runOne(
      withSteps(
        UPLOAD,
        'verify',
        'apply: hello',
        'verify',
        'get: hello',
        'list: [hello]',
        'dump',
        'revert: hello',
        'verify',
        'unload: hello',
        'list: []',
        'verify',
      ),
    );
    expect(run).toMatchObject({ verdict: 'passed', surprise: null, error: null, left: [], cell: '' });
    expect(outline(run)).toEqual([
      'upload hello 0 CHECKED',
      'verify - verified -',
      'apply hello 0 APPLIED',
      'verify - verified -',
      'get hello 0 APPLIED',
      'list - 1 -',
      'dump - dumped -',
      'revert hello 0 CHECKED',
      'verify - verified -',
      'unload hello 0 none',
      'list - 0 -',
      'verify - verified -',
    ]);
    expect(run.steps[6]?.console).toContain("'x' pressed - Dumping all livepatch patches");
    expect(run.steps.every(({ passed }) => passed)).toBe(true);
  });

  it.each(
    exampleManifest.payloads
      .filter(({ expected }) => expected.verdict === 'refused')
      .map((each) => [each.name, each] as const),
  )('%s is refused as the manifest says', async (name, { expected }) => {
    if (expected.verdict !== 'refused') throw new Error('refused');
    const upload = `upload: { name: ${name}, file: ${name}.livepatch`;
    const lines = JSON.stringify(expected.console);
    const expects = `errno: ${expected.errno}, console: ${lines}`;
    const steps =
      expected.action === 'upload'
        ? [`${upload}, ${expects} }`, `get: { name: ${name}, state: none }`]
        : [`${upload} }`, `${expected.action}: { name: ${name}, ${expects}, rc: 0, state: CHECKED }`];
    expect(await runOne(withSteps(...steps))).toMatchObject({ verdict: 'passed' });
    // Without the expectation the same is a surprise.
    const [first = ''] = steps;
    const plain =
      steps.length === 2 && expected.action !== 'upload' ? [first, `${expected.action}: ${name}`] : [`${upload} }`];
    const surprised = await runOne(withSteps(...plain, 'list'));
    expect(surprised).toMatchObject({ verdict: 'failed', left: ['list'] });
    expect(surprised.surprise?.fields[0]).toMatchObject({ field: 'errno', expected: 0, came: expected.errno });
  });

  it('runs a matrix, each cell by the rules of its release', async () => {
    const runs = await runAll(`release: [4.18.1, "4.18.0"]\n${withSteps(UPLOAD, 'apply: hello')}`);
    expect(runs.map(({ cell, verdict, xen }) => [cell, verdict, xen?.release])).toEqual([
      ['release=4.18.1', 'passed', '4.18.1'],
      ['release=4.18.0', 'failed', '4.18.0'],
    ]);
    expect(runs[1]?.surprise).toEqual({
      step: 2,
      place: 'x.yaml:4:5',
      fields: [
        {
          field: 'panic',
          expected: 'no panic',
          came: ['FATAL PAGE FAULT', 'error_code=0003', 'address=0xffff82d040219109'],
        },
      ],
    });
    expect(runs[1]?.findings.map(({ rule }) => rule)).toEqual(['host-panic']);
  });

  it('may expect a panic', async () => {
    const panics = (more: string) => `release: "4.18.0"\n${withSteps(UPLOAD, `panics: { apply: hello${more} }`)}`;
    const run = await runOne(panics(', error_code: 3, message: PAGE FAULT, address: 0xffff82d040219109'));
    expect(run).toMatchObject({
      verdict: 'passed',
      steps: [{}, { passed: true, panic: { message: 'FATAL PAGE FAULT' } }],
    });
    const fields = async (more: string) => (await runOne(panics(more))).surprise?.fields;
    expect(await fields(', error_code: 2')).toEqual([{ field: 'error_code', expected: 2, came: 3 }]);
    expect(await fields(', message: GENERAL')).toEqual([
      { field: 'message', expected: 'GENERAL', came: 'FATAL PAGE FAULT' },
    ]);
    expect(await fields(', address: 0x10')).toEqual([
      { field: 'address', expected: '0x10', came: '0xffff82d040219109' },
    ]);
    expect(await fields(', console: "Pagetable walk"')).toBeUndefined();
    const alive = await runOne(withSteps(UPLOAD, 'panics: { apply: hello }'));
    expect(alive.surprise?.fields).toEqual([
      { field: 'panic', expected: 'the host panics', came: 'it lives; the step came to 0' },
    ]);
  });

  it('ends in front of a hook that cannot be run', async () => {
    const run = await runOne(withSteps('upload: { name: hooks, file: hooks.livepatch }', 'apply: hooks', 'list'));
    expect(run).toMatchObject({ verdict: 'failed', left: ['list'] });
    expect(run.surprise?.fields[0]?.field).toBe('hook');
    expect(run.steps.at(-1)?.note).toContain('stopped in front of the load hook');
  });

  it('compares the console with exact, contains and absent', async () => {
    const first = 'livepatch: hello: Verifying enabled expectations for all functions';
    const last = 'livepatch: hello finished APPLY with rc=0';
    const fields = async (console: string) =>
      (await runOne(withSteps(UPLOAD, `apply: { name: hello, console: ${console} }`))).surprise?.fields;
    expect(await fields('"finished APPLY"')).toBeUndefined();
    expect(await fields('[Verifying, finished]')).toBeUndefined();
    expect(await fields('{ absent: failed, contains: [Applying] }')).toBeUndefined();
    expect(await fields('[finished, Verifying]')).toMatchObject([
      { field: 'console', expected: ['finished', 'Verifying'] },
    ]);
    expect(await fields('{ absent: [none, finished] }')).toEqual([
      { field: 'console', expected: 'no line with finished', came: last },
    ]);
    expect(await fields(`{ exact: ["${first}"] }`)).toMatchObject([{ field: 'console', expected: [first] }]);
  });

  it('verifies the last of several patches of one function', async () => {
    const run = await runOne(
      withSteps(
        UPLOAD,
        'apply: hello',
        'upload: { name: stack, file: stack.livepatch }',
        'apply: stack',
        'verify',
        'list: [{ name: hello, state: APPLIED, rc: 0 }, stack]',
        'revert: { name: hello, errno: EBUSY, state: APPLIED }',
        'revert: stack',
        'verify',
        'upload: { name: replace, file: replace.livepatch }',
        'replace: replace',
        'verify',
        'get: { name: hello, state: CHECKED }',
      ),
    );
    expect(run).toMatchObject({ verdict: 'passed', surprise: null });
  });

  it('shows both sides of a list, and of several fields at once', async () => {
    const run = await runOne(withSteps(UPLOAD, 'list: [other, { name: hello, state: APPLIED }]'));
    expect(run.surprise?.fields).toEqual([{ field: 'list', expected: ['other', 'hello APPLIED'], came: ['hello'] }]);
    const two = await runOne(withSteps(UPLOAD, 'revert: { name: hello, errno: EBUSY, state: none }'));
    expect(two.surprise?.fields).toEqual([
      { field: 'errno', expected: 'EBUSY', came: 0 },
      { field: 'state', expected: 'none', came: 'CHECKED' },
    ]);
  });

  it('passes timeouts and NODEPS to actions', async () => {
    const late = `cpus: 2\nlate: { 1: 40ms }\n`;
    const apply = (more = '') => withSteps(UPLOAD, `apply: { name: hello${more} }`);
    expect((await runOne(late + apply())).surprise?.fields[0]).toMatchObject({ field: 'errno', came: 'EBUSY' });
    expect(await runOne(late + apply(', errno: EBUSY, rc: EBUSY, state: CHECKED'))).toMatchObject({
      verdict: 'passed',
    });
    expect(await runOne(late + apply(', timeout: 50ms'))).toMatchObject({ verdict: 'passed' });
    expect(await runOne(`timeout: 50ms\n${late}${apply()}`)).toMatchObject({ verdict: 'passed' });
    const orphan = (more = '') =>
      withSteps(UPLOAD, 'upload: { name: stack, file: stack.livepatch }', `apply: { name: stack${more} }`);
    expect(await runOne(orphan())).toMatchObject({ verdict: 'failed' });
    expect(await runOne(orphan(', nodeps: true'))).toMatchObject({ verdict: 'passed' });
    expect(await runOne(`nodeps: true\n${orphan()}`)).toMatchObject({ verdict: 'passed' });
    expect(await runOne(`nodeps: true\n${orphan(', nodeps: false')}`)).toMatchObject({ verdict: 'failed' });
  });

  it('is an error if the environment fails', async () => {
    const missing = await runOne(withSteps('upload: { name: a, file: none.livepatch }', 'list'));
    expect(missing).toMatchObject({ verdict: 'error', steps: [], left: ['upload a', 'list'], surprise: null });
    expect(missing.error).toMatchObject({ code: 'EFILE', message: 'x.yaml:2:30: none.livepatch: no such file' });
    const call = await runOne(withSteps(UPLOAD, 'call: f'), undefined, {});
    expect(call).toMatchObject({ verdict: 'error', error: { code: 'ETOOL' }, left: ['call f'] });
  });

  it('fits payloads, with their dependencies', async () => {
    const payloads = `payloads:
  hello: { file: wrong-build-id.livepatch, fit: true }
  stack: { file: hello.livepatch, fit: true, depends: hello }
`;
    // Its own file is for another hypervisor, and the other one for this hypervisor itself.
    expect(await runOne(withSteps('upload: { name: hello, file: wrong-build-id.livepatch }'))).toMatchObject({
      verdict: 'failed',
    });
    const steps = withSteps('upload: hello', 'upload: stack', 'apply: hello', 'apply: stack');
    expect(await runOne(`${payloads}${steps}`)).toMatchObject({ verdict: 'passed' });
    const wrongOrder = withSteps('upload: hello', 'upload: stack', 'apply: stack');
    expect(await runOne(`${payloads}${wrongOrder}`)).toMatchObject({ verdict: 'failed' });
  });

  it('takes all steps if asked to', async () => {
    const run = await runOne(withSteps('get: a', UPLOAD, 'get: { name: hello, state: none }'), undefined, {
      toTheEnd: true,
    });
    expect(run.steps).toHaveLength(3);
    expect(run.surprise).toMatchObject({ step: 1 });
  });

  it('returns the published document', async () => {
    const runs = await runAll(
      `release: [4.18.1, "4.18.0"]\n${withSteps(UPLOAD, 'apply: hello', 'list: [hello]', 'upload: { name: none, file: none }')}`,
    );
    const printed: unknown = JSON.parse(documentJson({ format: 'xsplice-scenario/2', scenarios: runs }));
    expect(scenarioSchema.parse(printed)).toEqual(printed);
    expect(runs.map(({ verdict }) => verdict)).toEqual(['error', 'failed']);
  });
});
