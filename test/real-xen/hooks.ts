/**
 * The cases whose hooks run, on whatever host: what is seen after each step, with the lines and screens as they were printed.
 */

import { HOOK_CASES } from '../../src/conform/cases/hooks.ts';
import { PRINTK_CASES } from '../../src/conform/cases/printk.ts';
import { TRAP_CASES } from '../../src/conform/cases/traps.ts';
import { type ConformCase, type ConformStep, codeOf } from '../../src/conform/index.ts';
import { observe, withoutRegisters } from '../../src/conform/observe.ts';
import type { ObservedValue } from '../../src/documents/index.ts';
import type { Image } from '../../src/hypervisor/index.ts';
import { type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { buildIdOf, buildPayload } from '../../src/synth/payload-builder.ts';
import type { ObservableTarget, Release } from '../../src/xen/index.ts';

/** One step: what it returned and left behind, and everything that was printed. */
export interface RecordedHookStep {
  readonly step: ConformStep;
  /** `rc`, `state`, `status`, `live ADDRESS`; where the host died, `panic` alone. */
  readonly seen: Readonly<Record<string, ObservedValue>>;
  readonly lines: readonly string[];
  /** Of a panic. */
  readonly screen?: readonly string[];
}

export interface RecordedHookCase {
  readonly name: string;
  readonly payloads: Readonly<Record<string, PayloadSpec>>;
  readonly steps: readonly RecordedHookStep[];
}

export interface HookRecording {
  readonly buildId: string;
  readonly cases: readonly RecordedHookCase[];
}

export const hookCases: readonly ConformCase[] = [...HOOK_CASES, ...TRAP_CASES, ...PRINTK_CASES];

/** Takes a case through a fresh host, up to its death at most. */
export async function takeHookCase(
  target: ObservableTarget,
  each: ConformCase,
  image: Image,
  release: Release,
): Promise<RecordedHookStep[]> {
  const xen = xenFacts(image, release);
  const files = new Map<string, Uint8Array>();
  const ids = new Map<string, Uint8Array>();
  for (const [key, spec] of Object.entries(each.payloads ?? {})) {
    const file = buildPayload(spec, { xen, ids });
    files.set(key, file);
    ids.set(key, buildIdOf(file));
  }
  let lines: readonly string[] = [];
  const listened = new Proxy(target, {
    get(of, key) {
      if (key === 'takeConsole') return async () => (lines = await of.takeConsole());
      const value: unknown = Reflect.get(of, key, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
  const steps: RecordedHookStep[] = [];
  for (const step of each.steps) {
    lines = [];
    const seen = await observe(listened, step, {
      arch: image.arch,
      release,
      files,
      dump: false,
      pages: false,
      isScrubbed: () => false,
      watched: new Set(['xen_extra_version', ...(each.watch ?? [])].map((name) => xen.address(name))),
      isCode: codeOf(image),
      extraVersion: xen.address('xen_extra_version'),
    });
    seen.delete('console');
    const panic = await target.panic();
    if (panic !== null) lines = [...lines, ...(await target.takeConsole())];
    steps.push({ step, seen: Object.fromEntries(seen), lines, ...(panic !== null && { screen: panic.screen }) });
    if (panic !== null || seen.has('hook')) break;
  }
  return steps;
}

/** What two hosts have to have in common of a step. */
export const comparable = ({ step, seen, lines }: RecordedHookStep) => ({ step, seen, lines: withoutRegisters(lines) });
