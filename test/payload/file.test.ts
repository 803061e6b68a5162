import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { EM_AARCH64, EM_ARM, isProblem, SHF_ALLOC, SHF_WRITE, STB_WEAK } from '../../src/elf/index.ts';
import { type PayloadFile, type PayloadPointer, readPayload } from '../../src/payload/index.ts';
import { encodeExpectation } from '../../src/xen/index.ts';
import { buildPayload } from '../support/elf-builder.ts';
import { nm, objcopy, readelf } from '../support/gcc.ts';
import { funcsObject32, funcsObject64, payload64, version1 } from './samples.ts';

const open = (bytes: Uint8Array, options = {}): PayloadFile => {
  const file = readPayload(bytes, options);
  if (isProblem(file)) throw new Error(file.message);
  return file;
};

/** Formats a pointer: symbol+distance, symbol of the hypervisor, or number. */
const word = (pointer: PayloadPointer | undefined): string => {
  switch (pointer?.kind) {
    case 'section':
      return pointer.distance === 0 ? `${pointer.symbol}` : `${pointer.symbol}+${pointer.distance}`;
    case 'undefined':
      return pointer.addend === 0n ? `extern ${pointer.symbol}` : `extern ${pointer.symbol}+${pointer.addend}`;
    case 'absolute':
      return `0x${pointer.address.toString(16)}`;
    default:
      return pointer?.kind ?? 'missing';
  }
};

describe.each([
  ['64-bit, RELA', funcsObject64, '0xffff82d040234b20', 104],
  ['32-bit, REL', funcsObject32, '0x234b20', 92],
])('functions as gcc compiled them: %s', (_name, make, absolute, entrySize) => {
  const payload = open(make());
  const { functions } = payload;

  test('addresses, names, sizes', () => {
    expect(functions).toMatchObject({ layout: 2, entrySize, leftover: 0 });
    expect(
      functions?.entries.map((f) => [f.name, word(f.newAddr), word(f.oldAddr), f.newSize, f.oldSize, f.version]),
    ).toEqual([
      ['old_one', 'new_one', 'extern old_one', 40, 24, 2],
      ['arch/x86/setup.c#old_two', 'new_two', 'null', 16, 32, 2],
      [undefined, 'null', absolute, 5, 9, 2],
    ]);
  });

  test('expectations and the bytes between', () => {
    const [first, second, third] = functions?.entries ?? [];
    expect(first?.expectation).toMatchObject({ enabled: true, len: 8, rsv: 0 });
    expect(hex(first?.expectation?.data.subarray(0, 9) as Uint8Array)).toBe('010203040506070800');
    expect(second?.expectation?.enabled).toBe(false);
    expect(hex(third?.rest as Uint8Array)).toBe(`09${'00'.repeat(37)}08`);
    expect(hex(second?.rest as Uint8Array)).toBe('00'.repeat(39));
  });

  test('hooks', () => {
    expect(payload.hooks.map(({ kind, entries, leftover }) => [kind, entries.map(word), leftover])).toEqual([
      ['load', ['loaded', 'helper'], 0],
      ['preapply', ['check'], 0],
    ]);
  });

  test('metadata', () => {
    expect(payload.metadata).toMatchObject({ strings: ['author=me', 'XSA-1'], terminated: true });
  });

  test('undefined symbols are those that nm lists', () => {
    const undefinedOnes = payload.undefinedSymbols.map(({ name, bind }) => `${bind === STB_WEAK ? 'w' : 'U'} ${name}`);
    expect(undefinedOnes.sort()).toEqual(
      nm(make(), ['-u'])
        .map((line) => line.trim().replace('v ', 'w '))
        .sort(),
    );
  });
});

test('version 1', () => {
  const { functions } = open(version1());
  expect(functions).toMatchObject({ layout: 1, entrySize: 64, leftover: 0 });
  expect(functions?.entries.map((f) => [f.name, word(f.newAddr), f.newSize, f.oldSize, f.expectation])).toEqual([
    ['a', 'fresh', 1, 2, undefined],
    ['b', 'fresh', 3, 4, undefined],
  ]);
  expect(hex(functions?.entries[0]?.rest as Uint8Array)).toBe(`${'00'.repeat(30)}03`);
});

