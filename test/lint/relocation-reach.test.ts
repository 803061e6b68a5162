import { describe, expect, it } from 'vitest';
import { ARM32, ARM64, X86_64 } from '../../src/arch/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { relocationReach } from '../../src/lint/rules/relocation-reach.ts';
import { openSimulation } from '../../src/run/index.ts';
import { buildPayload, type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { exampleBytes, examplesOf } from '../support/examples.ts';
import { built, type LintCase, lint, messages, miniature } from './support.ts';

const said = (spec: PayloadSpec): Promise<string[]> => messages(relocationReach, built(spec));

describe('relocation-reach', () => {
  const uses = (symbol: string, shndx?: number, value = 0): PayloadSpec => ({
    code: [{ symbol: 'lp_new_fn', hex: 'e900000000', fields: [{ at: 1, symbol, addend: -4, type: 4 }] }],
    ...(shndx !== undefined && { symbols: [{ name: symbol, shndx, value }] }),
  });
  it('finds targets that are out of reach from some payload address', async () => {
    expect(await said(uses('memcpy'))).toEqual([]);
    expect((await said(uses('lp_low', 0xfff1, 0x1000)))[0]).toContain('more than 2 GiB away');
    const frame = (symbol: string): PayloadSpec => ({
      sections: [{ name: '.bug_frames.1', flags: 'A', size: 8, fields: [{ at: 4, symbol, type: 2 }] }],
    });
    expect(await said(frame('lp_new_fn'))).toEqual([]);
  });

  it('reports a bug frame as an error only if it does not reach from the lowest payload address', async () => {
    const frame = (symbol: string, addend = 0): PayloadSpec => ({
      sections: [{ name: '.bug_frames.1', flags: 'A', size: 8, fields: [{ at: 4, symbol, addend, type: 2 }] }],
    });
    const severities = async (spec: PayloadSpec, given: LintCase = {}) =>
      (await lint(relocationReach, built(spec), given)).map(({ severity, message }) => [severity, message]);
    const { image, release } = miniature();
    const { start } = image.vmapXen(release);
    const memcpy = image.symbolsFor(release).byName('memcpy');
    expect(start - memcpy).toBeLessThan(8n << 20n);
    const [near, ...none] = await severities(frame('memcpy'));
    expect(near?.[0]).toBe('note');
    expect(near?.[1]).toContain('a bug frame reaches 8 MiB, and reaches memcpy in the hypervisor only from');
    expect(none).toEqual([]);
    // 24 bits are the displacement, the others belong to the line.
    expect((await severities(frame('memcpy', 0x2300_0004)))[0]?.[0]).toBe('note');
    expect((await severities(frame('memcpy', -0x60_0000)))[0]).toEqual([
      'note',
      expect.stringContaining('only from payload addresses below 0x'),
    ]);
    expect((await severities(frame('memcpy', -0x7f_ffff)))[0]).toEqual([
      'error',
      expect.stringContaining('the frame will refer to the wrong place'),
    ]);
    // The user's level applies to all findings of the rule.
    expect((await severities(frame('memcpy'), { levels: new Map([[relocationReach.id, 'error']]) }))[0]?.[0]).toBe(
      'error',
    );
  });
});

/** The reach of each type backward and forward, and the outcome of a payload beyond it. */
const REACHES = [
  [X86_64, 2, '2 GiB', '2 GiB', 'the upload fails'],
  [X86_64, 4, '2 GiB', '2 GiB', 'the upload fails'],
  [ARM64, 261, '2 GiB', '4 GiB', 'the upload fails'],
  [ARM64, 262, '32 KiB', '64 KiB', 'the upload fails'],
  [ARM64, 274, '1 MiB', '1 MiB', 'the upload fails'],
  [ARM64, 275, '4 GiB', '4 GiB', 'the upload fails'],
  [ARM64, 279, '32 KiB', '32 KiB', 'Xen silently truncates it'],
  [ARM64, 280, '1 MiB', '1 MiB', 'the upload fails'],
  [ARM64, 282, '128 MiB', '128 MiB', 'the upload fails'],
  [ARM64, 283, '128 MiB', '128 MiB', 'the upload fails'],
  [ARM64, 289, '4 GiB', '4 GiB', 'the upload fails'],
  [ARM32, 28, '32 MiB', '32 MiB', 'the upload fails'],
  [ARM32, 29, '32 MiB', '32 MiB', 'the upload fails'],
] as const;

describe('the reported reach', () => {
  const simulated = (name: 'x86_64' | 'arm64' | 'arm32') =>
    openSimulation(exampleBytes(examplesOf(name).image.name), { gunzip });

  it.each(REACHES)('matches the row: $name %i', async (arch, type, back, forth, outcome) => {
    const simulation = simulated(arch.name);
    const { image, release } = simulation;
    const row = arch.relocations.get(type) ?? expect.fail(`no row ${type}`);
    const { min, max } = row.range ?? expect.fail(`${row.name} has no range`);
    const step = row.relative === 'page' ? 0x1000 : row.alignment;
    const bits = arch.elf.pointerSize * 8;
    const absolute = (value: bigint) => {
      const hex = BigInt.asUintN(bits, value).toString(16);
      const spec: PayloadSpec = {
        code: [{ symbol: 'lp_new_fn', hex: '00'.repeat(8), fields: [{ at: 4, symbol: 'lp_far', type }] }],
        symbols: [{ name: 'lp_far', shndx: 0xfff1 }],
        edits: [{ symbol: 'lp_far', field: 'st_value', value: { hex } }],
      };
      return messages(relocationReach, buildPayload(spec, { xen: xenFacts(image, release) }), { simulation });
    };
    const { start, end } = image.vmapXen(release);
    // PREL16 cannot reach from one end of VMAP_XEN to the other.
    const wide = end - start < BigInt(max - min);
    if (wide) {
      expect(await absolute(start + BigInt(max + 1 - step))).toEqual([]);
      expect(await absolute(end + BigInt(min))).toEqual([]);
    }
    const place = 'away from a place where Xen may load the payload';
    expect(await absolute(start + BigInt(max + 1))).toEqual([
      expect.stringContaining(`is more than ${forth} ${place}: ${wide ? outcome : ''}`),
    ]);
    expect(await absolute((wide ? end : start) + BigInt(min - step))).toEqual([
      expect.stringContaining(`is more than ${back} ${place}: ${wide ? outcome : ''}`),
    ]);
  });

  it('applies inside a payload, which is loaded in one piece', async () => {
    const simulation = simulated('arm64');
    const spec = (addend: number): PayloadSpec => ({
      code: [
        { symbol: 'lp_new_fn', hex: '00'.repeat(0x10), fields: [{ at: 4, symbol: 'lp_new_fn', addend, type: 279 }] },
      ],
    });
    const found = (addend: number) =>
      messages(relocationReach, buildPayload(spec(addend), { xen: xenFacts(simulation.image, simulation.release) }), {
        simulation,
      });
    // Relative to the field at 4.
    expect(await found(0x8000)).toEqual([]);
    expect(await found(0x8004)).toEqual([
      'lp_new_fn+0x8004 is more than 32 KiB away: R_AARCH64_TSTBR14 does not reach it, and Xen silently truncates it',
    ]);
    expect(await found(-0x7ffc)).toEqual([]);
    expect(await found(-0x8000)).toHaveLength(1);
    expect(await found(0x10_0004)).toEqual([expect.stringContaining('the upload fails')]);
  });
});
