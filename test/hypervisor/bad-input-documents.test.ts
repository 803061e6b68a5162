import { describe, expect, it, vi } from 'vitest';
import { inspectPayloads } from '../../src/inspect/index.ts';
import { checkPayloads, rehearsePayloads } from '../../src/run/index.ts';
import { exampleBytes, exampleManifest } from '../support/examples.ts';
import { generator, runs, SEED } from './fuzzing.ts';
import { type Field, fieldsOf, type Mutation, wildValues, withField } from './mutations.ts';
import { TIME_LIMIT } from './outcome.ts';

// Slow, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

const IMAGE = exampleBytes(exampleManifest.image.name);

/** Mutants of one example: changed bytes, truncations, and changed fields of one or several headers. */
function* mutants(name: string, count: number): Generator<Mutation> {
  const good = exampleBytes(name);
  const random = generator(SEED ^ name.length);
  const fields = Object.values(fieldsOf(good)).flat();
  const values = wildValues(good.length);
  for (let i = 0; i < count; i++) {
    const kind = random(4);
    if (kind === 0) {
      const length = random(good.length);
      yield { name: `${length} bytes`, bytes: good.subarray(0, length) };
    } else if (kind === 1) {
      const bytes = good.slice();
      const at = random(good.length);
      bytes[at] = (bytes[at] as number) ^ (1 + random(255));
      yield { name: `byte ${at} = ${bytes[at]}`, bytes };
    } else {
      let bytes = good;
      let what = '';
      for (let n = kind - 1; n > 0; n--) {
        const field = fields[random(fields.length)] as Field;
        const value = values[random(values.length)] as bigint;
        bytes = withField(bytes, field, value);
        what += `${field.name} = 0x${value.toString(16)} `;
      }
      yield { name: what, bytes };
    }
  }
}

describe('the commands, on damaged payloads', () => {
  it.each(['hello', 'alternatives', 'stack', 'nop', 'expectation', 'hooks', 'data'])(
    'give a document each: %s',
    async (example) => {
      let slowest = { name: '', time: 0 };
      for (const { name, bytes } of mutants(example, runs(100))) {
        const start = performance.now();
        const files = [{ file: `${example}.livepatch`, name: example, bytes }];
        const inspected = inspectPayloads(files);
        expect(inspected.payloads, name).toHaveLength(1);

        const checked = (await checkPayloads(IMAGE, files, {})).payloads[0];
        expect(checked?.verdict, name).toMatch(/^(accepted|refused|unsafe)$/);
        // Every rejection has a finding.
        const errors = checked?.findings.filter(({ severity }) => severity === 'error') ?? [];
        if (checked?.verdict !== 'accepted') expect(errors.length, name).toBeGreaterThan(0);
        if (checked?.verdict === 'refused') expect(checked.errno, name).toMatch(/^E[A-Z0-9]+$/);

        const rehearsed = await rehearsePayloads(IMAGE, files, {});
        expect(rehearsed.verdict, name).toMatch(/^(passed|refused|failed|panicked)$/);
        if (rehearsed.verdict === 'panicked') expect(rehearsed.panic, name).not.toBeNull();
        if (rehearsed.verdict !== 'passed') expect(rehearsed.findings.length, name).toBeGreaterThan(0);
        // Documents are JSON: no NaN, no bigint.
        expect(() => JSON.stringify([inspected, checked, rehearsed]), name).not.toThrow();
        const time = performance.now() - start;
        if (time > slowest.time) slowest = { name, time };
      }
      expect(slowest.time, slowest.name).toBeLessThan(TIME_LIMIT);
    },
  );

  it('give a document for several damaged files together', async () => {
    const random = generator(SEED);
    const all = ['hello', 'stack', 'replace'].map((name) => [...mutants(name, 30)]);
    for (let i = 0; i < runs(30); i++) {
      const files = all.map((list, n) => {
        const { name, bytes } = list[random(list.length)] as Mutation;
        return { file: name, name: `p${n}`, bytes };
      });
      const options = { replace: random(2) === 0, nodeps: random(2) === 0, cpus: 1 + random(4) };
      expect((await checkPayloads(IMAGE, files, options)).payloads).toHaveLength(3);
      expect((await rehearsePayloads(IMAGE, files, options)).format).toBe('xsplice-rehearsal/2');
      expect(inspectPayloads(files).payloads).toHaveLength(3);
    }
  });
});
