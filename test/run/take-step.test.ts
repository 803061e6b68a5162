import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import {
  hostEnded,
  openSimulation,
  type SimulationOptions,
  type Stage,
  type Step,
  type StepOutcome,
  simulatedStage,
  takeStep,
} from '../../src/run/index.ts';
import { takeBaseline } from '../../src/run/verify-stage.ts';
import { readDump } from '../../src/xen/index.ts';
import { exampleBytes } from '../support/examples.ts';
import { image } from './support.ts';

/** A stage whose target does some things differently. */
function stageOf(
  options: SimulationOptions = {},
  changes: (target: SimulatedTarget) => Partial<SimulatedTarget> = () => ({}),
): Stage {
  const simulation = openSimulation(image(), { gunzip, ...options });
  const target = simulation.boot();
  return simulatedStage(simulation, Object.assign(target, changes(target)));
}

const upload = (name: string, file = name): Step => ({ verb: 'upload', name, payload: exampleBytes(file) });

/** Takes all steps, and returns the outcome of the last one. */
async function last(stage: Stage, ...steps: readonly [Step, ...Step[]]): Promise<StepOutcome> {
  const [first, ...others] = steps;
  let outcome = await takeStep(stage, first);
  for (const step of others) outcome = await takeStep(stage, step);
  return outcome;
}

describe('takeStep', () => {
  it('answers an upload with its result and the state that GET reports', async () => {
    expect(await takeStep(stageOf(), upload('hello'))).toMatchObject({
      kind: 'answered',
      rc: 0,
      result: 0,
      status: { state: 1, rc: 0 },
      statusRc: 0,
    });
  });

  it('answers a refused upload with no status, and keeps the findings of the upload alone', async () => {
    const outcome = await takeStep(stageOf(), upload('wrong-build-id'));
    expect(outcome).toMatchObject({ kind: 'answered', rc: -22, result: -22, status: null, statusRc: -2 });
    expect(outcome.console).toEqual([expect.stringContaining('check against hypervisor build-id failed')]);
    expect(outcome.findings).toHaveLength(1);
  });

  it('gives an action that was scheduled the result that GET reports', async () => {
    const apply: Step = { verb: 'apply', name: 'p' };
    const outcome = await last(stageOf({ cpus: 2, stuck: [1] }), upload('p', 'hello'), apply);
    expect(outcome).toMatchObject({ kind: 'answered', rc: 0, result: -16, status: { state: 1, rc: -16 } });
  });

  it('keeps what GET finds if GET is the step', async () => {
    const outcome = await takeStep(stageOf(), { verb: 'get', name: 'nothing' });
    expect(outcome).toMatchObject({ kind: 'answered', rc: -2, result: -2, status: null });
  });

  it('lists payloads with their metadata, and presses the key x', async () => {
    const stage = stageOf();
    const listed = await last(stage, upload('hello'), { verb: 'list', idx: 0, nr: 4 });
    expect(listed).toMatchObject({ kind: 'listed', list: { rc: 1, nr: 0, entries: [{ name: 'hello', state: 1 }] } });
    const dumped = await takeStep(stage, { verb: 'dump' });
    expect(dumped.kind).toBe('dumped');
    expect(readDump(dumped.console)).toMatchObject([
      { name: 'hello', state: 'CHECKED', functions: [{ name: 'xen_extra_version' }] },
    ]);
  });

  it('ends with the panic of a host that dies, and with that again for every later step', async () => {
    const stage = stageOf({ release: '4.18.0' });
    const died = await last(stage, upload('hello'), { verb: 'apply', name: 'hello' });
    expect(died).toMatchObject({ kind: 'died', panic: { message: 'FATAL PAGE FAULT' }, call: null });
    expect(died.findings.map(({ rule }) => rule)).toContain('host-panic');
    expect(await takeStep(stage, { verb: 'get', name: 'hello' })).toMatchObject({ kind: 'died', console: [] });
  });

  it('stops in front of a hook that cannot be run', async () => {
    const outcome = await last(stageOf(), upload('hooks'), { verb: 'apply', name: 'hooks' });
    expect(outcome).toMatchObject({ kind: 'stopped-at-hook', hook: { kind: 'load', payload: 'hooks' } });
    expect(hostEnded(outcome)).toBe(true);
  });

  it('notices a host that dies of the GET that follows', async () => {
    const panic = { message: 'FATAL PAGE FAULT', errorCode: 0, address: null, screen: [] };
    let died = false;
    const stage = stageOf({}, () => ({
      get: async () => {
        died = true;
        return { kind: 'no-answer' };
      },
      panic: async () => (died ? panic : null),
    }));
    expect(await takeStep(stage, upload('hello'))).toMatchObject({ kind: 'died', panic });
  });

  it('says so if a host does not answer and shows no panic', async () => {
    const stage = stageOf({}, () => ({ upload: async () => ({ kind: 'no-answer' }) }));
    expect(await takeStep(stage, upload('hello'))).toMatchObject({ kind: 'no-answer' });
  });

  it('throws for a call on a host that makes none', async () => {
    const call: Step = { verb: 'call', function: 'xen_extra_version', args: [] };
    await expect(takeStep({ ...stageOf(), call: null }, call)).rejects.toMatchObject({
      code: 'ETOOL',
      message: 'functions cannot be called on this host',
    });
  });
});

