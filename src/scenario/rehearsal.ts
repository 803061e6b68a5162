import { type Finding, hex, hexAddress } from '../base/index.ts';
import {
  describePayload,
  type FunctionDescription,
  type LoadedPayload,
  peek,
  type SimulatedTarget,
} from '../hypervisor/index.ts';
import {
  type ActionName,
  errnoName,
  LIVEPATCH_ACTION_APPLY_NODEPS,
  LIVEPATCH_STATE_APPLIED,
  LIVEPATCH_STATE_CHECKED,
} from '../xen/index.ts';
import { documentFinding } from './document-finding.ts';
import type {
  PayloadState,
  RehearsalFunction,
  RehearsalReport,
  RehearsalStep,
  RehearsalStepKind,
  RehearsalVerdict,
} from './documents.ts';
import type { PayloadFile, SimulationOptions } from './options.ts';
import { openSimulation, type Simulation } from './simulation.ts';
import { type CodeSnapshot, compareCode, LONGEST_PATCH, snapshotCode, verifyPatched } from './verify.ts';

const STATE_NAMES: Readonly<Record<number, PayloadState>> = {
  [LIVEPATCH_STATE_CHECKED]: 'CHECKED',
  [LIVEPATCH_STATE_APPLIED]: 'APPLIED',
};

/**
 * Takes payloads through their whole life on a simulated host: all uploaded and applied in the order given, reverted in reverse order, once
 * more where Xen allows it, and unloaded. After each action the hypervisor's code is compared with what it should be.
 */
export async function rehearsePayloads(
  image: Uint8Array,
  payloads: readonly PayloadFile[],
  options: SimulationOptions,
): Promise<RehearsalReport> {
  const simulation = openSimulation(image, options);
  const rehearsal = new Rehearsal(simulation, payloads, options);
  await rehearsal.run();
  return rehearsal.report();
}

class Rehearsal {
  readonly #simulation: Simulation;
  readonly #payloads: readonly PayloadFile[];
  readonly #options: SimulationOptions;
  readonly #target: SimulatedTarget;
  readonly #pristine: { readonly code: CodeSnapshot; readonly digest: string };
  readonly #steps: RehearsalStep[] = [];
  readonly #findings: Finding[] = [];
  readonly #functions = new Map<string, RehearsalFunction[]>();
  /** Bytes at the functions of each payload before it was applied. */
  readonly #before = new Map<string, (Uint8Array | null)[]>();
  #verdict: RehearsalVerdict = 'passed';

  constructor(simulation: Simulation, payloads: readonly PayloadFile[], options: SimulationOptions) {
    this.#simulation = simulation;
    this.#payloads = payloads;
    this.#options = options;
    this.#target = simulation.boot();
    const { hypervisor } = this.#target;
    this.#pristine = { code: snapshotCode(hypervisor), digest: hypervisor.machine.space.digest() };
    for (const message of simulation.assumed) {
      this.#findings.push({ rule: 'assumed', severity: 'note', message, where: {} });
    }
  }

