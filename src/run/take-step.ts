import { XspliceError } from '../base/index.ts';
import { listUninterrupted, type OpResult, type PayloadFound, type Refused } from '../xen/index.ts';
import type { Stage } from './stage.ts';
import type { Step, StepOutcome, StepTrace } from './step.ts';
import { textAt } from './text-at.ts';
import { verifyStage } from './verify-stage.ts';

type Without<T, K> = T extends unknown ? Omit<T, K & keyof T> : never;
type Kind<K extends StepOutcome['kind']> = Without<Extract<StepOutcome, { kind: K }>, keyof StepTrace>;

/** A hypercall about a payload: its result, and what GET said where that was the hypercall. */
type Asked = {
  readonly kind: 'asked';
  readonly name: string;
  readonly rc: number;
  readonly got?: PayloadFound | Refused;
};

/** What a step did as long as the host lives. */
type Performed = Asked | Kind<'listed' | 'dumped' | 'called' | 'verified' | 'differs' | 'no-answer'>;

const NO_ANSWER: Kind<'no-answer'> = { kind: 'no-answer' };

/**
 * Takes one step on a stage: performs it, collects what was printed and found, notices that the host died or stopped in front of a hook, and asks
 * GET for the payload that an upload or an action was about. Adds the step to the stage's history.
 *
 * A host that dies is an outcome. Throws an XspliceError where the step cannot be taken here: ETOOL for a call on a host that makes none, EUSAGE
 * for an unknown function, EHOST where the host is out of reach and shows no panic.
 */
export async function takeStep(stage: Stage, step: Step): Promise<StepOutcome> {
  const performed = await survive(stage, () => perform(stage, step));
  const trace: StepTrace = {
    console: await stage.target.takeConsole(),
    findings: stage.takeFindings(),
    cacheMaintenance: stage.takeCacheMaintenance(),
  };
  const body =
    (await endOf(stage, performed)) ?? (performed.kind === 'asked' ? await settle(stage, step, performed) : performed);
  const outcome: StepOutcome = { ...trace, ...body };
  stage.history.add(step, outcome);
  return outcome;
}

/** Does what a host may die of. A target that loses its host meanwhile rejects with EHOST. */
async function survive(stage: Stage, body: () => Promise<Performed>): Promise<Performed> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof XspliceError) || error.code !== 'EHOST') throw error;
    if ((await endOf(stage, NO_ANSWER)) === NO_ANSWER) throw error;
    return NO_ANSWER;
  }
}

async function perform(stage: Stage, step: Step): Promise<Performed> {
  const { target } = stage;
  switch (step.verb) {
    case 'upload':
      return asked(step.name, await target.upload(step.name, step.payload, step.flags));
    case 'apply':
    case 'revert':
    case 'replace':
    case 'unload': {
      const { name, verb, timeout = 0, flags = 0 } = step;
      return asked(name, await target.action(name, verb, { timeout, flags }));
    }
    case 'get': {
      const got = await target.get(step.name);
      return got.kind === 'no-answer' ? got : { kind: 'asked', name: step.name, rc: got.rc, got };
    }
    case 'list': {
      const { verb: _, ...request } = step;
      const list = await listUninterrupted(target, request);
      return list.kind === 'no-answer' ? list : { kind: 'listed', list };
    }
    case 'dump':
      await target.dump();
      return { kind: 'dumped' };
    case 'verify': {
      const problems = await verifyStage(stage, step.name);
      return problems.length === 0 ? { kind: 'verified' } : { kind: 'differs', problems };
    }
    case 'call': {
      const { verb: _, ...request } = step;
      if (stage.call === null) {
        throw new XspliceError('ETOOL', 'functions cannot be called on this host', 'leave the call out');
      }
      const result = await stage.call(request);
      const text = result.result === null ? null : await textAt(target, result.result);
      return { kind: 'called', call: { result, text } };
    }
  }
}

const asked = (name: string, result: OpResult): Performed =>
  result.kind === 'no-answer' ? result : { kind: 'asked', name, rc: result.rc };

/** Why the host takes no more steps; `null` while it lives. */
async function endOf(
  stage: Stage,
  performed: Performed,
): Promise<Kind<'stopped-at-hook' | 'died' | 'no-answer'> | null> {
  const hook = stage.hookReached();
  if (hook !== null) return { kind: 'stopped-at-hook', hook };
  const panic = await stage.target.panic();
  if (panic !== null) return { kind: 'died', panic, call: performed.kind === 'called' ? performed.call.result : null };
  return performed.kind === 'no-answer' ? performed : null;
}

/** Asks for the payload. Xen only schedules an action: its result is in the payload's own rc. */
async function settle(
  stage: Stage,
  { verb }: Step,
  { name, rc, got }: Asked,
): Promise<Kind<'answered' | 'stopped-at-hook' | 'died' | 'no-answer'>> {
  const found = got ?? (await stage.target.get(name));
  // That there is no such payload is no finding: nobody but us asked.
  stage.takeFindings();
  if (found.kind === 'no-answer') return (await endOf(stage, found)) ?? found;
  const status = found.kind === 'refused' ? null : { state: found.state, rc: found.statusRc };
  const scheduled = rc === 0 && (verb === 'apply' || verb === 'revert' || verb === 'replace');
  return { kind: 'answered', rc, result: scheduled && status !== null ? status.rc : rc, status, statusRc: found.rc };
}