describe('a payload from gcc, as and ld', () => {
  const bytes = payload64();
  const payload = open(bytes);

  test('build-ids', () => {
    const own = /Build ID: ([0-9a-f]{40})/.exec(
      readelf(bytes, ['-nW']).replace(/[\s\S]*\.note\.gnu\.build-id/, ''),
    )?.[1];
    expect(payload.identity.buildId?.id).toBe(own);
    expect(payload.identity.depends?.id).toBe('01020304'.repeat(5));
    expect(payload.identity.xenDepends?.id).toBe('11223344');
  });

  test('page kinds and offsets', () => {
    const rows = Object.fromEntries(payload.sections.map(({ name, kind, flags }) => [name, [kind, flags]]));
    expect(rows).toMatchObject({
      '.text': ['text', 'AX'],
      '.data': ['rw', 'WA'],
      '.bss': ['rw', 'WA'],
      '.livepatch.funcs': ['rw', 'WA'],
      '.livepatch.depends': ['ro', 'A'],
      '.altinstructions': ['ro', 'A'],
      '.altinstr_replacement': ['text', 'AX'],
      '.rela.livepatch.funcs': ['ignored', 'I'],
      '.symtab': ['ignored', ''],
    });
    for (const { kind, offset, addralign } of payload.sections) {
      expect(offset === undefined).toBe(kind === 'ignored');
      if (offset !== undefined) expect(offset % addralign).toBe(0);
    }
  });

  test('relocations, counted as readelf lists them', () => {
    const listed = new Map<string, number>();
    let section = '';
    for (const line of readelf(bytes, ['-rW']).split('\n')) {
      section = /^Relocation section '(.*)' at/.exec(line)?.[1] ?? section;
      const type = /^[0-9a-f]{16} +[0-9a-f]{16} (R_\S+)/.exec(line)?.[1];
      if (type !== undefined) listed.set(`${section} ${type}`, (listed.get(`${section} ${type}`) ?? 0) + 1);
    }
    const ours = payload.relocations.flatMap(({ section: name, types }) =>
      types.map(({ name: type, count }) => [`${name} ${type}`, count] as const),
    );
    expect(new Map(ours)).toEqual(listed);
    expect(payload.relocations.every(({ target, section: name }) => name === `.rela${target}`)).toBe(true);
    expect(payload.relocations.every(({ applied }) => applied)).toBe(true);
    expect(payload.relocations.reduce((sum, { count }) => sum + count, 0)).toBe(
      ours.reduce((sum, [, n]) => sum + n, 0),
    );
  });

  test('alternatives', () => {
    expect(
      payload.alternatives?.entries.map((a) => [
        word(a.orig),
        a.feature,
        a.origLen,
        a.replLen,
        a.padLen,
        a.priv,
        a.altCall,
      ]),
    ).toEqual([
      ['patched+16', 93, 4, 3, 2, 0, false],
      ['patched+32', 93, 6, 5, 0, 0, true],
      ['patched+32', 0x8015, 6, 5, 0, 1, false],
    ]);
    const replacements = payload.alternatives?.entries.map(({ repl }) =>
      repl.kind === 'section' ? [payload.elf.sections[repl.section]?.name, repl.offset] : repl,
    );
    expect(replacements).toEqual([
      ['.altinstr_replacement', 0],
      ['.altinstr_replacement', 3],
      ['.altinstr_replacement', 8],
    ]);
    expect(payload.altCalls?.entries.map(({ site }) => word(site))).toEqual(['patched+32', 'patched+38']);
  });

  test('bug frames', () => {
    expect(
      payload.bugFrames.flatMap(({ type, entries }) =>
        entries.map((frame) => [type, word(frame.loc), frame.file, frame.line, frame.message]),
      ),
    ).toEqual([
      ['warn', 'patched+24', 'arch/x86/patched.c', 127, undefined],
      ['warn', 'patched+24', 'arch/x86/patched.c', 16383, undefined],
      ['bug', 'patched+22', 'arch/x86/patched.c', 1234, undefined],
      ['assert', 'patched+26', 'arch/x86/patched.c', 300, 'x == y'],
    ]);
  });

  test('exception table', () => {
    expect(payload.exTable?.entries.map(({ addr, cont }) => [word(addr), word(cont)])).toEqual([
      ['patched+28', 'patched+31'],
    ]);
  });

  test('writable data forbids applying again; without it only .livepatch.funcs may be writable', () => {
    expect(payload.safeToReapply).toBe(false);
    expect(payload.writableSections.map(({ name }) => name)).toEqual(
      payload.sections.filter(({ kind, size }) => kind === 'rw' && size !== 0).map(({ name }) => name),
    );
    const readOnly = ['.data', '.bss', '.livepatch.hooks.load', '.livepatch.hooks.preapply'].flatMap((name) => [
      `--set-section-flags=${name}=alloc,readonly,contents`,
    ]);
    const onlyFuncs = open(objcopy(bytes, readOnly));
    expect(onlyFuncs.writableSections.map(({ name }) => name)).toEqual(['.livepatch.funcs']);
    expect(onlyFuncs.safeToReapply).toBe(true);
    const oneOther = open(
      objcopy(bytes, ['--set-section-flags=.livepatch.funcs=alloc,readonly', ...readOnly.slice(1)]),
    );
    expect(oneOther.writableSections.map(({ name }) => name)).toEqual(['.data']);
    expect(oneOther.safeToReapply).toBe(false);
    expect(
      open(objcopy(bytes, ['--set-section-flags=.livepatch.funcs=alloc,readonly', ...readOnly])).safeToReapply,
    ).toBe(true);
  });

  test('parts are read once', () => {
    expect(payload.functions).toBe(payload.functions);
    expect(payload.placement).toBe(payload.placement);
  });
});

