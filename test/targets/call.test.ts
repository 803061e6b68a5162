import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { observedStage } from '../../src/run/index.ts';
import { hookSection } from '../../src/synth/hook-payload.ts';
import { withCalls } from '../../src/synth/index.ts';
import { buildPayload } from '../../src/synth/payload-builder.ts';
import { prepareQemu, type QemuHosts, type QemuTarget } from '../../src/targets/index.ts';
import type { CallArgument, CallableTarget, CallResult } from '../../src/xen/index.ts';
import { debian, xen } from '../run/xen.ts';
import { answered } from '../support/answers.ts';

/** Calls functions of a real hypervisor through a payload. */
const { image, release } = debian;
const MINUTE = 60_000;

let hosts: QemuHosts;
let host: QemuTarget;
let target: CallableTarget;
beforeAll(async () => {
  hosts = await prepareQemu({});
}, 5 * MINUTE);

const fresh = async (): Promise<void> => {
  host = await hosts.start();
  await host.takeConsole();
  target = withCalls(host, { image, release });
};
afterEach(() => host.close());

const int = (value: bigint): CallArgument => ({ kind: 'int', value });
const text = (value: string): CallArgument => ({ kind: 'string', text: value });
const buffer = (bytes: Uint8Array): CallArgument => ({ kind: 'buffer', bytes });
const call = (name: string, ...args: CallArgument[]): Promise<CallResult> => target.call({ function: name, args });

/** Reads the string that a function returned. */
async function stringAt({ result }: CallResult): Promise<string> {
  const bytes = await target.peek(result ?? expect.fail('no result'), 16);
  return Buffer.from(bytes ?? expect.fail('not mapped'))
    .toString('latin1')
    .replace(/\0.*/s, '');
}

const failure = async (promise: Promise<unknown>): Promise<XspliceError> => {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  return error instanceof XspliceError ? error : expect.fail(`no XspliceError: ${String(error)}`);
};

const payload = (spec: Parameters<typeof buildPayload>[0]): Uint8Array => buildPayload(spec, { xen });

