import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import type { PayloadInput } from '../../src/payload/index.ts';
import { checkPayloads, plannedCall, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import { exampleBytes, examplePayload, examplesOf, uploadName } from '../support/examples.ts';

const openCpu = await loadEmulator();

describe.each(['arm64', 'arm32'] as const)('the examples of %s', (arch) => {
  const { image, payloads } = examplesOf(arch);
  const xen = exampleBytes(image.name);
  const options: SimulationOptions = { gunzip, openCpu };

  const file = (name: string): PayloadInput => ({
    file: `${uploadName(name)}.livepatch`,
    name: uploadName(name),
    bytes: exampleBytes(name),
  });
  /** The example on top of what it depends on. */
  const stacked = (name: string): PayloadInput[] => {
    const { depends } = examplePayload(name);
    return depends === null || depends === image.name ? [file(name)] : [...stacked(depends), file(name)];
  };
  const called = (name: string): string => `${arch}/${name}`;

  describe.each(payloads)('$name', ({ name, expected, reappliable }) => {
    const quiet = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes('Verifying'));

    it('is checked as the manifest says', async () => {
      const checked = (await checkPayloads(xen, stacked(name), options)).payloads.at(-1);
      expect(checked).toMatchObject({ file: `${uploadName(name)}.livepatch`, verdict: expected.verdict });
      const rules = checked?.findings.map(({ rule, severity }) => [rule, severity]) ?? [];
      if (expected.verdict === 'accepted') {
        expect(checked?.errno).toBe(null);
        expect(rules).toEqual((expected.warnings ?? []).map((rule) => [rule, 'warning']));
        return;
      }
      expect(checked?.errno).toBe(expected.errno);
      expect(quiet(checked?.console ?? [])).toEqual(expected.console);
      expect(rules.map(([, severity]) => severity)).toEqual(['error']);
    });

    it('is rehearsed as the manifest says', async () => {
      const report = await rehearsePayloads(xen, stacked(name), options);
      expect(report.xen).toMatchObject({ arch, release: image.release, buildId: image.buildId });
      expect(report.panic).toBe(null);
      const last = report.steps.at(-1);
      if (expected.verdict === 'refused') {
        expect(report.verdict).toBe('refused');
        expect(last).toMatchObject({ step: expected.action, errno: expected.errno });
        expect(quiet(last?.console ?? [])).toEqual(expected.console);
        return;
      }
      expect(report.verdict).toBe('passed');
      const applied = report.steps.filter(
        ({ step, name: of, rc }) => step === 'apply' && of === uploadName(name) && rc === 0,
      );
      if (stacked(name).length === 1) expect(applied).toHaveLength(reappliable === true ? 2 : 1);
      expect(report.findings.map(({ rule }) => rule).sort()).toEqual(
        [...(expected.warnings ?? []), ...(reappliable === true ? [] : ['not-reappliable'])].sort(),
      );
      expect(last).toMatchObject({ state: null, payload: null });
    });
  });

  it('run their hooks', async () => {
    const report = await rehearsePayloads(xen, [file(called('hooks'))], options);
    const said = (step: string): string[] =>
      report.steps.find((each) => each.step === step)?.console.filter((line) => line.startsWith('hooks: ')) ?? [];
    expect(said('apply')).toEqual(['hooks: load hook']);
    expect(said('revert')).toEqual(['hooks: unload hook']);
  });

  it.each([
    ['hello', 'xen_extra_version() = "-hello"'],
    ['replace', 'xen_changeset() = "cumulative"'],
    ['alternatives', 'xen_extra_version() = "-replaced"'],
    ['data', 'xen_extra_version() = "-b"'],
  ])('%s: %s while it is applied', async (name, text) => {
    const calling = (call: string) =>
      rehearsePayloads(xen, [file(called(name))], { ...options, calls: [plannedCall(call)] });
    expect((await calling(text)).verdict).toBe('passed');
    expect((await calling(text.replace('= "', '= "not '))).verdict).toBe('failed');
  });

  it('kill the host under 4.18.0, which writes to read-only functions', async () => {
    const report = await rehearsePayloads(xen, [file(called('hello'))], { ...options, release: '4.18.0' });
    expect(report).toMatchObject({ verdict: 'panicked' });
    const writable = await rehearsePayloads(xen, [file(called('writable'))], { ...options, release: '4.18.0' });
    expect(writable).toMatchObject({ verdict: 'passed' });
  });
});

describe('the example arm32/odd-branch', () => {
  it('prints one of its two lines: the other call misses printk()', async () => {
    const xen = exampleBytes(examplesOf('arm32').image.name);
    const payload = { file: 'odd-branch.livepatch', name: 'odd-branch', bytes: exampleBytes('arm32/odd-branch') };
    const calls = [plannedCall('xen_extra_version() = "-odd"')];
    const report = await rehearsePayloads(xen, [payload], { gunzip, openCpu, calls });
    expect(report.verdict).toBe('passed');
    const said = report.steps.filter(({ step }) => step === 'call').flatMap(({ console: lines }) => lines);
    expect(said.filter((line) => line.startsWith('odd-branch: '))).toHaveLength(1);
  });
});
