import { describe, expect, it } from 'vitest';
import { isProblem } from '../../src/elf/index.ts';
import { MAX_PER_RULE, RULES, runLint } from '../../src/lint/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import type { PayloadSpec } from '../../src/synth/index.ts';
import { runs, SEED } from '../hypervisor/fuzzing.ts';
import { makeMutant, mutantBases } from '../mutants/index.ts';
import { debian, xen } from '../run/xen.ts';
import { built, lint, loadDisassembler } from './support.ts';

describe('damaged payloads', () => {
  it('give findings with places, and no exception', async () => {
    const bases = mutantBases(xen);
    const { image, release, processor } = debian;
    const seen = new Set<string>();
    for (let index = 0; index < runs(250); index++) {
      const { bytes, changes } = makeMutant(bases, SEED, index);
      const content = readPayload(bytes);
      if (isProblem(content)) continue;
      const payload = { file: 'x', name: 'x', content };
      const input = { payload, set: [payload], image, release, processor, loader: [] };
      const findings = await runLint(RULES, input, { loadDisassembler });
      for (const { rule, message, where } of findings) {
        seen.add(rule);
        expect(message, JSON.stringify(changes)).not.toMatch(/undefined|NaN|\[object/);
        expect(where.offset ?? 0, `${rule}: ${JSON.stringify(changes)}`).not.toBeNaN();
      }
      for (const { id } of RULES) {
        expect(findings.filter(({ rule }) => rule === id).length).toBeLessThanOrEqual(MAX_PER_RULE + 1);
      }
    }
    // The damage must reach the rules.
    expect(seen.size).toBeGreaterThan(8);
  }, 60_000);
});

describe('payloads with very many entries', () => {
  /** About as many as fit into 2 MiB. */
  const MANY = 10_000;
  const timed = async (spec: PayloadSpec): Promise<number> => {
    const bytes = built(spec);
    const start = performance.now();
    await lint(RULES, bytes);
    return performance.now() - start;
  };

  // With linear searches, these take minutes.
  it.each<[string, PayloadSpec]>([
    ['entries for the same function', { functions: Array.from({ length: MANY }, () => ({})) }],
    [
      'hooks, functions and relocations',
      {
        code: Array.from({ length: MANY }, (_, i) => ({
          symbol: `lp_${i}`,
          hex: 'c70500000000010000009090c3',
          fields: [{ at: 2, symbol: i % 2 === 0 ? 'memcpy' : 'console_loglvl', addend: -8, type: 2 }],
        })),
        sections: [
          {
            name: '.livepatch.hooks.load',
            flags: 'A',
            size: 8 * MANY,
            fields: Array.from({ length: MANY }, (_, i) => ({ at: 8 * i, symbol: `lp_${i}` })),
          },
        ],
      },
    ],
    [
      'alternatives',
      {
        sections: [
          {
            name: '.altinstr_replacement',
            flags: 'AX',
            size: 64,
            fields: Array.from({ length: MANY }, (_, i) => ({ at: i % 60, symbol: 'memcpy', type: 2 })),
          },
          {
            name: '.altinstructions',
            flags: 'A',
            size: 14 * MANY,
            fields: Array.from({ length: MANY }, (_, i) => ({
              at: 14 * i + 4,
              symbol: '.altinstr_replacement',
              type: 2,
            })),
          },
        ],
      },
    ],
  ])(
    'take seconds: %s',
    async (_what, spec) => {
      expect(await timed(spec)).toBeLessThan(5000);
    },
    60_000,
  );
});
