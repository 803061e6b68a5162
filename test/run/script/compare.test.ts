import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../../src/conform/index.ts';
import type { ScenarioRun, ScenarioStep } from '../../../src/documents/index.ts';
import { runOne, withSteps } from './support.ts';

const UPLOAD = 'upload: { name: hello, file: hello.livepatch }';
const life = (release = '4.18.1') =>
  runOne(`release: "${release}"\n${withSteps(UPLOAD, 'apply: hello', 'list')}`, undefined, { toTheEnd: true });

/** The run with one step changed. */
const changed = (run: ScenarioRun, index: number, change: Partial<ScenarioStep>): ScenarioRun => ({
  ...run,
  steps: run.steps.map((step, i) => (i === index ? { ...step, ...change } : step)),
});

describe('comparing two runs', () => {
  it('finds no difference between equal runs', async () => {
    expect(compareRuns(await life(), await life())).toEqual([]);
  });

  it('finds each field that differs, in each step', async () => {
    const [left, right] = [await life(), await life()];
    expect(
      compareRuns(left, changed(right, 1, { rc: -22, errno: 'EINVAL', state: 'CHECKED', status: -22, console: [] })),
    ).toEqual([
      { case: 'x.yaml', step: 2, field: 'rc', simulated: 0, real: 'EINVAL' },
      { case: 'x.yaml', step: 2, field: 'state', simulated: 'APPLIED', real: 'CHECKED' },
      { case: 'x.yaml', step: 2, field: 'status', simulated: 0, real: 'EINVAL' },
      { case: 'x.yaml', step: 2, field: 'console', simulated: left.steps[1]?.console, real: [] },
    ]);
    const entry = { name: 'hello', state: 'CHECKED', rc: 0 } as const;
    expect(compareRuns(left, changed(right, 2, { list: [entry] })).map(({ step, field }) => [step, field])).toEqual([
      [3, 'list'],
    ]);
  });

  it('leaves out the line numbers of a debug build', async () => {
    const [left, right] = [await life(), await life()];
    const at = (line: number) => ({ console: [`common/livepatch.c:${line}: livepatch: x`] });
    expect(compareRuns(changed(left, 0, at(1)), changed(right, 0, at(2)))).toEqual([]);
  });

  it('compares panics by their message, and notices a host that survived', async () => {
    const [alive, dead] = [await life(), await life('4.18.0')];
    expect(compareRuns(dead, await life('4.18.0'))).toEqual([]);
    const fields = compareRuns(alive, dead).map(({ step, field }) => `${step} ${field}`);
    expect(fields).toContain('2 panic');
    expect(fields).toContain('3 rc');
  });

  it('ends at the step at which the environment failed one of them', async () => {
    const [left, right] = [await life(), await life()];
    const error = { code: 'ETOOL', message: 'functions cannot be called on this host', hint: null };
    const stopped: ScenarioRun = { ...right, verdict: 'error', steps: right.steps.slice(0, 1), error };
    expect(compareRuns(left, stopped)).toEqual([
      { case: 'x.yaml', step: 2, field: 'error', simulated: null, real: error.message },
    ]);
  });
});
