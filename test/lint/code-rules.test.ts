import { describe, expect, it } from 'vitest';
import type { LintRule } from '../../src/lint/index.ts';
import { branchInsideFunction } from '../../src/lint/rules/branch-inside-function.ts';
import { branchIntoPatch } from '../../src/lint/rules/branch-into-patch.ts';
import { expectationAlternative } from '../../src/lint/rules/expectation-alternative.ts';
import { initReference } from '../../src/lint/rules/init-reference.ts';
import { neverReturns } from '../../src/lint/rules/never-returns.ts';
import { nopRange } from '../../src/lint/rules/nop-range.ts';
import { overlap } from '../../src/lint/rules/overlap.ts';
import { patchingPath } from '../../src/lint/rules/patching-path.ts';
import { trampolineTooLong } from '../../src/lint/rules/trampoline-too-long.ts';
import { trapSitePatched } from '../../src/lint/rules/trap-site-patched.ts';
import type { FunctionSpec, PayloadSpec } from '../../src/synth/index.ts';
import { altered, built, coreNamed, lint, messages } from './support.ts';

/** A payload whose entries are these. */
const patches = (...functions: FunctionSpec[]): Uint8Array => built({ functions });

/** An entry for a place in the hypervisor: a symbol, and bytes behind it. */
const at = (symbol: string, plus = 0, more: FunctionSpec = {}): FunctionSpec => ({
  name: symbol,
  old: { addr: symbol, plus },
  oldSize: 8,
  ...more,
});

const quiet = async (rule: LintRule, bytes: Uint8Array): Promise<void> =>
  expect(await messages(rule, bytes)).toEqual([]);

describe('trampoline-too-long', () => {
  it('measures the room to the next symbol, whatever old_size is', async () => {
    const [found] = await lint(trampolineTooLong, patches(at('memcpy', 12)));
    expect(found).toMatchObject({
      severity: 'error',
      where: { section: '.livepatch.funcs', symbol: 'memcpy', offset: 0 },
    });
    expect(found?.message).toContain(
      'has 4 bytes up to the next symbol, but old_size is 8 and the jump needs 5 bytes:',
    );
    await quiet(trampolineTooLong, patches(at('memcpy', 11)));
  });

  it('includes the ENDBR64', async () => {
    const simulation = altered({ 0x548: 'f30f1efa' });
    const [message] = await messages(trampolineTooLong, patches(at('memcpy', 8, { oldSize: 9 })), { simulation });
    expect(message).toContain('the jump needs 9 bytes, including the ENDBR64');
    const older = altered({ 0x548: 'f30f1efa' }, '4.16.0');
    expect(await messages(trampolineTooLong, patches(at('memcpy', 8)), { simulation: older })).toEqual([]);
  });

  it('ignores an old_size that Xen refuses', () => quiet(trampolineTooLong, patches(at('memcpy', 12, { oldSize: 4 }))));
});

