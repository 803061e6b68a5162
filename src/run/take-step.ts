import { XspliceError } from '../base/index.ts';
import { listUninterrupted, type OpResult, type PayloadFound, type Refused } from '../xen/index.ts';
import type { Stage } from './stage.ts';
import type { Step, StepOutcome, StepTrace } from './step.ts';
import { textAt } from './text-at.ts';
import { verifyStage } from './verify-stage.ts';

type Without<T, K> = T extends unknown ? Omit<T, K & keyof T> : never;
type Kind<K extends StepOutcome['kind']> = Without<Extract<StepOutcome, { kind: K }>, keyof StepTrace>;

/** A hypercall about a payload: its result, and the answer of GET if that was the hypercall. */
type Asked = {
  readonly kind: 'asked';
  readonly name: string;
  readonly rc: number;
  readonly got?: PayloadFound | Refused;
};

/** The result of a step on a host that survives it. */
type Performed = Asked | Kind<'listed' | 'dumped' | 'called' | 'verified' | 'differs' | 'no-answer'>;

const NO_ANSWER: Kind<'no-answer'> = { kind: 'no-answer' };

/**
 * Takes one step on a stage: performs it, collects console lines and findings, notices if the host died or stopped in front of a hook, and calls GET
 * after an upload or an action. Records the step in the stage's history.
 *
 * A host that dies is an outcome, not an error. Throws an XspliceError if the step cannot be taken: ETOOL for a call on a stage that makes none,
 * EUSAGE for an unknown function, EHOST for a host that is out of reach and shows no panic.
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

/** Runs `body`, and turns the EHOST of a target that loses its host into no answer. */
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

/** Returns why the host takes no more steps; `null` while it lives. */
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

/** Calls GET. Xen only schedules an action: its result is the payload's own rc. */
async function settle(
  stage: Stage,
  { verb }: Step,
  { name, rc, got }: Asked,
): Promise<Kind<'answered' | 'stopped-at-hook' | 'died' | 'no-answer'>> {
  const found = got ?? (await stage.target.get(name));
  // The user did not ask for this GET: if no payload has that name, that is not a finding.
  stage.takeFindings();
  if (found.kind === 'no-answer') return (await endOf(stage, found)) ?? found;
  const status = found.kind === 'refused' ? null : { state: found.state, rc: found.statusRc };
  const scheduled = rc === 0 && (verb === 'apply' || verb === 'revert' || verb === 'replace');
  return { kind: 'answered', rc, result: scheduled && status !== null ? status.rc : rc, status, statusRc: found.rc };
}
