import { describe, expect, it, vi } from 'vitest';
import { viewOf } from '../../src/base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from '../../src/elf/index.ts';
import { buildPayload, type PayloadSpec } from '../support/elf-builder.ts';
import { exampleBytes } from '../support/examples.ts';
import { generator, runs, SEED } from './fuzzing.ts';
import { type Field, fieldsOf, readField, wildFields, wildValues, withField } from './mutations.ts';
import { Carrier, nextPayloadAddress, TIME_LIMIT } from './outcome.ts';
import { apply, bootHost, digest, miniatureImage, upload } from './support.ts';

// Slow, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

describe('any one byte of a valid payload', () => {
  it('may have any value: hello on 4.18.1, every offset', () => {
    const good = exampleBytes('hello');
    const carrier = new Carrier();
    for (let at = 0; at < good.length; at++) {
      const now = good[at] as number;
      for (const value of new Set([now ^ 1, now ^ 0x80, now ^ 0xff])) {
        const bad = good.slice();
        bad[at] = value;
        carrier.carry(`byte ${at} = ${value}`, bad);
      }
    }
    carrier.expectFast();
    // Every outcome occurs, so the property covers each.
    expect(carrier.endings.accepted).toBeGreaterThan(1000);
    expect(carrier.endings.refused).toBeGreaterThan(100);
    expect(carrier.endings.panicked).toBeGreaterThan(10);
  });

  it.each([
    ['alternatives', '4.21.0'],
    ['alternatives', '4.17.7'],
    ['expectation', '4.22.0'],
    ['nop', '4.17.7'],
    ['hooks', '4.19.0'],
    ['writable', '4.16.7'],
    ['hello', '4.14.0'],
    ['data', '4.20.4'],
  ])('may have any value: %s on %s', (name, release) => {
    const good = exampleBytes(name);
    const carrier = new Carrier({ release });
    const random = generator(SEED);
    for (let i = 0; i < runs(250); i++) {
      const bad = good.slice();
      const at = random(good.length);
      bad[at] = (bad[at] as number) ^ (1 + random(255));
      carrier.carry(`byte ${at} = ${bad[at]}`, bad);
    }
    carrier.expectFast();
  });
});

describe('truncation', () => {
  it.each(['hello', 'alternatives', 'data'])('at every offset is refused: %s', (name) => {
    const good = exampleBytes(name);
    const carrier = new Carrier();
    for (let length = 0; length < good.length; length++) {
      // The section headers are at the end of the file.
      expect(carrier.carry(`${length} bytes`, good.subarray(0, length))).toBe('refused');
    }
    expect(carrier.carry('whole', good)).toBe('accepted');
  });
});

describe('fields with values that no tool emits', () => {
  it.each([
    ['hello', '4.18.1'],
    ['alternatives', '4.21.0'],
  ])('every field, every value: %s on %s', (name, release) => {
    const good = exampleBytes(name);
    const carrier = new Carrier({ release });
    const fields = fieldsOf(good);
    // The same code reads every symbol and relocation entry: every third suffices.
    const some = (list: readonly Field[], width: number) => list.filter((_, i) => Math.floor(i / width) % 3 === 0);
    const chosen = [
      ...fields.ehdr,
      ...fields.shdr,
      ...some(fields.sym, 5),
      ...some(fields.rela, 4),
      ...fields.note,
      ...fields.func,
    ];
    for (const { name: what, bytes } of wildFields(good, chosen)) carrier.carry(what, bytes);
    carrier.expectFast();
    expect(carrier.endings.refused).toBeGreaterThan(500);
    expect(carrier.endings.panicked).toBeGreaterThan(20);
  });

  it.each(['4.11.0', '4.13.5', '4.16.1', '4.17.7', '4.20.0', '4.22.0'])('several at once, on %s', (release) => {
    const good = exampleBytes('data');
    const carrier = new Carrier({ release });
    const random = generator(SEED ^ release.length);
    const { ehdr, shdr, sym, rela, note, func } = fieldsOf(good);
    const all = [...ehdr, ...sym, ...rela, ...note, ...func];
    const values = wildValues(good.length);
    const value = (): bigint => {
      const kind = random(4);
      if (kind === 0) return BigInt(random(4096));
      if (kind === 1) return 2n ** 64n - BigInt(random(8192));
      return values[random(values.length)] as bigint;
    };
    for (let i = 0; i < runs(350); i++) {
      let bad = good;
      let what = '';
      // Mostly fields of one section header: only combinations pass the checks.
      const header = 10 * random(shdr.length / 10);
      for (let n = 2 + random(3); n > 0; n--) {
        const field = (random(3) === 0 ? all[random(all.length)] : shdr[header + random(10)]) as Field;
        const wild = value();
        bad = withField(bad, field, wild);
        what += `${field.name} = 0x${wild.toString(16)} `;
      }
      carrier.carry(what, bad);
    }
    carrier.expectFast();
  });
});

