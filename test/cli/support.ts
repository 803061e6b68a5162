import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Engine } from '../../src/cli/engine.ts';
import { example, exampleFiles, exampleNames, listExamples } from '../../src/cli/examples.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { main } from '../../src/cli/main.ts';
import { CONFORM_CASES, conformStepText } from '../../src/conform/cases/index.ts';
import type { CheckMatrix, CheckReport } from '../../src/documents/index.ts';
import { payloadName } from '../../src/payload/payload-input.ts';
import type { SimulationOptions } from '../../src/run/options.ts';
import { plannedCall } from '../../src/run/planned-call.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { checked, inspected, passed } from '../report/fixtures.ts';

/** A private directory, removed when the test file is done. */
export function privateDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'xsplice-cli-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A check on one hypervisor as the matrix that it is. */
export const matrixOf = ({ payloads }: CheckReport): CheckMatrix => ({
  format: 'xsplice-check-matrix/1',
  hypervisors: [{ file: 'xen-syms', release: '4.17.7', buildId: null, arch: 'x86_64' }],
  payloads: payloads.map(({ file }) => ({
    file,
    name: payloadName(file),
    buildId: null,
    depends: null,
    xenDepends: null,
    dependsOn: null,
  })),
  cells: payloads.map(({ file: _, ...members }, payload) => ({ payload, xen: 0, named: false, ...members })),
});

/** What the commands handed to the simulator. */
export interface Call {
  readonly image?: Uint8Array;
  readonly payloads: readonly { readonly file: string; readonly name: string; readonly bytes: Uint8Array }[];
  readonly options?: SimulationOptions;
}

export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly Call[];
}

/** Runs a command line as a shell would: no terminal, no environment, in `/`, unless `io` says otherwise. */
export async function runMain(
  argv: readonly string[],
  io: Partial<CliIo> = {},
  engine?: () => Promise<Engine>,
): Promise<Omit<Run, 'calls'>> {
  const out: string[] = [];
  const err: string[] = [];
  const standard: CliIo = {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    isTTY: false,
    stderrIsTTY: false,
    env: {},
    columns: undefined,
    cwd: '/',
  };
  const status = await main(argv, { ...standard, ...io }, engine);
  return { status, stdout: out.join(''), stderr: err.join('') };
}

/** Runs a command line with documents in place of the simulator, which is what these tests are not about. */
export async function run(
  argv: readonly string[],
  io: Partial<CliIo> = {},
  engine: Partial<Engine> = {},
): Promise<Run> {
  const calls: Call[] = [];
  const documents: Engine = {
    payloadName,
    plannedCall,
    inspectPayloads: (payloads) => {
      calls.push({ payloads });
      return inspected;
    },
    disassembler: () => Promise.reject(new Error('nobody asked for it')),
    checkMatrix: ({ payloads, options }) => {
      calls.push({ payloads, options });
      return Promise.resolve(matrixOf(checked));
    },
    lint: () => import('../../src/lint/index.ts'),
    rehearsePayloads: (image, payloads, options) => {
      calls.push({ image, payloads, options });
      return Promise.resolve(passed);
    },
    rehearseOnQemu: (payloads, options) => {
      calls.push({ payloads, options });
      return Promise.resolve(passed);
    },
    conformCases: () => Promise.resolve({ cases: CONFORM_CASES, stepText: conformStepText }),
    conform: () => Promise.reject(new Error('nobody asked for it')),
    releases: () => RELEASES,
    cpuPresets: () => ['qemu-max', 'zen4'],
    exampleNames,
    example,
    listExamples,
    exampleFiles,
    ...engine,
  };
  const result = await runMain(argv, io, () => Promise.resolve(documents));
  return { ...result, calls };
}
