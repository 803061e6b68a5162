import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPayloads, PAYLOADS, TOOLS } from '../../scenarios/build.ts';
import { loadScenario } from '../../src/run/index.ts';
import { files, payloadsOf, scenarioNames } from './run.ts';

/** The payloads of the scenarios, as they are committed and as they are built here. */
let folder: string;
let built: ReadonlyMap<string, Uint8Array>;
const committed = (name: string): Buffer => readFileSync(join(PAYLOADS, `${name}.livepatch`));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xsplice-payloads-'));
  mkdirSync(join(folder, 'work'));
  built = buildPayloads(join(folder, 'work'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('payloads of the scenarios', () => {
  it('are those of the sources', () => {
    const there = readdirSync(PAYLOADS).filter((name) => name.endsWith('.livepatch'));
    expect(there.map((name) => name.replace('.livepatch', '')).sort()).toEqual([...built.keys()]);
    const tools: unknown = JSON.parse(readFileSync(join(PAYLOADS, 'tools.json'), 'utf8'));
    expect(TOOLS.versions(), 'the payloads were built with the expected tools: install those').toEqual(tools);
    const differing = [...built].filter(([name, bytes]) => !committed(name).equals(bytes)).map(([name]) => name);
    expect(differing, 'run `npx tsx scenarios/build.ts`').toEqual([]);
  });

  it('name no folder of the machine that built them', () => {
    for (const name of built.keys()) expect(committed(name).toString('latin1')).not.toMatch(/\/(?:tmp|usr|home)\//);
  });

  it('are each used by a scenario', async () => {
    const used = new Set<string>();
    for (const name of scenarioNames) {
      for (const cell of await loadScenario(name, files)) for (const path of payloadsOf(cell)) used.add(path);
    }
    expect([...used].sort()).toEqual([...built.keys()].map((name) => `payloads/${name}.livepatch`).sort());
  });
});