/** A payload for the miniature image, valid except for `spec`. */
const sound = (spec: PayloadSpec): Uint8Array => {
  const xen = miniatureImage().buildId as Uint8Array;
  return buildPayload({
    functions: [{ name: 'xen_extra_version', oldSize: 8 }],
    depends: xen,
    xenDepends: xen,
    ...spec,
  });
};

/** Overwrites fields of one section header in place. */
function setHeader(file: Uint8Array, section: string, values: Readonly<Record<string, bigint>>): Uint8Array {
  let changed = file;
  for (const [name, value] of Object.entries(values)) {
    const field = fieldsOf(file).shdr.find((each) => each.name.endsWith(`:${section}.${name}`));
    if (field === undefined) throw new Error(`${section}.${name}`);
    changed = withField(changed, field, value);
  }
  return changed;
}

/** Uploads and applies a file; measures its time and checks that memory stays bounded. */
function cost(release: string, file: Uint8Array) {
  const target = bootHost({ release });
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const uploaded = upload(target, 'p', file);
  const applied = uploaded.rc === 0 ? apply(target, 'p') : uploaded;
  return {
    outcome: applied,
    time: performance.now() - start,
    grown: (process.memoryUsage().rss - before) / 2 ** 20,
  };
}

describe('files that demand many resources', () => {
  /** Sets all `field`s that `which` selects to `value`. */
  const point = (file: Uint8Array, fields: readonly Field[], value: (i: number) => number): Uint8Array => {
    const view = viewOf(file);
    fields.forEach((field, i) => {
      view.setUint32(field.at, value(i), true);
    });
    return file;
  };
  /** The offset of the one huge name. */
  const longest = (file: Uint8Array, fields: readonly Field[]): number => {
    const offsets = fields.map((field) => Number(readField(file, field))).sort((a, b) => a - b);
    const index = offsets.findIndex((offset, i) => (offsets[i + 1] ?? 0) - offset > 500_000);
    return offsets[index] as number;
  };

  it('name thousands of symbols by tails of one huge string', () => {
    const file = sound({
      more: ({ writer }) => {
        const section = writer.section('.data.x', { flags: SHF_ALLOC, data: new Uint8Array(8) });
        for (let i = 0; i < 20_000; i++) writer.symbol(i === 0 ? 'A'.repeat(900_000) : `s${i}`, { section });
      },
    });
    const names = fieldsOf(file).sym.filter(({ name }) => name.endsWith('st_name'));
    const at = longest(file, names);
    const { outcome, time, grown } = cost(
      '4.18.1',
      point(file, names.slice(100), (i) => at + (i % 1000)),
    );
    expect(outcome.panic).toBeNull();
    expect(time).toBeLessThan(5 * TIME_LIMIT);
    expect(grown).toBeLessThan(300);
  });

  it('name a thousand sections by tails of one huge string', () => {
    const file = sound({
      more: ({ writer }) => {
        for (let i = 0; i < 900; i++)
          writer.section(i === 0 ? `.${'B'.repeat(1_500_000)}` : `.t${i}`, { flags: 0, data: new Uint8Array(1) });
      },
    });
    const names = fieldsOf(file).shdr.filter(({ name }) => name.endsWith('sh_name'));
    const at = longest(file, names);
    const { outcome, time, grown } = cost(
      '4.18.1',
      point(file, names.slice(30), (i) => at + i),
    );
    expect(outcome.panic).toBeNull();
    expect(time).toBeLessThan(TIME_LIMIT);
    expect(grown).toBeLessThan(200);
  });

  it('apply the same relocations 900 times', () => {
    const file = sound({
      more: ({ writer }) => {
        const section = writer.section('.data.r', { flags: SHF_ALLOC, data: new Uint8Array(8) });
        const symbol = writer.symbol('relocated', { section });
        const rows = Array.from({ length: 60_000 }, () => ({ offset: 0, type: 0, symbol, addend: 0 }));
        writer.relocations(section, rows, { addends: true });
        for (let i = 0; i < 900; i++) writer.section(`.r${i}`, { flags: 0, data: new Uint8Array(1) });
      },
    });
    const headers = fieldsOf(file).shdr;
    const source = headers.filter(({ name }) => name.includes(':.rela.data.r.')).slice(1);
    const view = viewOf(file);
    for (let i = 0; i < 900; i++) {
      const own = headers.filter(({ name }) => name.includes(`:.r${i}.`)).slice(1);
      own.forEach((field, j) => {
        const value = readField(file, source[j] as Field);
        if (field.width === 8) view.setBigUint64(field.at, value, true);
        else view.setUint32(field.at, Number(value), true);
      });
    }
    const { outcome, time } = cost('4.18.1', file);
    expect(outcome.rc).toBe(0);
    // 54 million of them.
    expect(time).toBeLessThan(10 * TIME_LIMIT);
  });

  it('demand more memory than there is', () => {
    const bss = (size: bigint, addralign: bigint) => {
      const file = sound({
        more: ({ writer }) => {
          const flags = SHF_ALLOC | SHF_WRITE;
          for (let i = 0; i < 900; i++)
            writer.section(`.bss${i}`, { flags, type: SHT_NOBITS, data: new Uint8Array(0) });
        },
      });
      const view = viewOf(file);
      for (const { name, at } of fieldsOf(file).shdr) {
        if (/:\.bss\d+\.sh_size$/.test(name)) view.setBigUint64(at, size, true);
        if (/:\.bss\d+\.sh_addralign$/.test(name)) view.setBigUint64(at, addralign, true);
      }
      return cost('4.18.1', file);
    };
    expect(bss(2n ** 21n, 1n).outcome).toMatchObject({
      errno: 'ENOMEM',
      console: ['livepatch: p: Could not allocate memory for payload'],
    });
    expect(bss(2n ** 21n + 1n, 1n).outcome).toMatchObject({ errno: 'EINVAL', console: [] });
    // Alignment 0 puts them all at the start of their region, which then has the size of the last one alone.
    const overlapping = bss(2n ** 21n, 0n);
    expect(overlapping.outcome.rc).toBe(0);
    expect(overlapping.time).toBeLessThan(5 * TIME_LIMIT);
  });

  /** Sections without SHF_ALLOC and without bytes, whose size and offset nothing bounds. */
  it.each([
    ['.livepatch.funcs', 104n],
    ['.livepatch.hooks.load', 8n],
    ['.altinstructions', 14n],
    ['.ex_table', 8n],
    ['.bug_frames.0', 8n],
    ['.modinfo', 1n],
    ['.note.gnu.build-id', 1n],
    ['.livepatch.depends', 1n],
    ['.livepatch.xen_depends', 1n],
  ])('claim exabytes for %s', (section, entry) => {
    const file = sound({
      hooks: { load: 1 },
      modinfo: ['a=b'],
      more: ({ writer }) => {
        const flags = SHF_ALLOC;
        writer.section('.altinstr_replacement', { flags: flags | SHF_EXECINSTR, data: new Uint8Array(8) });
        for (const name of ['.altinstructions', '.ex_table', '.bug_frames.0'])
          writer.section(name, { flags, data: new Uint8Array(56) });
      },
    });
    for (const release of ['4.13.0', '4.16.7', '4.18.1', '4.20.0', '4.22.0']) {
      for (const count of [2n ** 32n, 2n ** 40n, 2n ** 57n, (2n ** 64n - 1n) / entry]) {
        for (const offset of [64n, BigInt(file.length), 2n ** 64n - 8192n, 0xffff_ffff_ffff_f000n]) {
          const bad = setHeader(file, section, {
            sh_type: BigInt(SHT_NOBITS),
            sh_flags: 0n,
            sh_size: count * entry,
            sh_offset: offset,
          });
          const { outcome, time, grown } = cost(release, bad);
          expect(outcome.rc, `${release} ${count} ${offset}`).not.toBeUndefined();
          expect(time).toBeLessThan(TIME_LIMIT);
          expect(grown).toBeLessThan(200);
        }
      }
    }
  });
});

