import { addOffset, equalBytes, type Finding, fromHex, hex } from '../base/index.ts';
import type { CheckedPayload, CheckReport, CheckVerdict } from '../documents/index.ts';
import { documentFinding } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import {
  describePayload,
  type FunctionDescription,
  type HookCall,
  type Hypervisor,
  peek,
  report,
  type SimulatedTarget,
} from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { readPayload } from '../payload/index.ts';
import { errnoName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../xen/index.ts';
import type { SimulationOptions } from './options.ts';
import { openSimulation, type Simulation } from './simulation.ts';
import { LONGEST_PATCH, verifyPatched, verifyRestored } from './verify.ts';

/**
 * Would this hypervisor take the payloads, and would it live? Each one is uploaded, applied and reverted on a host of its own, on which those
 * of the other payloads stand that it depends on.
 */
export function checkPayloads(
  image: Uint8Array,
  payloads: readonly PayloadInput[],
  options: SimulationOptions,
): CheckReport {
  const { checked } = checkOn(openSimulation(image, options), payloads, options);
  return { format: 'xsplice-check/1', payloads: checked };
}

/**
 * The same on a simulation that is open: one document for each payload, and what the simulated hypervisor found, for each in the same order.
 *
 * @param wanted those of the payloads that are checked; the others are there to depend on.
 */
export function checkOn(
  simulation: Simulation,
  payloads: readonly PayloadInput[],
  { progress }: Pick<SimulationOptions, 'progress'>,
  wanted: readonly PayloadInput[] = payloads,
): { readonly checked: readonly CheckedPayload[]; readonly said: readonly (readonly Finding[])[] } {
  const results = wanted.map((payload) => {
    progress?.(`check ${payload.name}`);
    return checkPayload(simulation, payload, payloads);
  });
  return { checked: results.map(({ document }) => document), said: results.map(({ findings }) => findings) };
}

/** A payload's document, and the findings in it as they are before they become text. */
interface Checked {
  readonly document: CheckedPayload;
  readonly findings: readonly Finding[];
}

function checkPayload(simulation: Simulation, payload: PayloadInput, all: readonly PayloadInput[]): Checked {
  const target = simulation.boot();
  const { below, missing } = dependencies(simulation, payload, all);
  for (const other of below) {
    target.uploadNow(other.name, other.bytes);
    target.actionNow(other.name, 'apply');
  }
  target.takeFindings();
  target.hypervisor.machine.console.take();

  const findings: Finding[] = simulation.assumed.map((message) => ({
    rule: 'assumed',
    severity: 'note',
    message,
    where: {},
  }));
  if (target.hypervisor.stopped !== null) {
    const message = 'a payload that this one depends on does not survive: check that one first';
    findings.push({ rule: 'dependency-fails', severity: 'error', message, where: { file: payload.file } });
    return { document: document(target, payload, 'refused', null, findings), findings };
  }
  const { verdict, rc } = carryThrough(target, payload, missing);
  for (const finding of target.takeFindings()) {
    findings.push({ ...finding, where: { file: payload.file, ...finding.where } });
  }
  if (missing !== null && verdict !== 'refused') {
    const message = `depends on ${missing}, which is neither the hypervisor nor among the files given: applied here without it`;
    findings.push({ rule: 'depends-not-given', severity: 'warning', message, where: { file: payload.file } });
  }
  return { document: document(target, payload, verdict, rc, findings), findings };
}

/** Findings after which no host is safe, whatever Xen answers. */
const UNSAFE = new Set(['host-panic', 'wild-read', 'stray-write', 'verify', 'cet-patching']);

/** Findings that matter only where Xen keeps the payload. */
const UNSAFE_IF_LOADED = new Set(['use-after-free']);

/** Uploads, applies and reverts. The first refusal ends it; so does the host's end. */
function carryThrough(
  target: SimulatedTarget,
  payload: PayloadInput,
  missing: string | null,
): { verdict: CheckVerdict; rc: number | null } {
  const rc = upToRefusal(target, payload, missing);
  const unsafe = target.hypervisor.findings.some(
    ({ rule }) => UNSAFE.has(rule) || (rc === null && UNSAFE_IF_LOADED.has(rule)),
  );
  if (unsafe) return { verdict: 'unsafe', rc };
  return { verdict: rc === null ? 'accepted' : 'refused', rc };
}

/** The refusal's negated errno; `null` where there is none, or the host has stopped. */
function upToRefusal(target: SimulatedTarget, { name, bytes }: PayloadInput, missing: string | null): number | null {
  const { hypervisor } = target;
  const uploaded = target.uploadNow(name, bytes);
  if (hypervisor.stopped !== null) return null;
  if (uploaded !== 0) return uploaded;
  const loaded = hypervisor.payloads.find((each) => each.name === name);
  if (loaded === undefined) return null;
  const functions = () => describePayload(hypervisor, loaded).functions;
  const before = functions().map(({ oldAddr }) => peek(hypervisor, oldAddr, LONGEST_PATCH));

  const flags = missing === null ? 0 : LIVEPATCH_ACTION_APPLY_NODEPS;
  for (const action of ['apply', 'revert'] as const) {
    const rc = target.actionNow(name, action, { flags });
    // Read afresh: the action has changed it.
    const { stopped } = target.hypervisor as Pick<Hypervisor, 'stopped'>;
    if (stopped !== null) {
      if (stopped.hook !== null) reportHook(hypervisor, stopped.hook);
      return null;
    }
    if (rc !== 0) return rc;
    const wrong =
      action === 'apply'
        ? functions().map((func) => verifyPatched(hypervisor.arch, func, patchedBytes(hypervisor, func)))
        : functions().map(({ oldAddr }, i) =>
            verifyRestored(oldAddr, before[i] ?? null, peek(hypervisor, oldAddr, LONGEST_PATCH)),
          );
    for (const message of wrong) if (message !== null) report(hypervisor, 'verify', message);
  }
  return null;
}

const patchedBytes = (hypervisor: Hypervisor, func: FunctionDescription) => ({
  bytes: peek(hypervisor, addOffset(func.oldAddr, func.patchOffset), Math.min(func.length, LONGEST_PATCH)),
  executable: hypervisor.machine.space.permissionAt(func.newAddr)?.execute === true,
});

function reportHook(hypervisor: Hypervisor, hook: HookCall): void {
  const { message: why, hint } = hook.missing;
  const because = hint === undefined ? why : `${why}. ${hint}`;
  const message = `the ${hook.kind} hook is not run: what it does, and what comes after it, is not checked: ${because}`;
  const where = { ...(hook.symbol !== null && { symbol: hook.symbol }), address: hook.address };
  report(hypervisor, 'hook-not-run', message, where);
}

/** The payloads that have to be applied first, in order; `missing` is a dependency that nobody has. */
function dependencies(
  simulation: Simulation,
  payload: PayloadInput,
  all: readonly PayloadInput[],
): { below: PayloadInput[]; missing: string | null } {
  const below: PayloadInput[] = [];
  for (let at: PayloadInput = payload; ; ) {
    const file = readPayload(at.bytes);
    const depends = isProblem(file) ? undefined : file.identity.depends?.id;
    const wanted = depends === undefined ? undefined : fromHex(depends);
    if (wanted === undefined) return { below, missing: null };
    if (simulation.image.buildId !== null && equalBytes(wanted, simulation.image.buildId))
      return { below, missing: null };
    const next = all.find((other) => other !== payload && !below.includes(other) && hasBuildId(other, hex(wanted)));
    if (next === undefined) return { below, missing: depends ?? null };
    below.unshift(next);
    at = next;
  }
}

/** Build-ids that were read already: every payload asks all others for theirs, on every hypervisor. */
const buildIds = new WeakMap<PayloadInput, string | null>();

function hasBuildId(payload: PayloadInput, id: string): boolean {
  let known = buildIds.get(payload);
  if (known === undefined) {
    const file = readPayload(payload.bytes);
    known = isProblem(file) ? null : (file.identity.buildId?.id ?? null);
    buildIds.set(payload, known);
  }
  return known === id;
}

function document(
  target: SimulatedTarget,
  payload: PayloadInput,
  verdict: CheckVerdict,
  rc: number | null,
  findings: readonly Finding[],
): CheckedPayload {
  const screen = target.hypervisor.stopped?.panic?.screen ?? [];
  return {
    file: payload.file,
    verdict,
    errno: rc === null ? null : errnoName(rc),
    console: [...target.hypervisor.machine.console.take(), ...screen],
    findings: findings.map(documentFinding),
  };
}
