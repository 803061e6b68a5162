import { describe, expect, it } from 'vitest';
import { CPU_PRESETS, DEFAULT_CPU, hasFeature, nopFamily, type Processor, type Vendor } from '../../src/arch/index.ts';
import { RELEASES } from '../../src/xen/index.ts';

const processor = (fields: Partial<Processor>): Processor => ({
  ...(CPU_PRESETS[DEFAULT_CPU] as Processor),
  ...fields,
});

describe('the NOP family', () => {
  it('is K8 only for these models of Intel family 6', () => {
    const slow = new Set<number>();
    for (let model = 0x0f; model <= 0x1b; model++) slow.add(model);
    for (let model = 0x1d; model <= 0x25; model++) slow.add(model);
    for (let model = 0x28; model <= 0x2f; model++) slow.add(model);
    for (let model = 0; model <= 0xff; model++) {
      const family = nopFamily(processor({ vendor: 'Intel', family: 6, model }));
      expect([model, family]).toEqual([model, slow.has(model) ? 'K8' : 'P6']);
    }
    expect(nopFamily(processor({ vendor: 'Intel', family: 15, model: 0x1a }))).toBe('P6');
    expect(nopFamily(processor({ vendor: 'Intel', family: 5, model: 0x1a }))).toBe('P6');
  });

  it('is K8 for AMD up to family 0xf', () => {
    for (const [family, expected] of [
      [5, 'K8'],
      [6, 'K8'],
      [0xf, 'K8'],
      [0x10, 'P6'],
      [0x17, 'P6'],
      [0x19, 'P6'],
    ] as const) {
      expect(nopFamily(processor({ vendor: 'AMD', family, model: 0x1a }))).toBe(expected);
    }
  });

  it.each<Vendor>(['Hygon', 'Centaur', 'Shanghai'])('is P6 for %s', (vendor) => {
    for (const family of [6, 0xf, 0x18]) expect(nopFamily(processor({ vendor, family, model: 0x1a }))).toBe('P6');
  });
});

describe('features', () => {
  const none = processor({ featureset: [], synthetic: 0, bugs: 0 });
  const limits = [...new Set(RELEASES.map(({ alternatives }) => alternatives.featureLimit))];

  it.each(limits)('have separate words for featureset, synthetic and bugs, with %i features', (limit) => {
    const words = limit / 32;
    // Up to 4.12, there was no word of bugs: cpufeatureset words, then the synthetic one.
    const bugWord = limit === 352 ? undefined : words - 1;
    const syntheticWord = bugWord === undefined ? words - 1 : words - 2;
    const all = (has: Processor) => {
      const found: number[] = [];
      for (let feature = 0; feature < limit + 64; feature++) if (hasFeature(has, feature, limit)) found.push(feature);
      return found;
    };
    expect(all(none)).toEqual([]);
    expect(all({ ...none, synthetic: 0x8000_0001 })).toEqual([32 * syntheticWord, 32 * syntheticWord + 31]);
    expect(all({ ...none, bugs: 0x8000_0001 })).toEqual(bugWord === undefined ? [] : [32 * bugWord, 32 * bugWord + 31]);
    const word2 = [0, 0, 2 ** 29];
    expect(all({ ...none, featureset: word2 })).toEqual([93]);
    // Surplus words of a featureset are not read as synthetic features or bugs.
    const long = Array.from({ length: words + 2 }, (_, word) => (word < syntheticWord ? 0 : 0xffff_ffff));
    expect(all({ ...none, featureset: long })).toEqual([]);
  });

  it('always include long mode, which is X86_FEATURE_ALWAYS', () => {
    for (const preset of Object.values(CPU_PRESETS)) {
      for (const limit of limits) expect([preset.name, hasFeature(preset, 93, limit)]).toEqual([preset.name, true]);
    }
  });
});