describe('payloads of the builder', () => {
  test.each([
    ['x86_64', 62, 104],
    ['arm64', EM_AARCH64, 104],
    ['arm32', EM_ARM, 92],
  ] as const)('%s', (arch, machine, entrySize) => {
    const payload = open(
      buildPayload({
        machine,
        functions: [
          {
            name: 'one',
            oldAddr: 'one',
            expectation: encodeExpectation({ enabled: true, len: 2, rsv: 0, data: Uint8Array.of(7, 8) }),
          },
          { name: null, code: null, oldAddr: 0x1234n },
        ],
        hooks: { load: 2, revert: 1 },
        modinfo: ['a'],
      }),
    );
    expect(payload.arch).toBe(arch);
    expect(payload.functions?.entrySize).toBe(entrySize);
    expect(
      payload.functions?.entries.map((f) => [f.name, word(f.newAddr), word(f.oldAddr), f.expectation?.len]),
    ).toEqual([
      ['one', 'new_0', 'extern one', 2],
      [undefined, 'null', '0x1234', 0],
    ]);
    expect(payload.hooks.map(({ kind, entries }) => [kind, entries.map(word)])).toEqual([
      ['load', ['load_0', 'load_1']],
      ['revert', ['revert_0']],
    ]);
    expect(payload.identity.buildId?.id).toBe('11'.repeat(20));
    expect(payload.metadata?.strings).toEqual(['a']);
    expect(payload.writableSections.map(({ name }) => name)).toEqual([
      '.livepatch.hooks.load',
      '.livepatch.hooks.revert',
    ]);
  });

  test.each([
    ['arm64', EM_AARCH64],
    ['arm32', EM_ARM],
  ])('alternatives and bug frames of %s', (_arch, machine) => {
    const payload = open(
      buildPayload({
        machine,
        more: (builder) => {
          const code = builder.code('.text.alt', 'alternative', new Uint8Array(16));
          const repl = builder.code('.altinstr_replacement', 'replacement', new Uint8Array(8));
          const file = builder.text('.rodata.file', 'file', 'arch/arm/x.c');
          const message = builder.text('.rodata.message', 'message', 'it holds');
          const alt = builder.fields('.altinstructions', 24);
          alt.relative(0, { symbol: code, addend: 4 }).relative(4, { symbol: repl });
          alt.view.setUint16(8, 4, true);
          alt.view.setUint8(10, 8);
          alt.view.setUint8(11, 8);
          alt.relative(12, { symbol: code, addend: 12 }).relative(16, { symbol: repl, addend: 4 });
          alt.finish(builder.writer);
          for (const number of [2, 3]) {
            const frames = builder.fields(`.bug_frames.${number}`, 16);
            frames
              .relative(0, { symbol: code, addend: 8 }, 0)
              .relative(4, { symbol: file }, 0)
              .relative(8, { symbol: message }, 0);
            frames.view.setUint16(12, 4321 + number, true);
            frames.finish(builder.writer);
          }
        },
      }),
    );
    expect(
      payload.alternatives?.entries.map((a) => [word(a.orig), word(a.repl), a.feature, a.origLen, a.replLen]),
    ).toEqual([
      ['alternative+4', 'replacement', 4, 8, 8],
      ['alternative+12', 'replacement+4', 0, 0, 0],
    ]);
    expect(
      payload.bugFrames.flatMap(({ type, number, entries }) =>
        entries.map((f) => [type, number, word(f.loc), f.file, f.line, f.message]),
      ),
    ).toEqual([
      ['bug', 2, 'alternative+8', 'arch/arm/x.c', 4323, undefined],
      ['assert', 3, 'alternative+8', 'arch/arm/x.c', 4324, 'it holds'],
    ]);
  });

  test('absent parts are undefined', () => {
    const payload = open(buildPayload({ functions: [], depends: null, xenDepends: null, buildId: new Uint8Array(0) }));
    expect(payload.functions).toBeUndefined();
    expect(payload.identity.depends).toBeUndefined();
    expect(payload.identity.buildId).toMatchObject({ id: undefined });
    expect([payload.metadata, payload.alternatives, payload.altCalls, payload.exTable]).toEqual(
      Array(4).fill(undefined),
    );
    expect([payload.hooks, payload.bugFrames, payload.writableSections]).toEqual([[], [], []]);
    expect(payload.safeToReapply).toBe(true);
  });

  test('incomplete entries are counted but not read', () => {
    const payload = open(
      buildPayload({
        functions: [],
        more: (builder) => {
          builder.fields('.livepatch.funcs', 104 * 2 + 11);
          builder.fields('.livepatch.hooks.apply', 3);
          builder.fields('.ex_table', 15);
        },
      }),
    );
    expect([payload.functions?.entries.length, payload.functions?.leftover]).toEqual([2, 11]);
    expect([payload.hooks[0]?.entries.length, payload.hooks[0]?.leftover]).toEqual([0, 3]);
    expect([payload.exTable?.entries.length, payload.exTable?.leftover]).toEqual([1, 7]);
  });

  test('metadata without a NUL at its end, and without anything', () => {
    const withModinfo = (data: Uint8Array) =>
      open(buildPayload({ more: ({ writer }) => void writer.section('.modinfo', { flags: SHF_ALLOC, data }) }))
        .metadata;
    expect(withModinfo(Uint8Array.of(0x61, 0, 0x62))).toMatchObject({ strings: ['a', 'b'], terminated: false });
    expect(withModinfo(new Uint8Array(0))).toMatchObject({ strings: [], terminated: false });
  });

  test('sections of size 0 by release', () => {
    const bytes = buildPayload({
      more: ({ writer }) => void writer.section('.empty', { flags: SHF_ALLOC | SHF_WRITE }),
    });
    const kind = (options: object) => open(bytes, options).sections.find(({ name }) => name === '.empty')?.kind;
    expect(kind({})).toBe('rw');
    expect(kind({ emptySectionsPlaced: false })).toBe('ignored');
    expect(open(bytes).safeToReapply).toBe(true);
  });
});

