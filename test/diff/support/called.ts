import { type MadePayload, makePayload } from '../../../src/builder/index.ts';
import { openHost } from '../../../src/builder/simulated-host.ts';
import { PORTS } from '../../../src/cli/ports.ts';
import type { PairsDiff } from '../../../src/diff/index.ts';
import { loadEmulator } from '../../../src/emulator/index.ts';
import { plannedCall, rehearsePayloads } from '../../../src/run/index.ts';
import type { Subject } from './subject.ts';

/** What became of a change: the payload, and how each function answered while that was applied. */
export interface Called extends Pick<MadePayload, 'verdict' | 'refusals' | 'remarks'> {
  /** `f(1) = 3` for each call; a call that ends the host has the panic's text. */
  readonly calls: readonly string[];
}

/** Links the objects of a diff, applies the payload to the simulated host, and calls functions there: `f(1)`. */
export async function called(subject: Subject, diff: PairsDiff, calls: readonly string[]): Promise<Called> {
  const options = { release: subject.release.version, gunzip: PORTS.gunzip };
  const simulation = openHost(subject.imageBytes, options, PORTS);
  const request = { file: 'fix.livepatch', name: 'fix', titles: [], tool: 'test' };
  const { loadDisassembler, inflate } = PORTS;
  const made = await makePayload(diff, simulation, request, {
    env: process.env,
    loadDisassembler,
    inflate,
    hostFor: () => Promise.resolve(simulation),
  });
  const { verdict, refusals, remarks, bytes } = made;
  if (verdict !== 'built' || bytes === null) return { verdict, refusals, remarks, calls: [] };
  const payload = { file: 'fix.livepatch', name: 'fix', bytes };
  const openCpu = await loadEmulator();
  const report = await rehearsePayloads(subject.imageBytes, [payload], {
    ...options,
    openCpu,
    calls: calls.map(plannedCall),
  });
  const answers = report.calls
    .filter(({ when }) => when === 'applied')
    .map((call) => {
      const { string, int } = call.returned;
      const value = string === null ? String(int) : JSON.stringify(string);
      return `${call.function} = ${int === null ? (report.panic?.message ?? 'no answer') : value}`;
    });
  return { verdict, refusals, remarks, calls: answers };
}
