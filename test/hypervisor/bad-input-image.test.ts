import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { viewOf, XspliceError } from '../../src/base/index.ts';
import { isProblem, readElf } from '../../src/elf/index.ts';
import { checkPayloads, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { exampleBytes, exampleManifest } from '../support/examples.ts';
import { generator, runs, SEED } from './fuzzing.ts';
import { type Field, fieldsOf, readField, wildFields, wildValues, withField } from './mutations.ts';
import { TIME_LIMIT } from './outcome.ts';

// Slow, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

const IMAGE = exampleBytes(exampleManifest.image.name);
const HELLO = [{ file: 'hello', name: 'hello', bytes: exampleBytes('hello') }];

/** As the command line has it. */
const gunzip = (data: Uint8Array, maxSize: number): Uint8Array | undefined => {
  try {
    return gunzipSync(data, { maxOutputLength: maxSize });
  } catch {
    return undefined;
  }
};

/** Returns a document's verdict, or the code of an error that has a hint; rethrows anything else. */
async function outcomes(image: Uint8Array, options: SimulationOptions = {}): Promise<readonly [string, string]> {
  const all = { gunzip, ...options };
  const coded = (thrown: unknown): string => {
    if (thrown instanceof XspliceError && (thrown.code === 'EIMAGE' || thrown.code === 'EUSAGE')) return thrown.code;
    throw thrown;
  };
  let checked: string;
  try {
    checked = (await checkPayloads(image, HELLO, all)).payloads[0]?.verdict ?? 'none';
  } catch (thrown) {
    checked = coded(thrown);
  }
  const rehearsed = await rehearsePayloads(image, HELLO, all).then(({ verdict }) => verdict, coded);
  return [checked, rehearsed];
}

class Tally {
  readonly count = new Map<string, number>();
  slowest = { name: '', time: 0 };

  async add(name: string, image: Uint8Array, options?: SimulationOptions): Promise<readonly [string, string]> {
    const start = performance.now();
    let found: readonly [string, string];
    try {
      found = await outcomes(image, options);
    } catch (thrown) {
      throw new Error(
        `${name}: ${thrown instanceof Error ? thrown.stack : JSON.stringify(thrown, (_, v) => String(v))}`,
      );
    }
    const time = performance.now() - start;
    if (time > this.slowest.time) this.slowest = { name, time };
    this.count.set(found[0], (this.count.get(found[0]) ?? 0) + 1);
    return found;
  }

  expectFast(): void {
    expect(this.slowest.time, this.slowest.name).toBeLessThan(TIME_LIMIT);
  }
}

const elf = readElf(IMAGE);
if (isProblem(elf)) throw new Error(elf.message);
/** `st_value` of every symbol that the linker script defines, by name. */
const linkerSymbols = (): readonly (readonly [string, Field])[] => {
  const fields = fieldsOf(IMAGE).sym;
  const found: (readonly [string, Field])[] = [];
  for (let i = 1; i < elf.symbols.count; i++) {
    const name = elf.symbols.name(i);
    const known =
      /^(_start|_stext|_etext|_srodata|_erodata|_end|__2M_\w+|__note_\w+|__alt_\w+|__initdata_cf_\w+|__st(art|op)_bug_\w+|xen_config_data\w*|xen_(major|minor|extra)_version|symbols_\w+)$/;
    if (!known.test(name)) continue;
    const field = fields.find((each) => each.name === `.symtab+${24 * i}.st_value`);
    if (field !== undefined) found.push([name, field]);
  }
  return found;
};

describe('images', () => {
  it('are accepted unchanged under every release', async () => {
    const tally = new Tally();
    for (const { version } of RELEASES) await tally.add(version, IMAGE, { release: version });
    expect([...tally.count.keys()].sort()).toEqual(['accepted', 'refused', 'unsafe']);
  });

  it('are rejected when truncated anywhere', async () => {
    const tally = new Tally();
    for (let length = 0; length < IMAGE.length; length += 37) {
      expect(await tally.add(`${length} bytes`, IMAGE.subarray(0, length))).toEqual(['EIMAGE', 'EIMAGE']);
    }
    tally.expectFast();
  });

  it('with wild values in their headers give a document or EIMAGE', async () => {
    const tally = new Tally();
    const { ehdr, shdr } = fieldsOf(IMAGE);
    let n = 0;
    for (const { name, bytes } of wildFields(IMAGE, [...ehdr, ...shdr]))
      if (n++ % 5 === 0) await tally.add(name, bytes);
    tally.expectFast();
    expect(tally.count.get('EIMAGE')).toBeGreaterThan(20);
    expect(tally.count.get('accepted')).toBeGreaterThan(200);
  });

  it('with any linker symbol moved give a document or EIMAGE', async () => {
    const tally = new Tally();
    const symbols = linkerSymbols();
    expect(symbols.length).toBeGreaterThan(20);
    const near = [-0x20_0000n, -4096n, -1n, 1n, 8n, 4096n, 0x20_0000n];
    const far = [0xffff_82d0_4020_0000n, 0xffff_82d0_8000_0000n, 0xffff_82d0_c000_0000n, 0xffff_82d0_bfff_f000n];
    for (const [name, field] of symbols) {
      const now = readField(IMAGE, field);
      for (const value of [...wildValues(IMAGE.length), ...far, ...near.map((step) => now + step)]) {
        await tally.add(`${name} = ${BigInt.asUintN(64, value).toString(16)}`, withField(IMAGE, field, value));
      }
    }
    tally.expectFast();
    expect(tally.count.get('EIMAGE')).toBeGreaterThan(100);
  });

  it('with two linker symbols moved, on a host with CET and another release', async () => {
    const tally = new Tally();
    const random = generator(SEED);
    const symbols = linkerSymbols();
    for (let i = 0; i < runs(250); i++) {
      let image: Uint8Array = IMAGE;
      let what = '';
      for (let n = 0; n < 2; n++) {
        const [name, field] = symbols[random(symbols.length)] as readonly [string, Field];
        const value = 0xffff_82d0_4020_0000n + 4096n * BigInt(random(16)) + BigInt(random(2) * random(4096));
        image = withField(image, field, value);
        what += `${name} = ${value.toString(16)} `;
      }
      const release = RELEASES[random(RELEASES.length)]?.version ?? '4.18.1';
      await tally.add(`${what}${release}`, image, { release, cpu: 'intel-sapphire-rapids' });
    }
    tally.expectFast();
  });

  it('with damaged symbols give a document or EIMAGE', async () => {
    const tally = new Tally();
    let n = 0;
    for (const { name, bytes } of wildFields(IMAGE, fieldsOf(IMAGE).sym))
      if (n++ % 41 === 0) await tally.add(name, bytes);
    tally.expectFast();
  });

  it('with any byte changed give a document or EIMAGE', async () => {
    const tally = new Tally();
    const random = generator(SEED);
    for (let i = 0; i < runs(500); i++) {
      const image = IMAGE.slice();
      const at = random(image.length);
      image[at] = (image[at] as number) ^ (1 + random(255));
      await tally.add(`byte ${at} = ${image[at]}`, image);
    }
    tally.expectFast();
  });

  it('may name all their symbols by tails of one huge string', async () => {
    // The string table becomes a megabyte, and every name a tail of it.
    const strtab = elf.section('.strtab');
    if (strtab === undefined) throw new Error('.strtab');
    const image = new Uint8Array(IMAGE.length + 0x10_0000).fill(0x41, IMAGE.length);
    image.set(IMAGE);
    image[image.length - 1] = 0;
    const names = fieldsOf(IMAGE);
    const at = names.shdr.filter(({ name }) => name.startsWith(`${strtab.index}:`));
    const view = viewOf(image);
    view.setBigUint64(
      (at.find(({ name }) => name.endsWith('sh_size')) as Field).at,
      BigInt(image.length - strtab.offset),
      true,
    );
    names.sym
      .filter(({ name }) => name.endsWith('st_name'))
      .forEach((field, i) => {
        if (i % 2 === 1) view.setUint32(field.at, IMAGE.length - strtab.offset + i, true);
      });
    const tally = new Tally();
    await tally.add('long names', image);
    tally.expectFast();
  });

  it('report that a release with another memory layout has no room for payloads', async () => {
    const message = async (end: bigint): Promise<string> => {
      const field = linkerSymbols().find(([name]) => name === '_end')?.[1] as Field;
      return rehearsePayloads(withField(IMAGE, field, end), HELLO, { release: '4.16.0' }).then(
        ({ verdict }) => verdict,
        (thrown: XspliceError) => thrown.message,
      );
    };
    // Up to 4.16 VMAP_XEN starts at _end, rounded up: past the gigabyte there is no room.
    expect(await message(0xffff_82d0_7fff_f000n)).toMatch(/memory layout of 4\.16\.0.*no room/);
  });
});
