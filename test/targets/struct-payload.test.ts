import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { structPayloadOf, X86_64 } from '../../src/arch/index.ts';
import { viewOf } from '../../src/base/index.ts';
import { hookPayload, say } from '../../src/synth/hook-payload.ts';
import { buildPayload } from '../../src/synth/index.ts';
import { prepareQemu, type QemuTarget } from '../../src/targets/index.ts';
import { LIVEPATCH_FSTATE, offsetIn } from '../../src/xen/index.ts';
import { debian, xen } from '../run/xen.ts';

/** Reads `struct payload` from a real hypervisor's memory, at the address that a hook prints. */
const { release } = debian;
const layout = structPayloadOf(X86_64, release);
let host: QemuTarget;
let place = 0n;
let memory: DataView;

const word = (member: string): bigint => memory.getBigUint64(offsetIn(layout, member), true);
const half = (member: string): number => memory.getUint32(offsetIn(layout, member), true);
const byte = (member: string): number => memory.getUint8(offsetIn(layout, member));
const text = (at: number): string => {
  const bytes = new Uint8Array(memory.buffer, memory.byteOffset + at, 16);
  return Buffer.from(bytes).toString('latin1').replace(/\0.*/s, '');
};
const bytesAt = async (address: bigint, length: number): Promise<DataView> =>
  viewOf((await host.peek(address, length)) ?? expect.fail('not mapped'));
const look = async (): Promise<void> => {
  memory = await bytesAt(place, layout.size);
};
/** Returns a payload's regions and pages from the output of the key x. */
const dumped = async (): Promise<readonly string[]> => {
  await host.dump();
  const line = (await host.takeConsole()).find((each) => each.startsWith(' name=looked-at ')) ?? expect.fail('no line');
  return /\) (\w+) \(\.data=(\w+), \.rodata=(\w+)\) using (\d+) pages/.exec(line)?.slice(1) ?? expect.fail(line);
};

beforeAll(async () => {
  host = await (await prepareQemu({})).start();
  const prints = (name: string) => ({ [name]: (code: Parameters<typeof say>[0]) => say(code, `<0>${name}\n`).ret() });
  const spec = hookPayload(
    {
      tells: (code) =>
        code.move('rsi', 'rdi').set('rdi', { text: '<0>it is at %p\n' }).raw('31c0').call('printk').set('rax', 0).ret(),
      ...prints('load_1'),
      ...prints('load_2'),
      ...prints('unload_1'),
    },
    { preapply: ['tells'], load: ['load_1', 'load_2'], unload: ['unload_1'] },
    {
      code: [{ symbol: 'new_fn', returns: '-new' }],
      functions: [{ new: 'new_fn' }],
      modinfo: 'key=value\0',
      sections: [{ name: '.data', flags: 'AW', hex: '01020304' }],
    },
  );
  await host.upload('looked-at', buildPayload(spec, { xen }));
  await host.action('looked-at', 'apply');
  const found = (await host.takeConsole()).map((line) => /^it is at ([0-9a-f]{16})$/.exec(line)?.[1]).find(Boolean);
  place = BigInt(`0x${found ?? expect.fail('the hook said nothing')}`);
  await look();
}, 60_000);
afterAll(() => host.close());

describe('struct payload of a real 4.17.7', () => {
  it('has the state, the regions and the pages that the key x shows', async () => {
    const [textAt, rwAt, roAt, pages] = await dumped();
    expect(half('state')).toBe(2);
    expect(half('rc')).toBe(0);
    expect([byte('reverted'), byte('safe_to_reapply')]).toEqual([0, 0]);
    const regions = [word('text_addr'), word('rw_addr'), word('ro_addr')];
    expect(regions).toEqual([textAt, rwAt, roAt].map((digits) => BigInt(`0x${digits}`)));
    expect(half('pages')).toBe(Number(pages));
    expect(word('rw_size')).toBe(4n);
  });

  it('has its own functions and hooks', async () => {
    expect(half('nfuncs')).toBe(1);
    expect([half('n_load_funcs'), half('n_unload_funcs')]).toEqual([2, 1]);
    const within = (address: bigint): boolean =>
      address >= word('ro_addr') && address < word('ro_addr') + word('ro_size');
    for (const member of [
      'funcs',
      'load_funcs',
      'unload_funcs',
      'hooks.apply.pre',
      'id.p',
      'dep.p',
      'xen_dep.p',
      'metadata.data',
    ]) {
      expect(within(word(member)), member).toBe(true);
    }
    for (const member of [
      'hooks.apply.action',
      'hooks.apply.post',
      'hooks.revert.pre',
      'hooks.revert.action',
      'hooks.revert.post',
    ]) {
      expect(word(member), member).toBe(0n);
    }
    // A pointer to the section's entry, which points to the hook.
    expect((await bytesAt(word('hooks.apply.pre'), 8)).getBigUint64(0, true)).toBe(
      (await bytesAt(word('load_funcs'), 8)).getBigUint64(0, true) - BigInt(distance),
    );
    expect([half('id.len'), half('dep.len'), half('xen_dep.len'), half('metadata.len')]).toEqual([20, 20, 20, 10]);
    expect(text(offsetIn(layout, 'name'))).toBe('looked-at');
  });

  it('has its region of text and rodata', () => {
    expect(word('region.text_start')).toBe(word('text_addr'));
    expect(word('region.text_end')).toBe(word('text_addr') + word('text_size'));
    expect(word('region.rodata_start')).toBe(word('ro_addr'));
    expect(word('region.rodata_end')).toBe(word('ro_addr') + word('ro_size'));
    expect(word('region.symbols_lookup')).toBe(xen.address('common/livepatch.c#livepatch_symbols_lookup'));
  });

  it('has its function’s state in fstate, with the saved instructions', async () => {
    const state = await bytesAt(word('fstate'), LIVEPATCH_FSTATE.size);
    expect(state.getUint32(offsetIn(LIVEPATCH_FSTATE, 'applied'), true)).toBe(1);
    expect(state.getUint8(offsetIn(LIVEPATCH_FSTATE, 'patch_offset'))).toBe(0);
    const saved = new Uint8Array(state.buffer, state.byteOffset + offsetIn(LIVEPATCH_FSTATE, 'insn_buffer'), 5);
    expect(saved).toEqual(xen.bytes('xen_extra_version', 5));
  });

  it('records a revert', async () => {
    await host.action('looked-at', 'revert');
    await look();
    expect([half('state'), byte('reverted')]).toEqual([1, 1]);
    const state = await bytesAt(word('fstate'), LIVEPATCH_FSTATE.size);
    expect(state.getUint32(offsetIn(LIVEPATCH_FSTATE, 'applied'), true)).toBe(0);
  });
});

/** Distance of the hooks `tells` and `load_1` in the payload's text; each is aligned to 16. */
const distance = 32;