  async run(): Promise<void> {
    const names = this.#payloads.map(({ name }) => name);
    for (const payload of this.#payloads) {
      if (!(await this.#upload(payload))) return;
      if (!(await this.#applyOnTop(payload.name))) return;
    }
    if (!(await this.#revertAll())) return;
    const dirty = names.filter((name) => this.#loaded(name) !== undefined && !this.#describe(name)?.safeToReapply);
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
    this.#verifyUnloaded(names[0] ?? '');
  }

  report(): RehearsalReport {
    const panic = this.#target.hypervisor.stopped?.panic ?? null;
    return {
      format: 'xsplice-rehearsal/1',
      xen: this.#simulation.identity,
      verdict: this.#verdict,
      steps: this.#steps,
      functions: this.#payloads.flatMap(({ name }) => this.#functions.get(name) ?? []),
      panic:
        panic === null
          ? null
          : {
              message: panic.message,
              errorCode: panic.errorCode,
              address: panic.address === null ? null : hexAddress(panic.address),
              screen: panic.screen,
            },
      findings: this.#findings.map(documentFinding),
    };
  }

  async #applyOnTop(name: string): Promise<boolean> {
    const replace = this.#options.replace === true && this.#target.hypervisor.applied.length > 0;
    this.#remember(name);
    if (!(await this.#act(replace ? 'replace' : 'apply', name))) return false;
    return this.#verify(name);
  }

  /** Reverts what is applied, last first. */
  async #revertAll(): Promise<boolean> {
    for (;;) {
      const top = this.#target.hypervisor.applied.at(-1);
      if (top === undefined) return true;
      if (!(await this.#act('revert', top.name))) return false;
      if (!this.#verify(top.name)) return false;
    }
  }

  async #upload(payload: PayloadFile): Promise<boolean> {
    this.#options.progress?.(`upload ${payload.name}`);
    const { rc } = await this.#target.upload(payload.name, payload.bytes);
    const done = await this.#finish('upload', payload.name, rc, 'CHECKED');
    return done;
  }

  async #act(action: ActionName, name: string): Promise<boolean> {
    this.#options.progress?.(`${action} ${name}`);
    const { timeout = 0, nodeps } = this.#options;
    const flags = nodeps === true ? LIVEPATCH_ACTION_APPLY_NODEPS : 0;
    const { rc } = await this.#target.action(name, action, { timeout, flags });
    if (rc !== 0 || action === 'unload') return this.#finish(action, name, rc, null);
    // What became of it is in the payload's own rc.
    const status = this.#target.hypervisor.stopped === null ? (await this.#target.get(name)).statusRc : null;
    return this.#finish(action, name, status, action === 'revert' ? 'CHECKED' : 'APPLIED');
  }

  /** Books a step. `false` ends the rehearsal. */
  async #finish(
    step: RehearsalStepKind,
    name: string,
    rc: number | null,
    expected: PayloadState | null,
  ): Promise<boolean> {
    const { stopped } = this.#target.hypervisor;
    this.#collect(name);
    if (stopped !== null) {
      const hook = stopped.hook;
      const note =
        hook === null
          ? undefined
          : `stopped in front of the ${hook.kind} hook ${hook.symbol ?? hexAddress(hook.address)}: the simulator does not run a payload's code`;
      if (note !== undefined) this.#find('error', 'hook-not-run', note, name);
      this.#verdict = hook === null ? 'panicked' : 'failed';
      await this.#book(step, name, null, note);
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
    await this.#book(step, name, rc, note);
    return asExpected;
  }

  async #book(step: RehearsalStepKind, name: string, rc: number | null, note?: string): Promise<void> {
    const loaded = this.#target.hypervisor.stopped === null ? this.#loaded(name) : undefined;
    this.#steps.push({
      step,
      name,
      rc,
      errno: rc === null ? null : errnoName(rc),
      state: await this.#state(name),
      console: await this.#target.takeConsole(),
      payload:
        loaded === undefined
          ? null
          : {
              text: hexAddress(loaded.text.addr),
              rw: hexAddress(loaded.rw.addr),
              ro: hexAddress(loaded.ro.addr),
              pages: loaded.pages,
            },
      ...(note !== undefined && { note }),
    });
  }

  async #state(name: string): Promise<PayloadState | null> {
    if (this.#target.hypervisor.stopped !== null) return null;
    const { rc, state } = await this.#target.get(name);
    // Asked for our own sake: that a payload is not there is no finding.
    this.#target.takeFindings();
    return rc === 0 && state !== null ? (STATE_NAMES[state] ?? null) : null;
  }

  /** The hypervisor's code after an action: patched where payloads are applied, untouched elsewhere. */
  #verify(name: string): boolean {
    const { hypervisor } = this.#target;
    const applied = hypervisor.applied.map((payload) => describePayload(hypervisor, payload).functions);
    // Of several patches of one function the last one is seen.
    const visible = new Map(applied.flat().map((func) => [func.oldAddr, func]));
    const wrong = [
      ...[...visible.values()].map((func) => verifyPatched(hypervisor, func)),
      compareCode(hypervisor, this.#pristine.code, applied.flat()),
    ].filter((problem) => problem !== null);
    this.#noteFunctions(name);
    return this.#bookVerify(name, wrong);
  }

  /** After the last unload the machine has to be the one that was booted. */
  #verifyUnloaded(name: string): void {
    const { hypervisor } = this.#target;
    const same = hypervisor.machine.space.digest() === this.#pristine.digest;
    this.#bookVerify(name, same ? [] : ['memory, or its mapping, is not what it was before the upload']);
  }

  #bookVerify(name: string, wrong: readonly string[]): boolean {
    for (const problem of wrong) this.#find('error', 'verify', problem, name);
    if (wrong.length > 0) this.#verdict = 'failed';
    const loaded = this.#loaded(name);
    this.#steps.push({
      step: 'verify',
      name,
      rc: wrong.length === 0 ? 0 : -1,
      errno: null,
      state: loaded?.state ?? null,
      console: [],
      payload:
        loaded === undefined
          ? null
          : {
              text: hexAddress(loaded.text.addr),
              rw: hexAddress(loaded.rw.addr),
              ro: hexAddress(loaded.ro.addr),
              pages: loaded.pages,
            },
      ...(wrong.length > 0 && { note: wrong.join('; ') }),
    });
    return wrong.length === 0;
  }

  /** Keeps what stands at a payload's functions before it is applied. */
  #remember(name: string): void {
    const functions = this.#describe(name)?.functions ?? [];
    this.#before.set(
      name,
      functions.map(({ oldAddr }) => peek(this.#target.hypervisor, oldAddr, LONGEST_PATCH)),
    );
    this.#noteFunctions(name);
  }

  #noteFunctions(name: string): void {
    const described = this.#describe(name);
    const before = this.#before.get(name);
    if (described === undefined || before === undefined) return;
    const known = this.#functions.get(name);
    const rows = described.functions.map((func, i) => this.#row(func, before[i] ?? null, known?.[i]));
    this.#functions.set(name, rows);
  }

  #row(func: FunctionDescription, before: Uint8Array | null, known: RehearsalFunction | undefined): RehearsalFunction {
    const { name, oldAddr, oldSize, newAddr, newSize, patchOffset, length } = func;
    // Once reverted the row keeps what it showed while it was applied.
    if (!func.applied && known !== undefined) return known;
    const old = hex(before?.subarray(patchOffset, patchOffset + Math.min(length, LONGEST_PATCH)) ?? new Uint8Array(0));
    const now = func.applied ? peek(this.#target.hypervisor, oldAddr + BigInt(patchOffset), length) : null;
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

  #loaded(name: string): LoadedPayload | undefined {
    return this.#target.hypervisor.payloads.find((payload) => payload.name === name);
  }

  #describe(name: string) {
    const loaded = this.#loaded(name);
    return loaded === undefined ? undefined : describePayload(this.#target.hypervisor, loaded);
  }

  #collect(name: string): void {
    const file = this.#payloads.find((payload) => payload.name === name)?.file;
    for (const finding of this.#target.takeFindings()) {
      this.#findings.push({ ...finding, where: { ...(file !== undefined && { file }), ...finding.where } });
    }
  }

  #find(severity: Finding['severity'], rule: string, message: string, name: string): void {
    const file = this.#payloads.find((payload) => payload.name === name)?.file;
    this.#findings.push({ rule, severity, message, where: file === undefined ? {} : { file } });
  }
}