describe('branch-into-patch', () => {
  /** xen_extra_version is at 0x580, nag_administrator, which becomes code that jumps, at 0x180. */
  const into = (changes: Record<number, string>, payload = patches({})): Promise<string[]> =>
    messages(branchIntoPatch, payload, { simulation: altered(changes) });

  it.each([
    ['a jump', 'e9fe030000c39090', 3],
    ['a conditional jump', '0f84fb030000c390', 1],
    ['a call', 'e8ff030000c39090', 4],
  ])('finds %s from another function', async (_what, code, byte) => {
    const found = await into({ 0x180: code });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`nag_administrator jumps from 0xffff82d040200180 to byte ${byte} of xen_extra_version`);
  });

  it('finds a short jump', async () => {
    expect(await into({ 0x590: 'ebf1c39090909090' })).toHaveLength(1);
  });

  it.each([
    ['to the start of the function', { 0x180: 'e9fb030000c39090' }],
    ['behind the trampoline', { 0x180: 'e900040000c39090' }],
    ['that is a part of a number', { 0x180: '48b8e9fc030000000000c3' }],
    ['that is short, to the start', { 0x590: 'ebeec39090909090' }],
  ])('ignores one %s', async (_what, changes) => {
    expect(await into(changes)).toEqual([]);
  });

  it('finds the trampoline after an ENDBR64', async () => {
    // default_idle, at 0x10, starts with one: its bytes 4 to 8 are overwritten.
    const idle = patches(at('default_idle', 0, { oldSize: 16 }));
    // jmp 0x12, which is in the ENDBR64; jmp 0x14, the trampoline's start; jmp 0x16.
    expect(await into({ 0x180: 'e98dfeffffc39090' }, idle)).toEqual([]);
    expect(await into({ 0x180: 'e98ffeffffc39090' }, idle)).toEqual([]);
    expect(await into({ 0x180: 'e991feffffc39090' }, idle)).toHaveLength(1);
  });

  it('checks the rest of a function whose start became NOPs', async () => {
    const nops = patches(at('xen_extra_version', 0, { new: null, newSize: 7, oldSize: 16 }));
    const jumpsBack = { 0x587: 'ebfa' };
    expect((await into(jumpsBack, nops))[0]).toContain('to byte 3 of xen_extra_version, inside the NOPs');
    expect(await into(jumpsBack)).toEqual([]);
  });

  it('checks references from the payload’s own code', async () => {
    const code = (addend: number): PayloadSpec => ({
      code: [
        { symbol: 'lp_new_fn', hex: 'e900000000', fields: [{ at: 1, symbol: 'xen_extra_version', addend, type: 4 }] },
      ],
    });
    const found = await lint(branchIntoPatch, built(code(-1)));
    expect(found).toMatchObject([{ where: { section: '.text', offset: 1, symbol: 'xen_extra_version' } }]);
    expect(found[0]?.message).toContain('refers to byte 3 of xen_extra_version');
    await quiet(branchIntoPatch, built(code(-4)));
    await quiet(branchIntoPatch, built(code(1)));
  });
});

describe('branch-inside-function', () => {
  it('reports only a loop into the trampoline', async () => {
    const inside = (changes: Record<number, string>) =>
      messages(branchInsideFunction, patches({}), { simulation: altered(changes) });
    expect((await inside({ 0x587: 'ebfa' }))[0]).toContain('jumps back from 0xffff82d040200587 to its byte 3');
    expect(await inside({ 0x587: 'ebf7' })).toEqual([]);
    expect(await inside({ 0x180: 'e9fe030000c39090' })).toEqual([]);
    expect(await inside({})).toEqual([]);
  });
});

describe('nop-range', () => {
  /** nag_administrator: addl (7 bytes), ret, and 8 bytes of NOPs. */
  const nops = (newSize: number, more: FunctionSpec = {}) =>
    messages(nopRange, patches(at('nag_administrator', 0, { new: null, newSize, oldSize: 16, ...more })));

  it('accepts NOPs up to the ret', async () => {
    expect(await nops(7)).toEqual([]);
  });

  it('finds an instruction that is split', async () => {
    expect((await nops(5))[0]).toContain('end them at byte 0 or 7');
    expect(await nops(6)).toHaveLength(1);
  });

  it('finds that the return is gone', async () => {
    for (const size of [8, 16]) expect((await nops(size))[0]).toContain('runs into the next function');
  });

  it('finds NOPs that run past the end', async () => {
    expect((await nops(20, { oldSize: 24 }))[0]).toContain('run past the end of nag_administrator, which has 16 bytes');
  });

  it('finds NOPs that are entirely in the ENDBR64', async () => {
    const entry = at('default_idle', 0, { new: null, newSize: 4, oldSize: 16 });
    expect((await messages(nopRange, patches(entry)))[0]).toContain('nothing is overwritten');
    // sti and hlt follow; the ret stays.
    await quiet(nopRange, patches({ ...entry, newSize: 6 }));
  });
});

