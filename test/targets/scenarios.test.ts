import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { ConformReport, ScenarioReport } from '../../src/documents/index.ts';
import { openSimulation } from '../../src/run/index.ts';
import { buildIdOf, buildPayload, type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { xspliceIn } from './support.ts';

/** Runs the same scenarios on the simulator and on the hypervisor itself, in QEMU. */
const { xenSyms, version } = debianXen();
const cwd = mkdtempSync(join(tmpdir(), 'xsplice-scenarios-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const MINUTES = 60_000;

const PAYLOADS: Readonly<Record<string, PayloadSpec>> = {
  a: {},
  b: { depends: '@a', code: [{ symbol: 'fn_b', returns: '-B' }] },
  r: { code: [{ symbol: 'fn_r', returns: '-R' }] },
  bad: { xenDepends: '00'.repeat(20) },
  // Fails at upload: nothing is mapped at the address.
  wild: { functions: [{ name: 'xen_changeset', old: { hex: 'ffff82d080000000' }, oldSize: 16 }] },
};

const LIFE = `title: a stack, and a payload in its place
payloads: { a: a.livepatch, b: b.livepatch, r: r.livepatch, bad: bad.livepatch }
steps:
  - upload: a
  - upload: b
  - apply: { name: b, errno: EINVAL, console: "check against hypervisor build-id failed" }
  - apply: { name: a, console: { exact: ["livepatch: a: Verifying enabled expectations for all functions", "livepatch: a: Applying 1 functions", "livepatch: a finished APPLY with rc=0"] } }
  - apply: b
  - verify
  - list: [a, { name: b, state: APPLIED, rc: 0 }]
  - dump: { console: ["name=a state=APPLIED(2)", "name=b state=APPLIED(2)"] }
  - revert: { name: a, errno: EBUSY, state: APPLIED }
  - upload: { name: bad, errno: EINVAL, console: "build-id failed" }
  - get: { name: bad, state: none }
  - upload: r
  - replace: r
  - verify
  - list: [{ name: a, state: CHECKED }, { name: b, state: CHECKED }, { name: r, state: APPLIED }]
  - revert: r
  - verify
  - unload: a
  - unload: b
  - unload: r
  - list: []
`;

const SURPRISE = `payloads: { a: a.livepatch }
steps:
  - upload: { name: a, state: none }
  - list
`;

const DEATH = `payloads: { wild: wild.livepatch }
steps:
  - panics: { upload: wild, message: "FATAL PAGE FAULT", error_code: 0, address: 0xffff82d080000000, console: "Pagetable walk from" }
`;

const xsplice = xspliceIn(cwd);

beforeAll(() => {
  const simulation = openSimulation(new Uint8Array(readFileSync(xenSyms)), { gunzip });
  const xen = xenFacts(simulation.image, simulation.release);
  const ids = new Map<string, Uint8Array>();
  for (const [key, spec] of Object.entries(PAYLOADS)) {
    const bytes = buildPayload(spec, { xen, ids });
    ids.set(key, buildIdOf(bytes));
    writeFileSync(join(cwd, `${key}.livepatch`), bytes);
  }
  writeFileSync(join(cwd, 'life.yaml'), LIFE);
  writeFileSync(join(cwd, 'surprise.yaml'), SURPRISE);
  writeFileSync(join(cwd, 'death.yaml'), DEATH);
});

/** Keeps what both stages report; only the simulator has findings. */
const told = (stdout: string) =>
  (JSON.parse(stdout) as ScenarioReport).scenarios.map(({ verdict, steps, surprise, left }) => ({
    verdict,
    steps,
    surprise,
    left,
  }));

describe('a scenario on the real hypervisor', () => {
  it('gives the same result as on the simulator, step by step', { timeout: 10 * MINUTES }, async () => {
    const files = ['life.yaml', 'surprise.yaml'];
    const real = await xsplice('rehearse', ...files, '--on', 'qemu', '--json');
    const simulated = await xsplice('rehearse', ...files, '--xen', xenSyms, '--json');
    expect(real).toMatchObject({ status: 1, stderr: '' });
    expect(told(real.stdout)).toEqual(told(simulated.stdout));
    expect(told(real.stdout).map(({ verdict }) => verdict)).toEqual(['passed', 'failed']);
    expect((JSON.parse(real.stdout) as ScenarioReport).scenarios[0]?.xen?.release).toBe(version);
  });

  it('may kill the host', { timeout: 10 * MINUTES }, async () => {
    for (const where of [
      ['--on', 'qemu'],
      ['--xen', xenSyms],
    ]) {
      expect(await xsplice('rehearse', 'death.yaml', ...where)).toMatchObject({ status: 0, stderr: '' });
    }
  });

  it.each([
    ['release: "4.18.1"', `needs Xen 4.18.1, but this host runs ${version}`],
    ['stuck: [1]', 'stuck works on the simulator only'],
  ])('rejects %s', { timeout: 10 * MINUTES }, async (setting, message) => {
    writeFileSync(join(cwd, 'other.yaml'), `${setting}\nsteps: [list]\n`);
    const { status, stdout } = await xsplice('rehearse', 'other.yaml', '--on', 'qemu', '--json');
    expect(status).toBe(2);
    expect((JSON.parse(stdout) as ScenarioReport).scenarios[0]).toMatchObject({ verdict: 'error', xen: null });
    expect(stdout).toContain(message);
  });

  it('agrees with the simulator, whatever is expected', { timeout: 10 * MINUTES }, async () => {
    const { status, stdout } = await xsplice('conform', '.', '--json');
    const report = JSON.parse(stdout) as ConformReport;
    expect(report.differences).toEqual([]);
    expect(report.agreed).toBe(report.cases);
    expect(report.cases).toBeGreaterThanOrEqual(3);
    expect(status).toBe(0);
  });
});
