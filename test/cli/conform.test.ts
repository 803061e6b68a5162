import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import type { HypervisorPairOptions } from '../../src/cli/hypervisor-pair.ts';
import { CONFORM_CASES } from '../../src/conform/cases/index.ts';
import { type ConformCase, runsOn } from '../../src/conform/index.ts';
import type { ConformReport } from '../../src/documents/index.ts';
import { run } from './support.ts';

const difference = { case: 'good-cycle', step: 1, field: 'rc', simulated: 0, real: 'EINVAL' } as const;

/** Runs `xsplice conform` without a hypervisor; what it would have run is told. */
async function conform(argv: readonly string[], differences: ConformReport['differences'] = []) {
  const asked: { cases: readonly ConformCase[]; options: HypervisorPairOptions }[] = [];
  const result = await run(
    ['conform', ...argv],
    {},
    {
      conform: async (cases, options) => {
        asked.push({ cases, options });
        return {
          format: 'xsplice-conformance/1',
          cases: cases.length,
          agreed: cases.length - differences.length,
          differences,
        };
      },
    },
  );
  return { ...result, asked };
}

const names = (asked: readonly { cases: readonly ConformCase[] }[]) =>
  asked.flatMap(({ cases }) => cases.map(({ name }) => name));

/** What is run where no architecture is named. */
const ON_X86 = CONFORM_CASES.filter((each) => runsOn(each, 'x86_64'));

describe('xsplice conform', () => {
  it('runs all cases, and ends with 0 where all agree', async () => {
    const { status, stdout, asked } = await conform([]);
    expect(status).toBe(0);
    expect(stdout).toBe(`AGREED ${ON_X86.length} cases\n`);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.cases).toEqual(ON_X86);
  });

  it('ends with 1 where there is a difference', async () => {
    const { status, stdout } = await conform(['good-cycle'], [difference]);
    expect(status).toBe(1);
    expect(stdout).toContain('good-cycle, step 1: upload p');
    expect(stdout).toContain('DIFFERENT 1 of 1 case');
  });

  it('prints the document with --json', async () => {
    const { status, stdout } = await conform(['--json', 'good-cycle'], [difference]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      format: 'xsplice-conformance/1',
      cases: 1,
      agreed: 0,
      differences: [difference],
    });
  });

  it('runs the cases that are named, in their own order', async () => {
    expect(names((await conform(['wrong-state', 'good-cycle'])).asked)).toEqual(['good-cycle', 'wrong-state']);
    const nops = names((await conform(['nop-*'])).asked);
    expect(nops).toEqual(CONFORM_CASES.map(({ name }) => name).filter((name) => name.startsWith('nop-')));
    expect(nops.length).toBeGreaterThan(5);
  });

  it('runs those of the architecture', async () => {
    const { status, asked } = await conform(['--arch', 'arm64', 'good-cycle', 'nop-*']);
    expect(status).toBe(0);
    expect(names(asked)).toContain('nop-12');
    expect(names(asked)).not.toContain('nop-endbr-4');
    const all = names((await conform(['--arch', 'arm32'])).asked);
    expect(all).toEqual(CONFORM_CASES.filter((each) => runsOn(each, 'arm32')).map(({ name }) => name));
    expect(all.length).toBeGreaterThan(200);
    expect(all.length).toBeLessThan(CONFORM_CASES.length);
    const refused = await conform(['--arch', 'arm64', 'hook-ud2']);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('case hook-ud2 does not run on arm64');
    expect(refused.asked).toEqual([]);
  });

  it('refuses a case that is none, before anything is fetched', async () => {
    const { status, stderr, asked } = await conform(['good-cycle', 'no.such']);
    expect(status).toBe(2);
    expect(stderr).toContain('unknown case no.such');
    expect(stderr).toContain('--list');
    expect(asked).toEqual([]);
  });

  it('names the cases with --list, and runs none', async () => {
    const { status, stdout, asked } = await conform(['--list']);
    expect(status).toBe(0);
    expect(stdout.split('\n')).toHaveLength(ON_X86.length + 1);
    expect(asked).toEqual([]);
  });

  it('hands on which hypervisor, and how long it may take', async () => {
    const { asked } = await conform(['--xen-image', 'xen.gz', '--xen-syms', 'xen-syms', '--boot-timeout', '90']);
    expect(asked[0]?.options).toMatchObject({ xenImage: 'xen.gz', xenSyms: 'xen-syms', timeout: 90_000, cwd: '/' });
  });

  it('says what is wrong with the environment', async () => {
    const engine = { conform: () => Promise.reject(new XspliceError('ETOOL', 'QEMU is not installed', 'install it')) };
    const { status, stderr } = await run(['conform', 'good-cycle'], {}, engine);
    expect(status).toBe(2);
    expect(stderr).toContain('QEMU is not installed');
  });
});
