import { type Address, addOffset, equalBytes, type Finding, hex, hexAddress, XspliceError } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type {
  CacheRange,
  PayloadPlacement,
  PayloadState,
  RehearsalFunction,
  RehearsalReport,
  RehearsalStep,
  RehearsalStepKind,
  RehearsalVerdict,
} from '../documents/index.ts';
import { type CallTime, documentFinding, type ReportedCall, reportedCall } from '../documents/index.ts';
import type { CacheMaintenance, FunctionDescription, PayloadDescription } from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import {
  type ActionName,
  type CallResult,
  errnoName,
  LIVEPATCH_ACTION_APPLY_NODEPS,
  LIVEPATCH_STATE_APPLIED,
  LIVEPATCH_STATE_CHECKED,
} from '../xen/index.ts';
import type { SimulationOptions } from './options.ts';
import { type PlannedCall, unexpected } from './planned-call.ts';
import { simulatedStage } from './simulated-stage.ts';
import { openSimulation } from './simulation.ts';
import type { Stage } from './stage.ts';
import { textAt, writtenTextAt } from './text-at.ts';
import { LONGEST_PATCH } from './verify.ts';
import { liveText, verifyLive } from './verify-live.ts';

const STATE_NAMES: Readonly<Record<number, PayloadState>> = {
  [LIVEPATCH_STATE_CHECKED]: 'CHECKED',
  [LIVEPATCH_STATE_APPLIED]: 'APPLIED',
};

/** What a rehearsal heeds of the options; the rest is the stage's. */
export type RehearsalOptions = Pick<SimulationOptions, 'timeout' | 'nodeps' | 'replace' | 'calls' | 'progress'>;

/** A rehearsal on a simulated host. */
export async function rehearsePayloads(
  image: Uint8Array,
  payloads: readonly PayloadInput[],
  options: SimulationOptions,
): Promise<RehearsalReport> {
  const simulation = openSimulation(image, options);
  return rehearseOn(simulatedStage(simulation, simulation.boot()), payloads, options);
}

/**
 * Takes payloads through their whole life on a stage: all uploaded and applied in the order given, reverted in reverse order, once more where
 * Xen allows it, and unloaded. After each action the hypervisor's code is compared with what it should be.
 */
export async function rehearseOn(
  stage: Stage,
  payloads: readonly PayloadInput[],
  options: RehearsalOptions,
): Promise<RehearsalReport> {
  const rehearsal = new Rehearsal(stage, payloads, options);
  await rehearsal.run();
  return rehearsal.report();
}

