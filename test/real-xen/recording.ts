/**
 * Recordings of a real Xen: conformance cases with what was observed of the host in each step. A recording is one of the hosts that `conform`
 * compares, and replaying it is a conformance run.
 */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { lookAfter, observeOptions } from '../../src/conform/conform.ts';
import { type CaseHost, type ConformCase, type ConformStep, conform, type OpenHost } from '../../src/conform/index.ts';
import type { ConformDifference, ObservedValue } from '../../src/documents/index.ts';
import type { Image } from '../../src/hypervisor/index.ts';
import type { Release } from '../../src/xen/index.ts';

/** QEMU's `-cpu` and number of CPUs. */
export interface RecordedMachine {
  readonly cpu: string;
  readonly cpus: number;
}

export interface RecordedStep {
  readonly step: ConformStep;
  /** An `Observation`: field → value. Empty where nothing that a simulator can show was observed. */
  readonly seen: Readonly<Record<string, ObservedValue>>;
}

export interface RecordedCase extends Omit<ConformCase, 'steps'> {
  readonly host: RecordedMachine;
  readonly steps: readonly RecordedStep[];
}

export interface Recording {
  /** Where the hypervisor came from. */
  readonly package: string;
  /** The hypervisor whose addresses the recording has. */
  readonly buildId: string;
  readonly cases: readonly RecordedCase[];
}

const folder = new URL('./recordings/', import.meta.url);

/** Reads a recording by its file's name. */
export const readRecording = (name: string): Recording => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

/** Reads the payload files that recorded cases name. */
export function readPayloadFiles(name: string): Map<string, Uint8Array> {
  const { files } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { files: Record<string, string> };
  const inflate = (base64: string): Uint8Array => new Uint8Array(inflateRawSync(Buffer.from(base64, 'base64')));
  return new Map(Object.entries(files).map(([file, base64]) => [file, inflate(base64)]));
}

/** The case that was recorded. */
export const caseOf = (recorded: RecordedCase): ConformCase => ({
  ...recorded,
  steps: recorded.steps.map(({ step }) => step),
});

/** A host that answers with the steps of a recording, in their order; it calls `answered` for each. */
export const recordedHost =
  ({ steps }: RecordedCase, answered: () => void = () => {}): OpenHost =>
  async () => {
    const left = [...steps];
    return {
      observe: async () => {
        const step = left.shift();
        if (step === undefined) throw new Error('the recording has no more steps');
        answered();
        const fields = Object.entries(step.seen);
        return fields.length === 0 ? null : new Map(fields);
      },
      close: async () => {},
    };
  };

export interface ReplayOptions {
  readonly image: Image;
  readonly release: Release;
  readonly simulated: OpenHost;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly answered?: () => void;
}

/** Takes a recorded case through a simulated host. Returns every difference; none means that all recorded steps were the same. */
export async function replay(
  recorded: RecordedCase,
  { answered, ...options }: ReplayOptions,
): Promise<readonly ConformDifference[]> {
  const real = recordedHost(recorded, answered);
  return (await conform({ ...options, real, cases: [caseOf(recorded)] })).differences;
}

/** Records a case: takes it through a host that was just booted, up to the host's death at most. */
export async function recordSteps(
  host: CaseHost,
  each: ConformCase,
  { image, release, files }: Pick<ReplayOptions, 'image' | 'release'> & Partial<Pick<ReplayOptions, 'files'>>,
): Promise<RecordedStep[]> {
  const options = observeOptions(each, image, release, files);
  const steps: RecordedStep[] = [];
  for (const step of each.steps) {
    const seen = await host.observe(step, { ...options, ...lookAfter(step, each) });
    if (seen === null) throw new Error(`${each.name}: this host cannot take ${JSON.stringify(step)}`);
    steps.push({ step, seen: Object.fromEntries(seen) });
    if (seen.has('panic') || seen.has('hook')) break;
  }
  return steps;
}
