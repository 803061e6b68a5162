import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HypervisorPair, openHypervisorPair } from '../../src/cli/hypervisor-pair.ts';
import { withCalls, xenFacts } from '../../src/synth/index.ts';
import { buildPayload } from '../../src/synth/payload-builder.ts';
import type { CallArgument, CallableTarget, FunctionCall } from '../../src/xen/index.ts';
import { type ArmArch, xenFromSource } from '../support/source-xen.ts';

/** Calls functions of a real Arm hypervisor through a payload, and the same functions on the simulator. */
const folder = mkdtempSync(join(tmpdir(), 'xsplice-call-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINUTES = 60_000;

const int = (value: bigint): CallArgument => ({ kind: 'int', value });
const text = (value: string): CallArgument => ({ kind: 'string', text: value });
const buffer = (...bytes: number[]): CallArgument => ({ kind: 'buffer', bytes: Uint8Array.from(bytes) });
const room = (length: number): CallArgument => ({ kind: 'buffer', bytes: new Uint8Array(length) });

/** Calls whose result does not depend on addresses. */
const CALLS: readonly FunctionCall[] = [
  { function: 'strlen', args: [text('twelve bytes')] },
  { function: 'strlen', args: [text('')] },
  { function: 'strcmp', args: [text('abc'), text('abd')] },
  { function: 'memcmp', args: [buffer(1, 2, 3), buffer(1, 2, 4), int(2n)] },
  { function: 'strlcpy', args: [room(6), text('too long'), int(5n)] },
  { function: 'simple_strtoul', args: [text('0x1f'), int(0n), int(16n)] },
  { function: 'snprintf', args: [room(48), int(48n), text('%d %s'), int(-5n), text('text')] },
  {
    function: 'snprintf',
    args: [room(48), int(48n), text('%d %d %d %d %x %c'), int(1n), int(2n), int(3n), int(4n), int(0xbeefn), int(65n)],
  },
  { function: 'snprintf', args: [room(48), int(8n), text('%lx|%lu'), int(0xffff_fffen), int(7n)] },
  { function: 'xen_major_version', args: [] },
  { function: 'xen_minor_version', args: [] },
];

describe.each(['arm64', 'arm32'] as const)('functions of a real hypervisor for %s', (arch: ArmArch) => {
  let pair: HypervisorPair;
  let real: CallableTarget;

  beforeAll(async () => {
    await xenFromSource(arch);
    pair = await openHypervisorPair({ cwd: folder, arch });
    real = withCalls((await pair.real()).target, pair);
  }, 20 * MINUTES);
  afterAll(() => real.close());

  it('return the same as on the simulator', async () => {
    const { target, call } = await pair.simulated();
    await real.takeConsole();
    for (const request of CALLS) {
      const [here, there] = [await call?.(request), await real.call(request)];
      const name = `${request.function} of ${JSON.stringify(request.args.map((arg) => (arg.kind === 'string' ? arg.text : arg.kind)))}`;
      expect(there.result, name).toBe(here?.result);
      expect(there.buffers, name).toEqual(here?.buffers);
    }
    expect(await real.takeConsole()).toEqual([]);
    await target.close();
  });

  it('are replaced while a patch is applied', async () => {
    const xen = xenFacts(pair.image, pair.release);
    const version = async (): Promise<string> => {
      const { result } = await real.call({ function: 'xen_extra_version', args: [] });
      const bytes = await real.peek(result ?? expect.fail('no result'), 16);
      return Buffer.from(bytes ?? expect.fail('not mapped'))
        .toString('latin1')
        .replace(/\0.*/s, '');
    };
    const before = await version();
    expect(before).toMatch(/^\.\d+/);
    expect(await real.upload('p', buildPayload({}, { xen }))).toMatchObject({ rc: 0 });
    expect(await real.action('p', 'apply')).toMatchObject({ rc: 0 });
    expect(await version()).toBe('-LIVEPATCHED');
    expect(await real.action('p', 'revert')).toMatchObject({ rc: 0 });
    expect(await version()).toBe(before);
  });

  it('reject an argument that does not fit', async () => {
    const wide = int(1n << (arch === 'arm64' ? 64n : 32n));
    await expect(real.call({ function: 'strlen', args: [wide] })).rejects.toMatchObject({ code: 'EUSAGE' });
  });

  it('can kill the host', async () => {
    const { result } = await real.call({ function: 'strlen', args: [int(0x10n)] });
    expect(result).toBeNull();
    expect(await real.panic()).toMatchObject({ message: 'CPU0: Unexpected Trap: Data Abort', address: 0x10n });
  });
});