describe('a function of a real hypervisor', { timeout: MINUTE }, () => {
  it('is the new one only while the patch is applied', async () => {
    await fresh();
    const original = `.${image.release?.release.version.split('.')[2]}`;
    expect(await stringAt(await call('xen_extra_version'))).toBe(original);
    await target.upload('p', payload({}));
    await target.action('p', 'apply');
    await target.takeConsole();
    const result = await call('xen_extra_version');
    expect(await stringAt(result)).toBe('-LIVEPATCHED');
    expect(result).toMatchObject({ instructions: null, entered: null, coverage: [], buffers: [] });
    // The call leaves no trace: no line, no payload, and the patch is on top again.
    expect(await target.takeConsole()).toEqual([]);
    expect(answered(await target.list({ idx: 0, nr: 4 })).entries.map(({ name }) => name)).toEqual(['p']);
    expect(await target.action('p', 'revert')).toMatchObject({ rc: 0 });
    expect(await stringAt(await call('xen_extra_version'))).toBe(original);
  });

  it('is found by its file name, and in a payload', async () => {
    await fresh();
    const code = [
      { symbol: 'replaces', returns: 'new' },
      { symbol: 'helper_of_p', returns: 'mine' },
    ];
    await target.upload('p', payload({ code }));
    expect(await stringAt(await call('helper_of_p'))).toBe('mine');
    // A replacement is not a new symbol, so Xen does not find it.
    expect(await failure(call('replaces'))).toMatchObject({ code: 'EUSAGE' });
    // A static function of common/livepatch.c without arguments or a useful result.
    expect((await call('common/livepatch.c#tasklet_fn', int(0n))).result).not.toBeNull();
    expect((await call('tasklet_fn', int(0n))).result).not.toBeNull();
    expect(await stringAt(await call('helper_of_p [p]'))).toBe('mine');
  });

  it('gets numbers, texts and buffers, and returns changed buffers', async () => {
    await fresh();
    expect((await call('strlen', text('twelve bytes'))).result).toBe(12n);
    expect((await call('strlen', text(''))).result).toBe(0n);
    const bytes = (...values: number[]): CallArgument => buffer(Uint8Array.from(values));
    expect(BigInt.asIntN(32, (await call('memcmp', bytes(1, 2, 3), bytes(1, 2, 4), int(3n))).result ?? 0n)).toBe(-1n);
    expect((await call('memcmp', bytes(1, 2, 3), bytes(1, 2, 4), int(2n))).result).toBe(0n);
    const copied = await call('strlcpy', buffer(new Uint8Array(6).fill(0xee)), text('too long'), int(5n));
    expect(copied.result).toBe(8n);
    expect(copied.buffers).toEqual([Uint8Array.from([...Buffer.from('too '), 0, 0xee])]);
    const moved = await call('memmove', bytes(9, 9, 9), bytes(1, 2, 3), int(2n));
    expect(moved.buffers).toEqual([Uint8Array.of(1, 2, 9), Uint8Array.of(1, 2, 3)]);
  });

  it('gets any number of arguments, the first six in registers', async () => {
    await fresh();
    const print = async (format: string, ...args: CallArgument[]): Promise<string> => {
      const { result, buffers } = await call('snprintf', buffer(new Uint8Array(64)), int(64n), text(format), ...args);
      const all = Buffer.from(buffers[0] ?? expect.fail()).toString('latin1');
      expect(all[Number(result)]).toBe('\0');
      return all.slice(0, Number(result));
    };
    expect(await print('%d-%d-%d', int(1n), int(-2n), int(3n))).toBe('1--2-3');
    expect(await print('%d %d %d %d %s', int(1n), int(2n), int(3n), int(4n), text('five'))).toBe('1 2 3 4 five');
    expect(await print('%lx', int(0xffff_ffff_ffff_ffffn))).toBe('ffffffffffffffff');
    // Eight in all, each once.
    const weigh = payload({
      // rdi + 2 rsi + 4 rdx + 8 rcx + 16 r8 + 32 r9 + 64 of the seventh + 128 of the eighth, in lea and shl.
      code: [
        {
          symbol: 'weigh',
          hex: ['488b442410', '48d1e0', '4803442408', '48d1e0', '4c01c8', '48d1e0', '4c01c0', '48d1e0']
            .concat(['4801c8', '48d1e0', '4801d0', '48d1e0', '4801f0', '48d1e0', '4801f8', 'c3'])
            .join(''),
        },
      ],
      functions: [],
      sections: [hookSection('load', ['weigh'])],
    });
    await target.upload('weighing', weigh);
    const digits = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n];
    expect((await call('weigh', ...digits.map(int))).result).toBe(
      digits.reduce((sum, digit, i) => sum + (digit << BigInt(i)), 0n),
    );
  });

  it('prints, and the console has only that, even without a newline', async () => {
    await fresh();
    await target.upload('p', payload({}));
    await call('printk', text('<0>one %d\n<0>two %s\n'), int(1n), text('2'));
    await call('printk', text('<0>left open'));
    await call('strlen', text('silent'));
    const lines = await target.takeConsole();
    expect(lines.filter((line) => !/^alt table/.test(line))).toEqual(['one 1', 'two 2', 'left open']);
  });

  it('is reported as unknown, with similar names', async () => {
    await fresh();
    const near = await failure(call('xen_extra_versio'));
    expect(near).toMatchObject({ code: 'EUSAGE', hint: 'did you mean xen_extra_version?' });
    expect(near.message).toBe('neither the hypervisor nor a loaded payload has a function xen_extra_versio');
    const many = await failure(call('cpu_callback'));
    expect(many.code).toBe('EUSAGE');
    expect(many.message).toMatch(/^ambiguous function cpu_callback: \d+ matches$/);
    for (const name of ['', '.text', 'xsplice_call', 'two words', 'x'.repeat(128)]) {
      expect(await failure(call(name)), name).toMatchObject({ code: 'EUSAGE' });
    }
    expect(await failure(target.call({ function: 'strlen', args: [], cpu: 1 }))).toMatchObject({ code: 'EUSAGE' });
    expect(await failure(call('strlen', int(1n << 64n)))).toMatchObject({ code: 'EUSAGE' });
    expect(await failure(call('strlen', text('\u2026')))).toMatchObject({ code: 'EUSAGE' });
    expect(await target.takeConsole()).toEqual([]);
    expect(answered(await target.list({ idx: 0, nr: 4 })).entries).toEqual([]);
  });

  it('is not called if the host refuses the payload, and the error says why', async () => {
    await fresh();
    await target.upload('xsplice-call', payload({}));
    const error = await failure(call('strlen', text('x')));
    expect(error.code).toBe('ETOOL');
    expect(error.message).toContain('EEXIST');
  });

  it('can kill the host: no result, but a panic', async () => {
    await fresh();
    await call('strlen', text('all is well'));
    const { result, buffers } = await call('strlen', int(0x10n));
    expect(result).toBeNull();
    expect(buffers).toEqual([]);
    const panic = await target.panic();
    expect(panic).toMatchObject({ message: 'FATAL PAGE FAULT', errorCode: 0, address: 0x10n });
    expect(
      panic?.screen.some((line) => / [RS] xsplice_call\+0x[0-9a-f]+\/0x[0-9a-f]+ \[xsplice-call\]$/.test(line)),
    ).toBe(true);
    expect(await target.takeConsole()).toEqual([]);
    expect(await failure(call('strlen', text('x')))).toMatchObject({ code: 'EHOST' });
  });

  it('can be called from a stage', async () => {
    await fresh();
    const identity = { release: release.version, buildId: null, arch: image.arch.name };
    const stage = observedStage(host, image, identity, []);
    expect((await stage.call?.({ function: 'strlen', args: [text('four')] }))?.result).toBe(4n);
    expect(await stage.target.takeConsole()).toEqual([]);
  });
});
