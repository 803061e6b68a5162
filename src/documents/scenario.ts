import * as z from 'zod';
import { call } from './call.ts';
import { observed } from './conformance.ts';
import { findings } from './finding.ts';
import { count, environmentError, type Infer, panic, payloadState, xenIdentity } from './parts.ts';
import { stepMembers } from './step.ts';

const expectedState = z.enum([...payloadState.options, 'none']);
/** A payload's state, or `none` if the hypervisor has no such payload. */
export type ExpectedState = z.infer<typeof expectedState>;

const listEntry = z.strictObject({ name: z.string(), state: payloadState.nullable(), rc: z.int() });
/** One payload as LIST gives it. */
export type ScenarioListEntry = Infer<typeof listEntry>;

const scenarioStep = z.strictObject({
  step: z.enum(['upload', 'apply', 'revert', 'replace', 'unload', 'get', 'list', 'dump', 'verify', 'call']),
  name: z.string().nullable().describe("The payload's or function's name; null if the verb takes none."),
  place: z.string().describe('FILE:LINE:COLUMN.'),
  ...stepMembers,
  state: expectedState
    .nullable()
    .describe('Of the payload afterwards; null if the step is about none, and if the host is gone.'),
  status: z.int().nullable().describe('The rc of GET afterwards; null as for state, and for none.'),
  list: z.array(listEntry).nullable().describe('The payloads that list reports; null for other verbs.'),
  call: count.nullable().describe('Index into calls; null for other verbs.'),
  panic: panic.nullable(),
});
export type ScenarioStep = Infer<typeof scenarioStep>;
/** What a step does. */
export type ScriptVerb = ScenarioStep['step'];

const mismatch = z.strictObject({
  field: z.string().describe('errno, state, rc, console, list, panic, returns.int, buffers[0], …'),
  expected: observed,
  came: observed,
});
export type ScenarioMismatch = Infer<typeof mismatch>;

const surprise = z
  .strictObject({
    step: z.int().positive().describe('Which step, counted from 1.'),
    place: z.string().describe('FILE:LINE:COLUMN.'),
    fields: z.array(mismatch),
  })
  .describe('The first step that did not go as expected. The run ends there.');
/** The first step that did not go as expected. */
export type ScenarioSurprise = Infer<typeof surprise>;

const scenarioRun = z.strictObject({
  file: z.string().describe('As the user named it.'),
  title: z.string(),
  cell: z.string().describe('The combination of the matrix: release=4.17.2 cpu=amd-zen4. Empty without a matrix.'),
  xen: xenIdentity.nullable().describe('The host; null if it could not be started.'),
  verdict: z
    .enum(['passed', 'failed', 'error'])
    .describe('error: the environment ended the run, which says nothing about the payloads.'),
  steps: z.array(scenarioStep),
  left: z.array(z.string()).describe('The steps that were not run, in words.'),
  calls: z.array(call),
  surprise: surprise.nullable(),
  error: environmentError.describe('What went wrong in the environment; null unless the verdict is error.'),
  findings: findings.describe(
    'What the simulator says about the step that did not go as expected, and what it assumed.',
  ),
});
/** A scenario on one host. */
export type ScenarioRun = Infer<typeof scenarioRun>;
export type ScenarioVerdict = ScenarioRun['verdict'];

/** `xsplice rehearse FILE.yaml --json`. */
export const scenarioSchema = z
  .strictObject({ format: z.literal('xsplice-scenario/2'), scenarios: z.array(scenarioRun) })
  .meta({
    title: 'xsplice scenarios',
    description: 'Scenarios, each run on a host: the result of each step, and where it was not as expected.',
  });
export type ScenarioReport = Infer<typeof scenarioSchema>;
