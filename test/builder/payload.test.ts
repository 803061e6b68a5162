import { describe, expect, it } from 'vitest';
import { type MadePayload, makePayload, type PayloadRequest } from '../../src/builder/index.ts';
import { CATALOGUE } from '../../src/catalogue/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { PORTS } from '../../src/cli/ports.ts';
import { about } from '../../src/diff/index.ts';
import { isProblem } from '../../src/elf/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import { openSimulation, type SimulationOptions } from '../../src/run/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { exampleBytes, examplesOf } from '../support/examples.ts';
import { builtFrom, objectOf, temporaryFolder, xenOf } from './support.ts';

const { env, left } = temporaryFolder();

function make(
  arch: XenArch,
  name: string,
  request: Partial<PayloadRequest> = {},
  settings: SimulationOptions = {},
): Promise<MadePayload> {
  const simulation = openSimulation(exampleBytes(xenOf(arch)), { gunzip, ...settings });
  const diff = builtFrom({ 'common/version.o': objectOf(arch, name) });
  return makePayload(
    diff,
    simulation,
    { file: `${name}.livepatch`, name, titles: ['fix it'], tool: 'xsplice 1.0', ...request },
    { env, loadDisassembler: PORTS.loadDisassembler, hostFor: () => Promise.resolve(simulation) },
  );
}

const identityOf = ({ bytes }: MadePayload) => {
  const file = readPayload(bytes ?? new Uint8Array(0));
  if (isProblem(file)) throw new Error(file.message);
  return {
    depends: file.identity.depends?.id,
    xenDepends: file.identity.xenDepends?.id,
    metadata: file.metadata?.strings,
  };
};

describe.each(['x86_64', 'arm64', 'arm32'] as const)('a payload for %s', (arch) => {
  it('is linked, goes through the simulator and lint, and is built', async () => {
    const made = await make(arch, 'hello');
    expect(made).toMatchObject({ verdict: 'built', refusals: [], verified: true });
    const { buildId } = examplesOf(arch).image;
    expect(identityOf(made)).toEqual({
      depends: buildId,
      xenDepends: buildId,
      metadata: ['name=hello', 'title=fix it', 'tool=xsplice 1.0', `base=${buildId}`],
    });
  });

  it('that Xen refuses is refused with the errno, and not verified', async () => {
    const { verdict, refusals, verified, bytes } = await make(arch, 'unknown-symbol');
    expect({ verdict, verified }).toEqual({ verdict: 'refused', verified: false });
    expect(refusals[0]).toMatchObject({
      where: expect.objectContaining({ file: 'unknown-symbol.livepatch' }),
      message: expect.stringMatching(/^Xen refuses the payload with ENOENT: /) as string,
    });
    expect(bytes).not.toBeNull();
  });
});

describe('a payload', () => {
  it('that takes the host down is refused, with the advice of the rule', async () => {
    const { verdict, refusals } = await make('x86_64', 'hello', {}, { release: '4.18.0' });
    expect(verdict).toBe('refused');
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringContaining('the host panics in arch_livepatch_apply'),
      expect.stringContaining('4.18.0 keeps its state in .livepatch.funcs, which is read-only'),
    ]);
    expect(refusals[1]?.advice).toBe(CATALOGUE['funcs-read-only'].advice);
  });

  it('quotes Xen’s console line if it says more', async () => {
    const { refusals } = await make('x86_64', 'expectation-fails');
    expect(refusals.map(({ message }) => message).join('\n')).toMatch(
      /with EINVAL: .*; Xen prints "livepatch: .*aborting!"/,
    );
  });

  it('for another hypervisor is refused', async () => {
    const { verdict, refusals } = await make('x86_64', 'hello', { xenDepends: new Uint8Array(20) });
    expect(verdict).toBe('refused');
    expect(refusals[0]?.message).toContain('EINVAL');
  });

  it('on top of another payload is verified without it, with a remark', async () => {
    const made = await make('x86_64', 'hello', { depends: new Uint8Array(20).fill(7) });
    expect(made).toMatchObject({ verdict: 'built', verified: true });
    expect(made.remarks.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^depends on 0707.*applied here without it/),
    ]);
  });

  it('with hooks that cannot run is built, with a remark', async () => {
    const made = await make('x86_64', 'hooks', {}, { noCpu: { message: 'libunicorn is missing', hint: undefined } });
    expect(made).toMatchObject({ verdict: 'built', refusals: [] });
    expect(made.remarks.map(({ message }) => message).join('\n')).toMatch(/hook.*libunicorn is missing/);
  });

  it('is the same bytes each time, wherever its objects are from', async () => {
    expect((await make('x86_64', 'hello')).bytes).toEqual((await make('x86_64', 'hello')).bytes);
  });

  it('is built with a remark if its debug information cannot be linked', async () => {
    const simulation = openSimulation(exampleBytes('miniature-xen'), { gunzip });
    const diff = builtFrom({ 'common/version.o': objectOf('x86_64', 'hello') });
    const objects = diff.objects.map((object) => ({ ...object, debug: Uint8Array.of(1, 2, 3) }));
    const request = { file: 'x.livepatch', name: 'x', titles: [], tool: 't', debugData: true };
    const hostFor = () => Promise.resolve(simulation);
    const made = await makePayload({ ...diff, objects }, simulation, request, { env, hostFor });
    expect(made).toMatchObject({ verdict: 'built', debug: null });
    expect(made.remarks.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^no debug file: cannot link the debug information: .*common\/version\.o/s),
    ]);
  });

  it('is not linked if the diff refuses', async () => {
    const simulation = openSimulation(exampleBytes('miniature-xen'), { gunzip });
    const refusal = about('object-file', 'a.o', null, 'no');
    const diff = { ...builtFrom({}), verdict: 'refused', refusals: [refusal] } as const;
    const request = { file: 'x', name: 'x', titles: [], tool: 't' };
    const hostFor = () => Promise.reject(new Error('nothing to verify'));
    expect(await makePayload(diff, simulation, request, { env: {}, hostFor })).toEqual({
      verdict: 'refused',
      refusals: [refusal],
      remarks: [],
      bytes: null,
      debug: null,
      verified: false,
    });
  });

  it('leaves no folder behind', () => expect(left()).toEqual([]));
});