describe('the history of a stage', () => {
  it('knows what is loaded, what is applied, and which phase it is', async () => {
    const stage = stageOf();
    const { history } = stage;
    expect([history.phase, history.loaded, history.stateOf('hello')]).toEqual(['before', false, null]);
    await last(stage, upload('hello'), { verb: 'apply', name: 'hello' });
    await last(stage, upload('stack'), { verb: 'apply', name: 'stack' });
    expect([history.phase, history.applied]).toEqual(['applied', ['hello', 'stack']]);
    await last(stage, { verb: 'revert', name: 'stack' }, { verb: 'revert', name: 'hello' });
    expect([history.phase, history.applied, history.stateOf('hello')]).toEqual(['reverted', [], 'CHECKED']);
    await last(stage, { verb: 'unload', name: 'stack' }, { verb: 'unload', name: 'hello' });
    expect([history.loaded, history.stateOf('hello')]).toEqual([false, null]);
  });

  it('takes all others off the stack after a REPLACE that succeeds', async () => {
    const stage = stageOf();
    await last(stage, upload('hello'), { verb: 'apply', name: 'hello' });
    await last(stage, upload('replace'), { verb: 'replace', name: 'replace' });
    expect(stage.history.applied).toEqual(['replace']);
    expect(stage.history.stateOf('hello')).toBe('CHECKED');
  });
});

describe('a verification', () => {
  it('passes before, while and after a payload is applied', async () => {
    const stage = stageOf();
    await takeBaseline(stage);
    const verify: Step = { verb: 'verify' };
    expect(await takeStep(stage, verify)).toMatchObject({ kind: 'verified' });
    expect(await last(stage, upload('hello'), { verb: 'apply', name: 'hello' }, verify)).toMatchObject({
      kind: 'verified',
    });
    const unload: Step = { verb: 'unload', name: 'hello' };
    expect(await last(stage, { verb: 'revert', name: 'hello' }, unload, verify)).toMatchObject({ kind: 'verified' });
  });

  it('sees code that is not patched although its payload is applied', async () => {
    const stage = stageOf({}, (target) => {
      const peek = target.peek.bind(target);
      return { peek: async (address, length) => (await peek(address, length))?.fill(0x90) ?? null };
    });
    const applied = await last(stage, upload('hello'), { verb: 'apply', name: 'hello' }, { verb: 'verify' });
    expect(applied).toMatchObject({ kind: 'differs', problems: [expect.stringContaining('does not jump to')] });
  });

  it('sees memory that is not as it was once everything is unloaded', async () => {
    const stage = stageOf();
    await takeBaseline(stage);
    const changed: Stage = { ...stage, digest: () => 'another' };
    expect(await takeStep(changed, { verb: 'verify' })).toMatchObject({
      kind: 'differs',
      problems: ['memory, or its mapping, is not what it was before the first step'],
    });
  });
});