describe('sizes that wrap in 64-bit arithmetic', () => {
  it('copy word by word until one side faults', () => {
    const file = sound({
      more: ({ writer }) => {
        writer.section('.data.wrap', { flags: SHF_ALLOC | SHF_WRITE, data: new Uint8Array(64), addralign: 16 });
      },
    });
    const bad = setHeader(file, '.data.wrap', { sh_size: 2n ** 64n - 32n });
    const { outcome } = cost('4.17.7', bad);
    expect(outcome.panic).toMatch(/FATAL PAGE FAULT|GENERAL PROTECTION FAULT/);
  });

  it('leave the allocator one page ahead after an upload without any page', () => {
    // vm_alloc(0) allocates nothing but moves vm_low to the guard page (facts 2.13); vm_free frees nothing.
    const target = bootHost();
    const first = nextPayloadAddress(bootHost());
    const before = digest(target);
    let empty = sound({});
    for (const { name, at, width } of fieldsOf(empty).shdr) {
      if (!name.endsWith('.sh_size') || /:\.(symtab|strtab|shstrtab|livepatch\.xen_depends|rela)/.test(name)) continue;
      empty = withField(empty, { name, at, width }, 0n);
    }
    // xen_depends has bytes, but no section is loaded.
    const bad = setHeader(empty, '.livepatch.xen_depends', { sh_flags: 0n });
    expect(upload(target, 'p', bad).rc).toBeLessThan(0);
    expect(digest(target)).toBe(before);
    expect(nextPayloadAddress(target)).toBe(first + 4096n);
  });
});
