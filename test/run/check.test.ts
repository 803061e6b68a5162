import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../src/documents/schemas.ts';
import { documentJson } from '../../src/report/index.ts';
import { CHANGESET, id, patch, payloadFor } from '../hypervisor/state-support.ts';
import { exampleManifest, examplePayload } from '../support/examples.ts';
import { check } from './support.ts';

const names = exampleManifest.payloads.map(({ name }) => name);

describe('every example', () => {
  it.each(names)('%s', async (name) => {
    const { expected, depends } = examplePayload(name);
    const report = await check(depends === 'hello' ? [name, 'hello'] : [name]);
    expect(report.format).toBe('xsplice-check/1');
    const [checked] = report.payloads;
    expect(checked).toMatchObject({ file: `${name}.livepatch`, verdict: expected.verdict });
    if (expected.verdict === 'accepted') {
      expect(checked?.errno).toBe(null);
      expect(checked?.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      return;
    }
    expect(checked?.errno).toBe(expected.errno);
    expect(checked?.console.filter((line) => !line.includes('Verifying'))).toEqual(expected.console);
    expect(checked?.findings.filter(({ severity }) => severity === 'error')).not.toEqual([]);
  });

  it('is checked on a host of its own if all are given at once', async () => {
    const report = await check(names);
    expect(report.payloads.map(({ file, verdict }) => [file, verdict])).toEqual(
      exampleManifest.payloads.map(({ name, expected }) => [`${name}.livepatch`, expected.verdict]),
    );
    const printed: unknown = JSON.parse(documentJson(report));
    expect(checkSchema.parse(printed)).toEqual(printed);
  });

  it('under 4.18.0 those with read-only functions are unsafe', async () => {
    const report = await check(names, { release: '4.18.0' });
    const verdicts = Object.fromEntries(
      report.payloads.map(({ file, verdict }) => [file.replace('.livepatch', ''), verdict]),
    );
    expect(verdicts).toMatchObject({ hello: 'unsafe', writable: 'accepted', nop: 'unsafe', 'not-elf': 'refused' });
    const hello = report.payloads.find(({ file }) => file === 'hello.livepatch');
    expect(hello?.errno).toBe(null);
    expect(hello?.console.slice(-10)).toContain('FATAL PAGE FAULT');
    expect(hello?.findings.map(({ rule }) => rule)).toContain('host-panic');
    const printed: unknown = JSON.parse(documentJson(report));
    expect(checkSchema.parse(printed)).toEqual(printed);
  });
});

describe('dependencies', () => {
  it('are found among the files, in whatever order', async () => {
    for (const given of [
      ['hello', 'stack'],
      ['stack', 'hello'],
    ]) {
      const stacked = (await check(given)).payloads.find(({ file }) => file === 'stack.livepatch');
      expect(stacked).toMatchObject({ verdict: 'accepted', findings: [] });
    }
  });

  it('that are not among the files give a warning', async () => {
    const [stacked] = (await check(['stack'])).payloads;
    expect(stacked?.verdict).toBe('accepted');
    expect(stacked?.findings.map(({ rule, severity }) => [rule, severity])).toEqual([['depends-not-given', 'warning']]);
    expect(stacked?.findings[0]?.message).toContain(examplePayload('hello').buildId);
  });

  it('that kill the host are named as the reason', async () => {
    const stacked = (await check(['stack', 'hello'], { release: '4.18.0' })).payloads[0];
    expect(stacked?.verdict).toBe('refused');
    expect(stacked?.findings.map(({ rule }) => rule)).toContain('dependency-fails');
  });
});

describe('hooks', () => {
  it('give a note if they cannot be run', async () => {
    const [hooks] = (await check(['hooks'])).payloads;
    expect(hooks?.findings).toMatchObject([
      { rule: 'hook-not-run', severity: 'note', where: { symbol: 'hooks_on_load' } },
    ]);
  });
});

describe('a payload that leaves its function patched', () => {
  it('is unsafe', async () => {
    const bytes = payloadFor({ buildId: id(5), functions: [patch(CHANGESET), patch(CHANGESET)] });
    const [twice] = (await check([{ file: 'twice.livepatch', name: 'twice', bytes }])).payloads;
    expect(twice?.verdict).toBe('unsafe');
    expect(twice?.findings.map(({ rule }) => rule)).toContain('verify');
  });
});

describe('a host with a stuck CPU', () => {
  it('refuses to apply', async () => {
    const [hello] = (await check(['hello'], { cpus: 2, stuck: [1] })).payloads;
    expect(hello).toMatchObject({ verdict: 'refused', errno: 'EBUSY' });
    expect(hello?.console).toContain('livepatch: hello: Timed out on semaphore in CPU quiesce phase 0/1');
  });
});
