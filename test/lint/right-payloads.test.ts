import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAYLOADS } from '../../scenarios/build.ts';
import { RULES } from '../../src/lint/index.ts';
import { fitPayload } from '../../src/synth/index.ts';
import { debian } from '../run/xen.ts';
import { exampleManifest } from '../support/examples.ts';
import { checked, exampleFile, lint } from './support.ts';

/** A rule that also matches a sound payload must be a note. */
const complaints = (findings: readonly { readonly rule: string; readonly severity: string }[]) =>
  findings.filter(({ rule, severity }) => severity !== 'note' && RULES.some(({ id }) => id === rule));

describe('sound payloads give no warning and no error', () => {
  const right = exampleManifest.payloads
    .filter(({ expected }) => expected.verdict === 'accepted')
    .map(({ name }) => name);

  it.each(right)('the example %s', async (name) => {
    for (const cpu of ['qemu-max', 'intel-sapphire-rapids', 'amd-zen4']) {
      const report = await checked([exampleFile(name)], { cpu });
      expect(complaints(report.payloads[0]?.findings ?? expect.fail())).toEqual([]);
    }
  });

  it('all examples together', async () => {
    const report = await checked(right.map(exampleFile));
    expect(report.payloads.flatMap(({ findings }) => complaints(findings))).toEqual([]);
  });

  const names = readdirSync(PAYLOADS).filter((name) => name.endsWith('.livepatch'));
  it.each(names)('%s, fitted to Debian’s Xen', async (name) => {
    const { image, release } = debian;
    const bytes = fitPayload(new Uint8Array(readFileSync(join(PAYLOADS, name))), { image, release });
    expect(complaints(await lint(RULES, bytes, { simulation: debian }))).toEqual([]);
  });
});

describe('rules', () => {
  it('share no id with the refusals of the simulated hypervisor', () => {
    const arch = ['x86_64', 'arm', 'arm64', 'arm32'].map((name) => `src/arch/${name}`);
    const sources = ['src/hypervisor', 'src/run', ...arch].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(folder, name), 'utf8')),
    );
    const taken = new Set(sources.flatMap((text) => [...text.matchAll(/'([a-z0-9-]+)'/g)].map(([, id]) => id)));
    expect(taken).toContain('duplicate-symbol');
    expect(RULES.map(({ id }) => id).filter((id) => taken.has(id))).toEqual([]);
    // Every id in coveredBy is a refusal.
    expect(RULES.flatMap(({ coveredBy = [] }) => coveredBy).filter((id) => !taken.has(id))).toEqual([]);
  });

  it('are fast on the largest payload', async () => {
    const { image, release } = debian;
    const sizes = names().map((name) => new Uint8Array(readFileSync(join(PAYLOADS, name))));
    const largest = sizes.reduce((a, b) => (b.length > a.length ? b : a));
    const bytes = fitPayload(largest, { image, release });
    await lint(RULES, bytes, { simulation: debian });
    const start = performance.now();
    await lint(RULES, bytes, { simulation: debian });
    expect(performance.now() - start).toBeLessThan(300);
  });
});

const names = (): string[] => readdirSync(PAYLOADS).filter((name) => name.endsWith('.livepatch'));
