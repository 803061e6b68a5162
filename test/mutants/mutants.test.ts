import { describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import type { BootStage } from '../../src/conform/index.ts';
import { type Simulation, simulatedStage } from '../../src/run/index.ts';
import type { ObservableTarget } from '../../src/xen/index.ts';
import { debian, simulation, xen } from '../run/xen.ts';
import { actionNow, uploadNow } from '../support/answers.ts';
import { MUTATION_RULES, type MutantDisagreement, makeMutant, mutantBases, Random, runMutants } from './index.ts';

const bases = mutantBases(xen);
const { image, release } = debian;
/** Boots a host, and lets a test change what it answers. */
const booting =
  (from: Simulation, changes: (target: ObservableTarget) => Partial<ObservableTarget> = () => ({})): BootStage =>
  async () => {
    const target = from.boot();
    return simulatedStage(from, Object.assign(target, changes(target)));
  };
const fresh = booting(debian);

describe('the sound payloads', () => {
  it.each(bases.map((base) => [base.name, base] as const))('%s is accepted, and applied', async (_name, { bytes }) => {
    const target = debian.boot();
    expect(uploadNow(target, 'p', bytes), (await target.takeConsole()).join('\n')).toBe(0);
    expect(actionNow(target, 'p', 'apply')).toBe(0);
    expect(actionNow(target, 'p', 'revert')).toBe(0);
    expect(target.takeFindings()).toEqual([]);
  });
});

describe('numbers', () => {
  it('depend on seed and index alone', () => {
    const draw = (seed: number, index: number): number[] => {
      const random = new Random(seed, index);
      return Array.from({ length: 5 }, () => random.word());
    };
    expect(draw(1, 2)).toEqual(draw(1, 2));
    const streams = [draw(1, 2), draw(2, 1), draw(1, 3), draw(0, 0)].map(String);
    expect(new Set(streams).size).toBe(streams.length);
  });

  it('are spread over what is asked for', () => {
    const random = new Random(7, 7);
    const seen = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10_000; i++) (seen[random.below(10)] as number)++;
    for (const count of seen) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('mutants', () => {
  const many = Array.from({ length: 3000 }, (_, index) => makeMutant(bases, 5, index));

  it('are the same for the same seed and index, whatever was made before', () => {
    for (const index of [2999, 17, 0, 1234]) expect(makeMutant(mutantBases(xen), 5, index)).toEqual(many[index]);
    expect(makeMutant(bases, 6, 17)).not.toEqual(many[17]);
  });

  it('leave the sound payloads as they are', () => {
    expect(bases.map(({ bytes }) => hex(bytes))).toEqual(mutantBases(xen).map(({ bytes }) => hex(bytes)));
  });

  it('say what was changed', () => {
    for (const { changes } of many) {
      expect(changes.length).toBeGreaterThan(0);
      expect(changes.length).toBeLessThanOrEqual(4);
    }
  });

  it('are few that are what they were made of', () => {
    const sound = new Map(bases.map(({ name, bytes }) => [name, hex(bytes)]));
    const same = many.filter(({ base, bytes }) => sound.get(base) === hex(bytes));
    // Two changes may undo each other; nothing else may.
    expect(same.every(({ changes }) => changes.length > 1)).toBe(true);
    expect(same.length).toBeLessThan(10);
  });

  it.each(MUTATION_RULES.map(({ name }) => name))('rule %s has a part in some', (name) => {
    expect(many.some(({ changes }) => changes.some(({ rule }) => rule === name))).toBe(true);
  });

  it('have one change mostly, and several at times', () => {
    const single = many.filter(({ changes }) => changes.length === 1).length;
    expect(single).toBeGreaterThan(1900);
    expect(single).toBeLessThan(2300);
  });
});

describe('a run', () => {
  it('finds two simulated hosts to agree, and counts what became of the mutants', async () => {
    const summary = await runMutants({ image, release, simulated: fresh, real: fresh, seed: 3, count: 600 });
    expect(summary).toMatchObject({ mutants: 600, agreed: 600, disagreements: [] });
    expect(summary.results.refused).toBeGreaterThan(200);
    expect(summary.results.cycled).toBeGreaterThan(100);
    expect(summary.results.died).toBeGreaterThan(5);
    const { refused, accepted, cycled, died, incomparable } = summary.results;
    expect(refused + accepted + cycled + died).toBe(600);
    expect(incomparable).toBe(0);
  });

  it('reports every mutant that a host of another release takes differently', async () => {
    const other = simulation('4.18.0');
    const disagreements: MutantDisagreement[] = [];
    const real = booting(other);
    const summary = await runMutants({
      image,
      release,
      simulated: fresh,
      real,
      seed: 3,
      count: 80,
      disagreed: (each) => disagreements.push(each),
    });
    expect(summary.agreed).toBe(80 - disagreements.length);
    expect(summary.disagreements).toEqual(disagreements);
    // 4.18.0 writes to .livepatch.funcs, which is read-only: applying any payload ends the host.
    const panics = disagreements.filter(({ differences }) =>
      differences.some(({ step, field }) => step === 'apply' && field === 'panic'),
    );
    expect(panics.length).toBeGreaterThan(10);
    for (const { mutant } of disagreements) expect(makeMutant(bases, 3, mutant.index)).toEqual(mutant);
  });

  it('replaces hosts that died, both of them, and closes them all', async () => {
    let open = 0;
    let made = 0;
    const counted = booting(debian, () => {
      open++;
      made++;
      return { close: async () => void open-- };
    });
    const { results } = await runMutants({ image, release, simulated: counted, real: counted, seed: 3, count: 200 });
    expect(open).toBe(0);
    expect(made).toBeGreaterThanOrEqual(2 * results.died);
    expect(made).toBeLessThanOrEqual(2 * (results.died + 5));
  });

  it.each([
    ['in dom0’s kernel is not compared', 0xffff_ffff_82d0_405bn, 3, 0],
    ['in dom0’s user space is not compared', 0x1234n, 3, 0],
    ['of the hypervisor’s own is a disagreement', 0xffff_82d0_4060_0000n, 0, 3],
  ])('a fault at an address %s', async (_what, address, incomparable, disagreed) => {
    const panic = { message: 'FATAL PAGE FAULT', errorCode: 0, address, screen: [] };
    const dying = booting(debian, () => ({ upload: async () => ({ kind: 'no-answer' }), panic: async () => panic }));
    const refusing = booting(debian, () => ({ upload: async () => ({ kind: 'answered', rc: -75 }) }));
    const summary = await runMutants({ image, release, simulated: dying, real: refusing, seed: 1, count: 3 });
    expect(summary).toMatchObject({ mutants: 3, agreed: 0, results: { incomparable } });
    expect(summary.disagreements).toHaveLength(disagreed);
    // Where both die alike there is nothing to explain.
    const same = await runMutants({ image, release, simulated: dying, real: dying, seed: 1, count: 3 });
    expect(same).toMatchObject({ agreed: 3, results: { died: 3, incomparable: 0 } });
  });

  it('can be stopped, and begun in the middle', async () => {
    let left = 5;
    const stopped = await runMutants({
      image,
      release,
      simulated: fresh,
      real: fresh,
      seed: 1,
      count: 1000,
      stop: () => left-- === 0,
    });
    expect(stopped.mutants).toBe(5);
    const seen: string[] = [];
    const other = simulation('4.18.0');
    await runMutants({
      image,
      release,
      simulated: fresh,
      real: booting(other),
      seed: 3,
      from: 40,
      count: 40,
      disagreed: ({ mutant }) => seen.push(String(mutant.index)),
    });
    expect(seen.length).toBeGreaterThan(0);
    for (const index of seen) expect(Number(index)).toBeGreaterThanOrEqual(40);
  });
});