class Rehearsal {
  readonly #stage: Stage;
  readonly #payloads: readonly PayloadInput[];
  readonly #options: RehearsalOptions;
  readonly #steps: RehearsalStep[] = [];
  readonly #findings: Finding[] = [];
  readonly #calls: ReportedCall[] = [];
  readonly #functions = new Map<string, RehearsalFunction[]>();
  /** Bytes at the functions of each payload before it was applied. */
  readonly #before = new Map<string, (Uint8Array | null)[]>();
  /** Names of what is applied, the top last. */
  #applied: string[] = [];
  #pristine: { readonly text: Uint8Array | null; readonly digest: string | undefined } = {
    text: null,
    digest: undefined,
  };
  #verdict: RehearsalVerdict = 'passed';
  #panic: RehearsalReport['panic'] = null;

  constructor(stage: Stage, payloads: readonly PayloadInput[], options: RehearsalOptions) {
    this.#stage = stage;
    this.#payloads = payloads;
    this.#options = options;
    for (const message of stage.assumed) {
      this.#findings.push({ rule: 'assumed', severity: 'note', message, where: {} });
    }
  }

  async run(): Promise<void> {
    this.#pristine = { text: await liveText(this.#stage), digest: this.#stage.digest() };
    const names = this.#payloads.map(({ name }) => name);
    if (!(await this.#call('before'))) return;
    for (const payload of this.#payloads) {
      if (!(await this.#upload(payload))) return;
      if (!(await this.#applyOnTop(payload.name))) return;
    }
    if (!(await this.#call('applied'))) return;
    if (!(await this.#revertAll())) return;
    if (!(await this.#call('reverted'))) return;
    const dirty: string[] = [];
    for (const name of names) if ((await this.#stage.describe(name))?.safeToReapply === false) dirty.push(name);
    if (dirty.length === 0) {
      for (const name of names) if (!(await this.#applyOnTop(name))) return;
      if (!(await this.#revertAll())) return;
    } else {
      for (const name of dirty) {
        const message = 'has writable data: once reverted Xen does not apply it again, it has to be unloaded first';
        this.#find('note', 'not-reappliable', message, name);
      }
    }
    for (const name of [...names].reverse()) if (!(await this.#act('unload', name))) return;
    // The first payload is the last to go.
    await this.#verifyUnloaded(names[0] ?? '');
  }

  report(): RehearsalReport {
    return {
      format: 'xsplice-rehearsal/1',
      xen: this.#stage.identity,
      verdict: this.#verdict,
      steps: this.#steps,
      functions: this.#payloads.flatMap(({ name }) => this.#functions.get(name) ?? []),
      calls: this.#calls,
      panic: this.#panic,
      findings: this.#findings.map(documentFinding),
    };
  }

  /** Makes the calls that were asked for. `false` ends the rehearsal. */
  async #call(when: CallTime): Promise<boolean> {
    for (const planned of this.#options.calls ?? []) {
      this.#options.progress?.(`call ${planned.text}`);
      const { call } = this.#stage;
      if (call === null) throw new XspliceError('ETOOL', 'functions cannot be called on this host', 'leave --call out');
      let result: CallResult;
      try {
        result = await call(planned.call);
      } catch (error) {
        // A payload's own function is there only while the payload is.
        const missing = error instanceof XspliceError && error.code === 'EUSAGE' && when === 'before';
        if (missing) continue;
        throw error;
      }
      if (!(await this.#bookCall(planned, when, result))) return false;
    }
    return true;
  }

  async #bookCall(planned: PlannedCall, when: CallTime, result: CallResult): Promise<boolean> {
    const { text } = planned;
    this.#collect(text);
    if (await this.#stopped()) {
      this.#calls.push(reportedCall(text, when, result, null));
      await this.#book('call', text, null, null, await this.#ending(text));
      return false;
    }
    const string = result.result === null ? null : await this.#string(planned, result.result);
    this.#calls.push(reportedCall(text, when, result, string));
    // What is expected is expected of the patched function.
    const wrong = when === 'applied' ? unexpected(planned, result, string) : null;
    if (wrong !== null) {
      this.#verdict = 'failed';
      this.#findings.push({ rule: 'call-result', severity: 'error', message: `${text}: ${wrong}`, where: {} });
    }
    await this.#book('call', text, wrong === null ? 0 : -1, null, wrong ?? undefined);
    return wrong === null;
  }

  async #string({ expected }: PlannedCall, address: Address): Promise<string | null> {
    const { target } = this.#stage;
    return expected !== null && 'string' in expected ? textAt(target, address) : writtenTextAt(target, address);
  }

  async #applyOnTop(name: string): Promise<boolean> {
    const replace = this.#options.replace === true && this.#applied.length > 0;
    await this.#remember(name);
    if (!(await this.#act(replace ? 'replace' : 'apply', name))) return false;
    this.#applied = [...(replace ? [] : this.#applied), name];
    return this.#verify(name);
  }

  /** Reverts what is applied, last first. */
  async #revertAll(): Promise<boolean> {
    for (let top = this.#applied.at(-1); top !== undefined; top = this.#applied.at(-1)) {
      if (!(await this.#act('revert', top))) return false;
      this.#applied.pop();
      if (!(await this.#verify(top))) return false;
    }
    return true;
  }

  async #upload(payload: PayloadInput): Promise<boolean> {
    this.#options.progress?.(`upload ${payload.name}`);
    const { rc } = await this.#stage.target.upload(payload.name, payload.bytes);
    return this.#finish('upload', payload.name, rc, 'CHECKED');
  }

  async #act(action: ActionName, name: string): Promise<boolean> {
    this.#options.progress?.(`${action} ${name}`);
    const { timeout = 0, nodeps } = this.#options;
    const flags = nodeps === true ? LIVEPATCH_ACTION_APPLY_NODEPS : 0;
    const { rc } = await this.#stage.target.action(name, action, { timeout, flags });
    if (rc !== 0 || action === 'unload') return this.#finish(action, name, rc, null);
    // What became of it is in the payload's own rc.
    const status = (await this.#stopped()) ? null : (await this.#stage.target.get(name)).statusRc;
    return this.#finish(action, name, status, action === 'revert' ? 'CHECKED' : 'APPLIED');
  }

  async #stopped(): Promise<boolean> {
    return this.#stage.hookReached() !== null || (await this.#stage.target.panic()) !== null;
  }

  /** Books a step. `false` ends the rehearsal. */
  async #finish(
    step: RehearsalStepKind,
    name: string,
    rc: number | null,
    expected: PayloadState | null,
  ): Promise<boolean> {
    this.#collect(name);
    if (await this.#stopped()) {
      const note = await this.#ending(name);
      await this.#book(step, name, null, null, note);
      return false;
    }
    const state = await this.#state(name);
    const asExpected = rc === 0 && (expected === null || state === expected);
    let note: string | undefined;
    if (rc !== 0) this.#verdict = 'refused';
    else if (!asExpected) {
      this.#verdict = 'failed';
      note = `the payload is ${state ?? 'not loaded'}, it should be ${expected}`;
    }
    await this.#book(step, name, rc, state, note);
    return asExpected;
  }

  /** The host is down, or a payload's code would have to be run: says so, and what there is to say about it. */
  async #ending(name: string): Promise<string | undefined> {
    const hook = this.#stage.hookReached();
    if (hook !== null) {
      const what = `the ${hook.kind} hook ${hook.symbol ?? hexAddress(hook.address)}`;
      const note = `stopped in front of ${what}: there is no processor to run it on: ${hook.missing.message}`;
      const { hint } = hook.missing;
      this.#find('error', 'hook-not-run', hint === undefined ? note : `${note}. ${hint}`, name);
      this.#verdict = 'failed';
      return note;
    }
    this.#verdict = 'panicked';
    const panic = await this.#stage.target.panic();
    if (panic !== null) {
      const address = panic.address === null ? null : hexAddress(panic.address);
      this.#panic = { message: panic.message, errorCode: panic.errorCode, address, screen: panic.screen };
    }
    return undefined;
  }

  async #book(
    step: RehearsalStepKind,
    name: string,
    rc: number | null,
    state: PayloadState | null,
    note?: string,
  ): Promise<void> {
    // Before the stage is looked at: looking may print.
    const console = await this.#stage.target.takeConsole();
    const cacheMaintenance = this.#stage.takeCacheMaintenance().map(cacheRange);
    this.#steps.push({
      step,
      name,
      rc,
      // A verification's -1 is no errno.
      errno: rc === null || step === 'verify' || step === 'call' ? null : errnoName(rc),
      state,
      console,
      payload: step === 'call' || (await this.#stopped()) ? null : placement(await this.#stage.describe(name)),
      ...(cacheMaintenance.length > 0 && { cacheMaintenance }),
      ...(note !== undefined && { note }),
    });
  }

  async #state(name: string): Promise<PayloadState | null> {
    const { rc, state } = await this.#stage.target.get(name);
    // Asked for our own sake: that a payload is not there is no finding.
    this.#stage.takeFindings();
    return rc === 0 && state !== null ? (STATE_NAMES[state] ?? null) : null;
  }

  /** The hypervisor's code after an action: patched where payloads are applied, untouched elsewhere. */
  async #verify(name: string): Promise<boolean> {
    const wrong = await verifyLive(this.#stage, this.#applied, this.#pristine.text);
    await this.#noteFunctions(name);
    return this.#bookVerify(name, wrong);
  }

  /** After the last unload the machine has to be the one that was booted. */
  async #verifyUnloaded(name: string): Promise<void> {
    const { text, digest } = this.#pristine;
    const now = await liveText(this.#stage);
    const sameText = text === null || (now !== null && equalBytes(text, now));
    const same = sameText && digest === this.#stage.digest();
    const changed = this.#stage.changedData();
    if (changed.length > 0) {
      const message = `hooks, or calls, have changed the hypervisor's data for good: ${changed.join(', ')}`;
      this.#find('note', 'data-changed', message, name);
    }
    await this.#bookVerify(name, same ? [] : ['memory, or its mapping, is not what it was before the upload']);
  }

  async #bookVerify(name: string, wrong: readonly string[]): Promise<boolean> {
    for (const problem of wrong) this.#find('error', 'verify', problem, name);
    if (wrong.length > 0) this.#verdict = 'failed';
    const state = await this.#state(name);
    await this.#book(
      'verify',
      name,
      wrong.length === 0 ? 0 : -1,
      state,
      wrong.length > 0 ? wrong.join('; ') : undefined,
    );
    return wrong.length === 0;
  }

  /** Keeps what stands at a payload's functions before it is applied. */
  async #remember(name: string): Promise<void> {
    const before: (Uint8Array | null)[] = [];
    for (const { oldAddr } of (await this.#stage.describe(name))?.functions ?? []) {
      before.push(await this.#stage.target.peek(oldAddr, LONGEST_PATCH));
    }
    this.#before.set(name, before);
    await this.#noteFunctions(name);
  }

  async #noteFunctions(name: string): Promise<void> {
    const described = await this.#stage.describe(name);
    const before = this.#before.get(name);
    if (described === null || before === undefined) return;
    const known = this.#functions.get(name);
    const rows: RehearsalFunction[] = [];
    for (const [i, func] of described.functions.entries()) {
      rows.push(await this.#row(func, before[i] ?? null, known?.[i]));
    }
    this.#functions.set(name, rows);
  }

  async #row(
    func: FunctionDescription,
    before: Uint8Array | null,
    known: RehearsalFunction | undefined,
  ): Promise<RehearsalFunction> {
    const { name, oldAddr, oldSize, newAddr, newSize, patchOffset, applied } = func;
    // Once reverted the row keeps what it showed while it was applied.
    if (!applied && known !== undefined) return known;
    const length = Math.min(func.length, LONGEST_PATCH);
    const old = hex(before?.subarray(patchOffset, patchOffset + length) ?? new Uint8Array(0));
    const now = applied ? await this.#stage.target.peek(addOffset(oldAddr, patchOffset), length) : null;
    return {
      name: name ?? '',
      oldAddr: hexAddress(oldAddr),
      oldSize,
      newAddr: hexAddress(newAddr),
      newSize,
      patchOffset,
      before: old,
      after: now === null ? old : hex(now),
    };
  }

  #collect(name: string): void {
    const file = this.#payloads.find((payload) => payload.name === name)?.file;
    for (const finding of this.#stage.takeFindings()) {
      this.#findings.push({ ...finding, where: { ...(file !== undefined && { file }), ...finding.where } });
    }
  }

  #find(severity: Finding['severity'], rule: RuleId, message: string, name: string): void {
    const file = this.#payloads.find((payload) => payload.name === name)?.file;
    this.#findings.push({ rule, severity, message, where: file === undefined ? {} : { file } });
  }
}

const cacheRange = (piece: CacheMaintenance): CacheRange =>
  piece.kind === 'invalidate-icache'
    ? { kind: piece.kind }
    : { kind: piece.kind, address: hexAddress(piece.address), length: piece.length };

const placement = (described: PayloadDescription | null): PayloadPlacement | null =>
  described === null
    ? null
    : {
        text: hexAddress(described.text),
        rw: hexAddress(described.rw),
        ro: hexAddress(described.ro),
        pages: described.pages,
      };
