import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import { openSimulation } from '../../src/run/index.ts';
import { buildPayload, withCalls } from '../../src/synth/index.ts';
import { prepareQemu } from '../../src/targets/index.ts';
import type { CallArgument, CallableTarget } from '../../src/xen/index.ts';
import { debian, xen } from '../run/xen.ts';
import { debianXen } from '../support/debian-xen.ts';

/** Makes the same calls on the simulator and on a real host. Results that are addresses differ, and are not compared. */
let simulated: CallableTarget;
let real: CallableTarget;

beforeAll(async () => {
  const image = new Uint8Array(readFileSync(debianXen().xenSyms));
  const simulation = openSimulation(image, { cpu: 'qemu-max', gunzip, openCpu: await loadEmulator() });
  simulated = simulation.boot();
  real = withCalls(await (await prepareQemu({})).start(), debian);
  const code = [
    { symbol: 'replaces', returns: '-new' },
    { symbol: 'helper', returns: '-helper' },
  ];
  for (const target of [simulated, real]) {
    await target.upload('p', buildPayload({ code }, { xen }));
    await target.action('p', 'apply');
    await target.takeConsole();
  }
}, 120_000);
afterAll(async () => {
  await simulated.close();
  await real.close();
});

const int = (value: bigint): CallArgument => ({ kind: 'int', value });
const text = (value: string): CallArgument => ({ kind: 'string', text: value });
const buffer = (size: number, value = 0): CallArgument => ({ kind: 'buffer', bytes: new Uint8Array(size).fill(value) });

/** Returns the parts of a call's result that both can report. */
async function outcome(target: CallableTarget, name: string, args: readonly CallArgument[]): Promise<unknown> {
  try {
    const { result, buffers } = await target.call({ function: name, args });
    const panic = await target.panic();
    return { result, buffers, lines: await target.takeConsole(), panic: panic?.message, address: panic?.address };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    const { code, message, hint } = error;
    return { code, message, hint };
  }
}

const CALLS: readonly (readonly [string, ...CallArgument[]])[] = [
  ['xen_minor_version'],
  ['strlen', text('hello')],
  ['strcmp', text('a'), text('b')],
  ['strncmp', text('abc'), text('abd'), int(2n)],
  ['memcmp', text('abc'), text('abd'), int(3n)],
  ['strlcpy', buffer(6, 9), text('too long'), int(5n)],
  ['strlcat', buffer(6), text('ab'), int(6n)],
  ['simple_strtoul', text('0x1fz'), int(0n), int(16n)],
  ['simple_strtoll', text('-12'), int(0n), int(10n)],
  [
    'snprintf',
    buffer(64),
    int(64n),
    text('%d %s %#x %5d|%-5d|%pS'),
    int(-3n),
    text('x'),
    int(255n),
    int(7n),
    int(8n),
    int(16n),
  ],
  ['scnprintf', buffer(8), int(8n), text('%s'), text('0123456789')],
  ['__bitmap_weight', buffer(8, 0x55), int(64n)],
  ['parse_size_and_unit', text('16M'), int(0n)],
  ['muldiv64', int(10n), int(6n), int(4n)],
  // A payload's own function, a replaced function, and Xen's.
  ['helper'],
  ['xen_extra_version'],
  ['livepatch_symbols_lookup_by_name', text('helper')],
  ['livepatch_symbols_lookup_by_name', text('replaces')],
  ['symbols_lookup_by_name', text('strlen')],
  ['xen_extra_versio'],
  ['no_function_of_anybody'],
  ['cpu_callback'],
];

describe('a call', () => {
  it.each(CALLS.map(([name, ...args], i) => [`${i}: ${name}`, name, args] as const))(
    'returns the same on both: %s',
    async (_title, name, args) => {
      expect(await outcome(simulated, name, args)).toEqual(await outcome(real, name, args));
    },
  );

  it('that crashes kills both in the same way', async () => {
    const dies = ['common/livepatch.c#apply_payload', [int(0x10n)]] as const;
    const died = await outcome(real, ...dies);
    expect(died).toMatchObject({ result: null, panic: 'FATAL PAGE FAULT' });
    expect(await outcome(simulated, ...dies)).toMatchObject({ result: null, panic: 'FATAL PAGE FAULT' });
    expect((await simulated.panic())?.address).toBe((await real.panic())?.address);
  });
});
