import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { RehearsalReport } from '../../src/documents/index.ts';
import type { PayloadInput } from '../../src/payload/index.ts';
import { plannedCall, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import type { CodeSpec, FunctionSpec, PayloadSpec } from '../../src/synth/index.ts';
import { alternatives, bugFrames } from '../../src/synth/payload-tables.ts';
import { openCpu } from '../run/xen.ts';
import { alteredBytes, built, checked, coreNamed, imageBytes } from './support.ts';

/** Runs payloads with faults on the simulator to show the harm that rules warn of, each next to a similar sound payload. */

const file = (bytes: Uint8Array, name = 'x'): PayloadInput => ({ file: `${name}.livepatch`, name, bytes });

/** Rehearses a built payload, with a call while it is applied. */
function rehearse(
  spec: PayloadSpec,
  { call, image = imageBytes, ...options }: SimulationOptions & { call?: string; image?: Uint8Array } = {},
): Promise<RehearsalReport> {
  const calls = call === undefined ? {} : { calls: [plannedCall(call)] };
  return rehearsePayloads(image, [file(built(spec, options.release))], { gunzip, openCpu, ...calls, ...options });
}

const verdicts = async (...reports: Promise<RehearsalReport>[]): Promise<string[]> =>
  (await Promise.all(reports)).map(({ verdict }) => verdict);

const rulesOf = async (spec: PayloadSpec, options: SimulationOptions = {}): Promise<string[]> =>
  (await checked([file(built(spec, options.release))], { openCpu, ...options })).payloads.flatMap(({ findings }) =>
    findings.map(({ rule }) => rule),
  );

describe('NOPs', () => {
  const nops = (newSize: number): PayloadSpec => ({
    functions: [{ name: 'nag_administrator', new: null, newSize, oldSize: 16 }],
  });
  const call = 'nag_administrator()';

  it('up to the ret work', async () => {
    expect(await verdicts(rehearse(nops(7), { call }))).toEqual(['passed']);
    expect(await rulesOf(nops(7))).not.toContain('nop-range');
  });

  it('that split an instruction create another one, and those over the ret run into the next function', async () => {
    // The rest of the addl is `add %al, (%rcx)`; do_xen_version follows the function.
    const cut = await rehearse(nops(5), { call });
    expect(cut.verdict).not.toBe('passed');
    const through = await rehearse(nops(16), { call: 'nag_administrator(0, 0)' });
    expect(through.calls.find(({ when }) => when === 'applied')?.entered).toContain('do_xen_version');
    for (const size of [5, 16]) expect(await rulesOf(nops(size))).toContain('nop-range');
  });
});

describe('a jump into the trampoline', () => {
  it('executes the tail of its displacement', async () => {
    const call = 'nag_administrator()';
    // To byte 3, the last two of the displacement; to the start.
    const into = alteredBytes({ 0x180: 'e9fe030000c39090' });
    const start = alteredBytes({ 0x180: 'e9fb030000c39090' });
    expect((await rehearse({}, { call, image: into })).verdict).toBe('panicked');
    expect((await rehearse({}, { call, image: start })).verdict).toBe('passed');
  });
});

describe('a trampoline that does not fit', () => {
  it('damages the next function', async () => {
    const at = (plus: number): PayloadSpec => ({
      functions: [{ name: 'memcpy', old: { addr: 'memcpy', plus }, oldSize: 8 }],
    });
    // memset starts 16 bytes after memcpy. It returns its first argument.
    const call = 'memset(zero(8), 0x41, 8)';
    const fits = await rehearse(at(11), { call });
    const over = await rehearse(at(12), { call });
    const filled = (report: RehearsalReport) => report.calls.find(({ when }) => when === 'applied')?.buffers[0];
    expect(filled(fits)).toBe('41'.repeat(8));
    expect(filled(over)).not.toBe('41'.repeat(8));
  });
});

describe('entries that overlap', () => {
  it('leave a jump behind', async () => {
    const twice: PayloadSpec = { functions: [{}, {}] };
    const apart: PayloadSpec = { functions: [{}, { name: 'xen_changeset' }] };
    expect(await verdicts(rehearse(twice), rehearse(apart))).toEqual(['failed', 'passed']);
    expect(await rulesOf(twice)).toEqual(expect.arrayContaining(['verify', 'overlap']));
    expect(await rulesOf(apart)).not.toContain('overlap');
  });
});

describe('init memory', () => {
  it('is gone', async () => {
    const patch = (name: string): PayloadSpec => ({ functions: [{ name, oldSize: 16 }] });
    expect(await verdicts(rehearse(patch('kernel_init')), rehearse(patch('memcpy')))).toEqual(['panicked', 'passed']);
    const jumps = (jumpTo: string): PayloadSpec => ({ code: [{ symbol: 'lp_new_fn', jumpTo }] });
    const call = 'xen_extra_version()';
    expect(
      await verdicts(rehearse(jumps('kernel_init'), { call }), rehearse(jumps('xen_changeset'), { call })),
    ).toEqual(['panicked', 'passed']);
  });
});

describe('state in the file', () => {
  it('keeps the function from being patched', async () => {
    const applied = (byte: string): PayloadSpec => ({ functions: [{ pad: `${'00'.repeat(31)}${byte}` }] });
    const call = 'xen_extra_version() = "-LIVEPATCHED"';
    const options = { call, release: '4.16.0' };
    expect((await rehearse(applied('00'), options)).verdict).toBe('passed');
    expect((await rehearse(applied('01'), options)).verdict).not.toBe('passed');
  });
});

describe('a hook that writes to read-only memory', () => {
  it('panics the host', async () => {
    const store = (symbol: string): PayloadSpec => ({
      code: [
        { symbol: 'lp_new_fn', returns: 'x' },
        { symbol: 'lp_hook', hex: 'c705000000000100000031c0c3', fields: [{ at: 2, symbol, addend: -8, type: 2 }] },
      ],
      sections: [{ name: '.livepatch.hooks.preapply', flags: 'A', size: 8, fields: [{ at: 0, symbol: 'lp_hook' }] }],
    });
    const rodata = store(coreNamed('pm_idle'));
    const data = store('console_loglvl');
    expect((await rehearse(rodata)).verdict).toBe('panicked');
    expect((await rehearse(data)).verdict).not.toBe('panicked');
    expect(await rulesOf(rodata)).toEqual(expect.arrayContaining(['host-panic', 'hook-writes-read-only']));
    expect(await rulesOf(data)).not.toContain('hook-writes-read-only');
  });
});

describe('a trap of another release', () => {
  it('turns a warning into a panic', async () => {
    const warn = (trap: string): PayloadSpec => ({
      code: [{ symbol: 'lp_new_fn', hex: `${trap}c3` }],
      sections: [
        bugFrames(1, [{ symbol: 'lp_new_fn', at: 0, line: 7 }], 'lp_file'),
        { name: '.rodata.file', flags: 'A', hex: '612e6300', symbols: [{ name: 'lp_file', at: 0 }] },
      ],
    });
    const call = 'xen_extra_version()';
    const on = (trap: string, release: string) => rehearse(warn(trap), { call, release });
    expect((await on('0f0b', '4.21.0')).verdict).toBe('passed');
    expect((await on('0f0b', '4.22.0')).verdict).toBe('panicked');
    expect((await on('d690', '4.22.0')).verdict).toBe('passed');
  });
});

describe('an alternative that panics the release', () => {
  it('panics at upload', async () => {
    const code: readonly CodeSpec[] = [{ symbol: 'lp_new_fn', hex: `${'90'.repeat(8)}c3` }];
    const feature = (number: number): PayloadSpec => ({
      code,
      sections: alternatives([{ feature: number, site: 'lp_new_fn', origLen: 5, repl: '0f1f440000' }]),
    });
    expect(await rulesOf(feature(700), { release: '4.17.7' })).toEqual(
      expect.arrayContaining(['host-panic', 'alternative-entry']),
    );
    expect(await rulesOf(feature(93), { release: '4.17.7' })).toEqual([]);
    // The newer release refuses it, so lint does not repeat it.
    const refused = await rulesOf(feature(710), { release: '4.20.1' });
    expect(refused).toContain('bad-alternative');
    expect(refused).not.toContain('alternative-entry');
  });
});

describe('a second section of functions', () => {
  it('is ignored', async () => {
    const more: FunctionSpec = { name: 'xen_changeset' };
    const one = built({ functions: [{}, more] });
    const report = await rehearsePayloads(imageBytes, [file(one)], {
      gunzip,
      calls: [plannedCall('xen_changeset() = "-LIVEPATCHED"')],
      openCpu,
    });
    expect(report.verdict).toBe('passed');
    const second: PayloadSpec = { sections: [{ name: '.livepatch.funcs', flags: 'A', size: 104 }] };
    expect(await rulesOf(second)).toContain('duplicate-section');
    expect((await rehearse(second, { call: 'xen_changeset() = "-LIVEPATCHED"' })).verdict).not.toBe('passed');
  });
});

describe('sets', () => {
  const named = (symbol: string, more: PayloadSpec = {}): Uint8Array =>
    built({
      code: [
        { symbol: 'lp_new_fn', returns: symbol },
        { symbol, hex: 'c3' },
      ],
      ...more,
    });
  const both = (a: Uint8Array, b: Uint8Array, options: SimulationOptions = {}) =>
    rehearsePayloads(imageBytes, [file(a, 'a'), file(b, 'b')], { gunzip, ...options });

  it('with the same new symbol cannot be loaded together, not even to replace each other', async () => {
    const clash = await both(named('lp_helper'), named('lp_helper', { modinfo: 'v=2\0' }), { replace: true });
    expect(clash.verdict).toBe('refused');
    expect(clash.steps.find(({ errno }) => errno !== null)).toMatchObject({
      step: 'upload',
      name: 'b',
      errno: 'EEXIST',
    });
    expect((await both(named('lp_helper'), named('lp_other'), { replace: true })).verdict).toBe('passed');
  });

  it('in the wrong order are refused', async () => {
    const below = built({ buildId: 'aa'.repeat(20) });
    const above = built({ buildId: 'bb'.repeat(20), depends: 'aa'.repeat(20) });
    expect((await both(above, below)).verdict).toBe('refused');
    expect((await both(below, above)).verdict).toBe('passed');
  });

  it('with vetoing hooks cannot be replaced', async () => {
    const hook = (kind: string): PayloadSpec => ({
      sections: [{ name: `.livepatch.hooks.${kind}`, flags: 'A', size: 8, fields: [{ at: 0, symbol: 'lp_hook' }] }],
      code: [
        { symbol: 'lp_new_fn', returns: 'y' },
        { symbol: 'lp_hook', hex: '31c0c3' },
      ],
    });
    const replaced = (kind: string) => both(named('lp_first'), built(hook(kind)), { replace: true, openCpu });
    expect((await replaced('prerevert')).verdict).toBe('refused');
    expect((await replaced('load')).verdict).toBe('passed');
  });
});