describe('overlap', () => {
  it('finds entries of one payload at the same bytes', async () => {
    const [same] = await messages(overlap, patches({}, {}));
    expect(same).toContain('entries 0 (xen_extra_version) and 1 (xen_extra_version) overwrite the same bytes');
    expect(await messages(overlap, patches({}, at('xen_extra_version', 4)))).toHaveLength(1);
    await quiet(overlap, patches({}, at('xen_extra_version', 5)));
    await quiet(overlap, patches({}, at('memcpy')));
  });

  it('finds two payloads that damage each other, and accepts stacking', async () => {
    const first = patches({});
    const [message] = await messages(overlap, patches(at('xen_extra_version', 2)), { before: [first] });
    expect(message).toContain('overlap those of xen_extra_version in before0.livepatch');
    expect(await messages(overlap, patches({}), { before: [first] })).toEqual([]);
    const elsewhere = built({ xenDepends: 'aa'.repeat(20) });
    expect(await messages(overlap, patches(at('xen_extra_version', 2)), { before: [elsewhere] })).toEqual([]);
  });
});

describe('expectation-alternative', () => {
  it('finds code that the hypervisor replaces during boot', async () => {
    // cpu_has_long_mode: mov $0, %eax and two NOPs, replaced by mov $1, %eax if the host has the feature.
    const expecting = (symbol: string, len: number, enabled = true): Uint8Array =>
      patches(at(symbol, 0, { expect: { len, enabled, data: { of: symbol } } }));
    const [found] = await lint(expectationAlternative, expecting('cpu_has_long_mode', 5));
    expect(found).toMatchObject({ severity: 'warning', where: { symbol: 'cpu_has_long_mode' } });
    expect(found?.message).toContain('covers 0xffff82d040200150, which the hypervisor replaces at boot');
    await quiet(expectationAlternative, expecting('xen_extra_version', 8));
    await quiet(expectationAlternative, expecting('cpu_has_long_mode', 5, false));
    await quiet(expectationAlternative, patches(at('cpu_has_long_mode')));
  });
});

describe('trap-site-patched', () => {
  it('finds overwritten exception table sites and bug frames', async () => {
    // copy_byte_from_guest has one at its byte 8.
    const [site] = await messages(trapSitePatched, patches(at('copy_byte_from_guest', 5)));
    expect(site).toContain('contain an exception table entry at 0xffff82d040200138');
    await quiet(trapSitePatched, patches(at('copy_byte_from_guest')));
    // startup_cpu_idle_loop has a BUG at its byte 0x13.
    const [frame] = await messages(trapSitePatched, patches(at('startup_cpu_idle_loop', 0x10)));
    expect(frame).toContain('a bug frame at 0xffff82d040200083');
    await quiet(trapSitePatched, patches(at('startup_cpu_idle_loop', 0xe)));
    // The jump replaces the trap.
    await quiet(trapSitePatched, patches(at('startup_cpu_idle_loop', 0x13)));
  });
});

describe('init-reference', () => {
  it('finds functions and symbols in init memory', async () => {
    expect((await messages(initReference, patches(at('kernel_init'))))[0]).toContain('is init code');
    const uses = (symbol: string): Uint8Array =>
      built({ code: [{ symbol: 'lp_new_fn', hex: 'e900000000', fields: [{ at: 1, symbol, addend: -4, type: 4 }] }] });
    const found = await lint(initReference, uses('kernel_init'));
    expect(found).toMatchObject([{ where: { section: '.text', offset: 1, symbol: 'kernel_init' } }]);
    await quiet(initReference, uses('memcpy'));
    await quiet(initReference, patches(at('memcpy')));
  });
});

describe('patching-path and never-returns', () => {
  const both = async (symbol: string) => [
    (await messages(patchingPath, patches(at(symbol)))).length,
    (await messages(neverReturns, patches(at(symbol)))).length,
  ];

  it('match the hypervisor’s own names', async () => {
    expect(await both(coreNamed('idle_loop'))).toEqual([1, 1]);
    expect(await both(coreNamed('apply_payload'))).toEqual([1, 0]);
    expect(await both('memcpy')).toEqual([1, 0]);
    expect(await both('startup_cpu_idle_loop')).toEqual([0, 1]);
    expect(await both('xen_extra_version')).toEqual([0, 0]);
    expect(await both('do_xen_version')).toEqual([0, 0]);
  });
});
