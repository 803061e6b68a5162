import { equalBytes, type Finding, fromHex, hex } from '../base/index.ts';
import { isProblem } from '../elf/index.ts';
import type { Hypervisor, SimulatedTarget } from '../hypervisor/index.ts';
import { readPayload } from '../payload/index.ts';
import { errnoName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../xen/index.ts';
import { documentFinding } from './document-finding.ts';
import type { CheckedPayload, CheckReport, CheckVerdict } from './documents.ts';
import type { PayloadFile, SimulationOptions } from './options.ts';
import { openSimulation, type Simulation } from './simulation.ts';

/**
 * Would this hypervisor take the payloads, and would it live? Each one is uploaded, applied and reverted on a host of its own, on which those
 * of the other payloads stand that it depends on.
 */
export function checkPayloads(image: Uint8Array, payloads: readonly PayloadFile[], options: SimulationOptions): CheckReport {
  const simulation = openSimulation(image, options);
  return {
    format: 'xsplice-check/1',
    payloads: payloads.map((payload) => {
      options.progress?.(`check ${payload.name}`);
      return checkPayload(simulation, payload, payloads);
    }),
  };
}

function checkPayload(simulation: Simulation, payload: PayloadFile, all: readonly PayloadFile[]): CheckedPayload {
  const target = simulation.boot();
  const { below, missing } = dependencies(simulation, payload, all);
  for (const other of below) {
    target.uploadNow(other.name, other.bytes);
    target.actionNow(other.name, 'apply');
  }
  target.takeFindings();
  target.hypervisor.machine.console.take();

  const findings: Finding[] = simulation.assumed.map((message) => ({ rule: 'assumed', severity: 'note', message, where: {} }));
  if (target.hypervisor.stopped !== null) {
    const message = 'a payload that this one depends on does not survive: check that one first';
    findings.push({ rule: 'dependency-fails', severity: 'error', message, where: { file: payload.file } });
    return document(target, payload, 'refused', null, findings);
  }
  const { verdict, rc } = carryThrough(target, payload, missing);
  for (const finding of target.takeFindings()) {
    findings.push({ ...finding, where: { file: payload.file, ...finding.where } });
  }
  if (missing !== null) {
    const message = `depends on ${missing}, which is neither the hypervisor nor among the files given: applied without its dependency`;
    findings.push({ rule: 'depends-not-given', severity: 'warning', message, where: { file: payload.file } });
  }
  return document(target, payload, verdict, rc, findings);
}

/** Uploads, applies and reverts. The first refusal ends it; so does the host's end. */
function carryThrough(
  target: SimulatedTarget,
  payload: PayloadFile,
  missing: string | null,
): { verdict: CheckVerdict; rc: number | null } {
  const { name, bytes } = payload;
  const { hypervisor } = target;
  const { journal } = hypervisor.machine.space;
  journal.begin();
  const uploaded = target.uploadNow(name, bytes);
  const writes = journal.end();
  if (hypervisor.stopped !== null) return { verdict: 'unsafe', rc: null };
  if (uploaded !== 0) return { verdict: 'refused', rc: uploaded };

  const stray = straysFrom(target, name, writes);
  if (stray !== null) {
    hypervisor.findings.push({
      rule: 'stray-write',
      severity: 'error',
      message: 'loading the payload writes to memory of the hypervisor: an alternative lies outside the payload',
      where: { address: stray },
    });
    return { verdict: 'unsafe', rc: null };
  }
  const flags = missing === null ? 0 : LIVEPATCH_ACTION_APPLY_NODEPS;
  for (const action of ['apply', 'revert'] as const) {
    const rc = target.actionNow(name, action, { flags });
    // Read afresh: the action has changed it.
    const { stopped } = target.hypervisor as Pick<Hypervisor, 'stopped'>;
    if (stopped !== null) {
      const { hook } = stopped;
      if (hook === null) return { verdict: 'unsafe', rc: null };
      hypervisor.findings.push({
        rule: 'hook-not-run',
        severity: 'note',
        message: `the ${hook.kind} hook ${hook.symbol ?? ''} is not run: what it does, and what comes after it, is not checked`,
        where: { ...(hook.symbol !== null && { symbol: hook.symbol }), address: hook.address },
      });
      return { verdict: 'accepted', rc: null };
    }
    if (rc !== 0) return { verdict: 'refused', rc };
  }
  return { verdict: 'accepted', rc: null };
}

/** Address of the first write outside the payload's own pages and the upload buffer. */
function straysFrom(
  target: SimulatedTarget,
  name: string,
  writes: readonly { readonly address: bigint }[],
): bigint | null {
  const loaded = target.hypervisor.payloads.find((payload) => payload.name === name);
  if (loaded === undefined) return null;
  const start = loaded.text.addr;
  const end = start + BigInt(loaded.pages * 4096);
  return writes.find(({ address }) => address < start || address >= end)?.address ?? null;
}

/** The payloads that have to be applied first, in order; `missing` is a dependency that nobody has. */
function dependencies(
  simulation: Simulation,
  payload: PayloadFile,
  all: readonly PayloadFile[],
): { below: PayloadFile[]; missing: string | null } {
  const below: PayloadFile[] = [];
  for (let at: PayloadFile = payload; ; ) {
    const file = readPayload(at.bytes);
    const depends = isProblem(file) ? undefined : file.identity.depends?.id;
    const wanted = depends === undefined ? undefined : fromHex(depends);
    if (wanted === undefined) return { below, missing: null };
    if (simulation.image.buildId !== null && equalBytes(wanted, simulation.image.buildId)) return { below, missing: null };
    const next = all.find((other) => other !== payload && !below.includes(other) && hasBuildId(other, hex(wanted)));
    if (next === undefined) return { below, missing: depends ?? null };
    below.unshift(next);
    at = next;
  }
}

function hasBuildId(payload: PayloadFile, id: string): boolean {
  const file = readPayload(payload.bytes);
  return !isProblem(file) && file.identity.buildId?.id === id;
}

function document(
  target: SimulatedTarget,
  payload: PayloadFile,
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
