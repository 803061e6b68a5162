import { describe, expect, it } from 'vitest';
import { endbrMissing } from '../../src/lint/rules/endbr-missing.ts';
import { hookWritesReadOnly } from '../../src/lint/rules/hook-writes-read-only.ts';
import type { CodeSpec, PayloadSpec } from '../../src/synth/index.ts';
import { built, coreNamed, lint, messages } from './support.ts';

/** A static variable in .rodata. */
const PM_IDLE = coreNamed('pm_idle');

const IBT = 'intel-sapphire-rapids';

/** A hook of this kind. */
const hook = (kind: string, symbol: string, code: readonly CodeSpec[]): PayloadSpec => ({
  code: [{ symbol: 'lp_new_fn', returns: 'x' }, ...code],
  sections: [{ name: `.livepatch.hooks.${kind}`, flags: 'A', size: 8, fields: [{ at: 0, symbol }] }],
});

describe('endbr-missing', () => {
  const said = (spec: PayloadSpec, cpu: string | undefined = IBT, release?: string) =>
    messages(endbrMissing, built(spec), {
      ...(cpu !== undefined && { cpu }),
      ...(release !== undefined && { release }),
    });
  const bare = hook('load', 'lp_hook', [{ symbol: 'lp_hook', hex: 'c3' }]);

  it('reports hooks without ENDBR64 on hosts with branch tracking', async () => {
    expect((await said(bare))[0]).toContain('lp_hook is called indirectly (it is a load hook)');
    expect(await said(hook('load', 'lp_hook', [{ symbol: 'lp_hook', hex: 'f30f1efac3' }]))).toEqual([]);
    expect(await said(bare, 'intel-skylake')).toEqual([]);
    expect(await said(bare, IBT, '4.13.5')).toEqual([]);
  });

  it('reports only functions whose address is taken', async () => {
    const code: readonly CodeSpec[] = [
      { symbol: 'lp_new_fn', hex: '9090c3' },
      { symbol: 'lp_called', hex: '9090c3' },
    ];
    const table = (symbol: string, addend = 0): PayloadSpec => ({
      code,
      sections: [{ name: '.rodata.ops', flags: 'A', size: 8, fields: [{ at: 0, symbol, addend }] }],
    });
    expect((await said(table('lp_called')))[0]).toContain('its address is taken at .rodata.ops+0x0');
    // A label inside a function, as in a jump table; and a function that only .livepatch.funcs refers to.
    expect(await said(table('lp_called', 2))).toEqual([]);
    expect(await said({ code })).toEqual([]);
  });

  it('distinguishes loading an address from reading memory', async () => {
    const use = (opcode: string, symbol = 'lp_called'): PayloadSpec => ({
      code: [
        { symbol: 'lp_new_fn', hex: `48${opcode}0500000000c3`, fields: [{ at: 3, symbol, addend: -4, type: 2 }] },
        { symbol: 'lp_called', hex: 'c3' },
      ],
    });
    expect(await said(use('8d'))).toHaveLength(1);
    expect(await said(use('8b'))).toEqual([]);
    const call: PayloadSpec = {
      code: [
        { symbol: 'lp_new_fn', jumpTo: 'lp_called' },
        { symbol: 'lp_called', hex: 'c3' },
      ],
    };
    expect(await said(call)).toEqual([]);
  });
});

describe('hook-writes-read-only', () => {
  /** `movl $1, symbol(%rip); ret`. */
  const store = (symbol: string): CodeSpec => ({
    symbol: 'lp_hook',
    hex: 'c7050000000001000000c3',
    fields: [{ at: 2, symbol, addend: -8, type: 2 }],
  });
  const said = (kind: string, code: readonly CodeSpec[], release: string) =>
    messages(hookWritesReadOnly, built(hook(kind, 'lp_hook', code), release), { release });

  it('applies the permissions of each release', async () => {
    // pm_idle is in .rodata, console_loglvl in .data, memcpy in .text.
    const rodata = [store(PM_IDLE)];
    expect((await said('preapply', rodata, '4.18.2'))[0]).toMatch(
      /preapply hook lp_hook writes \S+pm_idle, .*rodata \(`movl \$0x1, /,
    );
    expect(await said('load', rodata, '4.18.2')).toEqual([]);
    expect((await said('load', rodata, '4.18.1'))[0]).toContain('makes only code writable');
    expect(await said('load', rodata, '4.15.0')).toEqual([]);
    expect(await said('unload', rodata, '4.17.2')).toHaveLength(1);
    // Hooks that replace apply also run outside the window.
    expect(await said('apply', rodata, '4.20.0')).toHaveLength(1);
    expect(await said('load', [store('memcpy')], '4.18.1')).toEqual([]);
    expect(await said('postapply', [store('memcpy')], '4.18.1')).toHaveLength(1);
    for (const kind of ['preapply', 'load']) expect(await said(kind, [store('console_loglvl')], '4.18.1')).toEqual([]);
  });

  it('checks the payload’s own sections', async () => {
    const own = (flags: string): PayloadSpec => {
      const spec = hook('preapply', 'lp_hook', [store('lp_data')]);
      const data = { name: '.lp_data', flags, size: 8, symbols: [{ name: 'lp_data', at: 0 }] };
      return { ...spec, sections: [...(spec.sections ?? []), data] };
    };
    expect(await lint(hookWritesReadOnly, built(own('A')))).toMatchObject([
      { where: { section: '.text', symbol: 'lp_hook' } },
    ]);
    expect(await messages(hookWritesReadOnly, built(own('WA')))).toEqual([]);
  });

  it('distinguishes writing from reading', async () => {
    const field = { at: 3, symbol: PM_IDLE, addend: -4, type: 2 };
    const use = (hex: string, at = 3): Promise<string[]> =>
      said('preapply', [{ symbol: 'lp_hook', hex, fields: [{ ...field, at }] }], '4.18.2');
    expect(await use('48890500000000c3')).toHaveLength(1);
    expect(await use('f0480fc10500000000c3', 5)).toHaveLength(1);
    expect(await use('c60500000000c3c3', 2)).toHaveLength(1);
    // mov to a register, lea, cmp, call.
    expect(await use('488b0500000000c3')).toEqual([]);
    expect(await use('488d0500000000c3')).toEqual([]);
    expect(await use('483b0500000000c3')).toEqual([]);
    expect(await use('48833d0000000000c3')).toEqual([]);
    expect(await use('ff1500000000c3', 2)).toEqual([]);
  });

  it('follows the calls of the hook', async () => {
    const writer = { ...store(PM_IDLE), symbol: 'lp_writer' };
    const through = (call: CodeSpec) => said('preapply', [call, writer], '4.18.2');
    expect((await through({ symbol: 'lp_hook', jumpTo: 'lp_writer' }))[0]).toContain(
      `lp_hook through lp_writer writes ${PM_IDLE}`,
    );
    // Without a relocation: lp_writer is 16 bytes after lp_hook.
    expect(await through({ symbol: 'lp_hook', hex: 'e80b000000c3' })).toHaveLength(1);
    expect(await through({ symbol: 'lp_hook', hex: 'c3' })).toEqual([]);
  });
});
