import { describe, expect, it } from 'vitest';
import { manifest, uploadName } from '../support/examples.ts';
import { documentOf, xsplice } from './process.ts';

/** What `npm run quickstart` shows: the same payload under two releases. */
describe('the story of the quickstart', () => {
  it('passes under 4.18.1', () => {
    const { status, stdout, stderr } = xsplice(['rehearse', '--example', 'hello', '--release', '4.18.1']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Xen 4\.18\.1 x86_64/);
    expect(stdout).toMatch(/\nPASSED 11 steps, 1 function\n$/);
  });

  it('panics under 4.18.0, and the page walk shows why', () => {
    const { status, stdout, stderr } = xsplice(['rehearse', '--example', 'hello', '--release', '4.18.0']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const [, address = ''] = /Faulting linear address: ([0-9a-f]{16})/.exec(stdout) ?? [];
    const [, ro = ''] = / ro ([0-9a-f]{16})/.exec(stdout) ?? [];
    // The write goes into the payload's read-only page, whose entry is present, but not writable.
    expect(address.slice(0, 13)).toBe(ro.slice(0, 13));
    expect(stdout).toContain(`Pagetable walk from ${address}:`);
    const [, entry = ''] = /L1\[0x[0-9a-f]{3}\] = ([0-9a-f]{16})/.exec(stdout) ?? [];
    expect(BigInt(`0x${entry}`) & 3n).toBe(1n);
    expect(stdout).toContain('[error_code=0003]');
    expect(stdout).toMatch(/\nPANICKED apply of hello: FATAL PAGE FAULT\n$/);
  });
});

describe.each(manifest.payloads)('the example $name', ({ name, arch, expected, reappliable }) => {
  const { status, document } = documentOf('rehearse', ['--example', name]);
  const upload = uploadName(name);
  const steps = document.steps.filter((step) => step.name === upload);

  it('is rehearsed on its architecture', () => {
    expect(document.xen.arch).toBe(arch);
  });

  it('ends as its manifest says', () => {
    if (expected.verdict === 'refused') {
      expect(document.verdict).toBe('refused');
      expect(steps.at(-1)).toMatchObject({ step: expected.action, errno: expected.errno });
      expect(steps.at(-1)?.console.filter((line) => expected.console.includes(line))).toEqual(expected.console);
      expect(status).toBe(1);
      return;
    }
    expect({ verdict: document.verdict, status }).toEqual({ verdict: 'passed', status: 0 });
    const applied = steps.filter(({ step, rc }) => step === 'apply' && rc === 0).length;
    const stacked = document.steps.some((step) => step.name !== upload);
    if (!stacked) expect(applied).toBe(reappliable === true ? 2 : 1);
    expect(steps.at(-1)).toMatchObject({ state: null, payload: null });
  });
});
