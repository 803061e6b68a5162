import { gunzip } from '../../src/cli/gunzip.ts';
import type { CheckReport, RehearsalReport } from '../../src/documents/index.ts';
import { type PayloadInput, payloadName } from '../../src/payload/index.ts';
import { checkPayloads, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import { exampleBytes, exampleManifest } from '../support/examples.ts';

/** An example as the commands hand it on. */
export function example(name: string): PayloadInput {
  const file = `${name}.livepatch`;
  return { file, name: payloadName(file), bytes: exampleBytes(name) };
}

export const image = (): Uint8Array => exampleBytes(exampleManifest.image.name);

/** Examples by name, or files. */
const files = (payloads: readonly (string | PayloadInput)[]): PayloadInput[] =>
  payloads.map((each) => (typeof each === 'string' ? example(each) : each));

export const rehearse = (
  payloads: readonly (string | PayloadInput)[],
  options: SimulationOptions = {},
): Promise<RehearsalReport> => rehearsePayloads(image(), files(payloads), { gunzip, ...options });

export const check = (
  payloads: readonly (string | PayloadInput)[],
  options: SimulationOptions = {},
): Promise<CheckReport> => checkPayloads(image(), files(payloads), { gunzip, ...options });

/** The steps as one line each: `apply hello 0 APPLIED`. */
export const outline = (report: RehearsalReport): string[] =>
  report.steps.map(({ step, name, outcome, rc, errno, state }) =>
    [step, name, errno ?? rc ?? outcome, state ?? '-'].join(' '),
  );