describe('bad input', () => {
  test('files that are not payloads are refused with a reason', () => {
    const reason = (bytes: Uint8Array) => {
      const result = readPayload(bytes);
      return isProblem(result) ? result.message : 'accepted';
    };
    expect(reason(new Uint8Array(64))).toBe('Not an ELF file');
    const executable = payload64().slice();
    executable[16] = 2;
    expect(reason(executable)).toBe('Not a live patch: must be a relocatable object');
    const bare = payload64().slice();
    bare.fill(0, 40, 48);
    expect(reason(bare)).toBe('Not a live patch: no sections');
  });

  /** Reads all parts; none may throw or hang. */
  function exhaust(bytes: Uint8Array): void {
    const payload = readPayload(bytes);
    if (isProblem(payload)) return;
    const parts = [
      payload.functions,
      payload.hooks,
      payload.identity,
      payload.metadata,
      payload.placement,
      payload.sections,
      payload.relocations,
      payload.undefinedSymbols,
      payload.alternatives,
      payload.altCalls,
      payload.bugFrames,
      payload.exTable,
      payload.writableSections,
      payload.safeToReapply,
    ];
    expect(parts).toHaveLength(14);
  }

  const samples = [payload64(), funcsObject32(), buildPayload({ machine: EM_ARM, hooks: { load: 1 } })];

  test('truncation at every offset', () => {
    for (const bytes of samples) {
      for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 29) exhaust(bytes.subarray(0, length));
    }
  });

  test('any changed bytes', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: samples.length - 1 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (which, changes, inHeaders) => {
          const bytes = (samples[which] as Uint8Array).slice();
          const from = inHeaders ? Number(open(bytes).elf.header.e_shoff) : 0;
          for (const [at, value] of changes) bytes[from + (at % (bytes.length - from))] = value;
          exhaust(bytes);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('thousands of relocation sections over the same bytes do not take thousands of times as long', () => {
    const bytes = buildPayload({
      more: ({ writer }) => {
        const target = writer.section('.data.big', { flags: SHF_ALLOC | SHF_WRITE, data: new Uint8Array(8) });
        const entries = Array.from({ length: 20_000 }, () => ({ offset: 0, type: 1 }));
        const first = writer.relocations(target, entries);
        for (let i = 0; i < 3000; i++) writer.relocations(target, []).name = first.name;
      },
    });
    const { elf } = open(bytes);
    const [first, ...copies] = elf.sections.filter(({ name }) => name === '.rela.data.big');
    const view = new DataView(bytes.buffer);
    for (const { headerOffset } of copies) {
      view.setBigUint64(headerOffset + 24, BigInt(first?.offset as number), true);
      view.setBigUint64(headerOffset + 32, BigInt(first?.size as number), true);
    }
    const counted = open(bytes).relocations.filter(({ types }) => types.length !== 0);
    expect(copies).toHaveLength(3000);
    expect(counted.length).toBeGreaterThan(0);
    expect(counted.length).toBeLessThan(5);
  });
});
