import { describe, expect, it } from 'vitest';
import { MutableElf } from './mutable-elf.ts';
import {
  ALL_RELEASES,
  among,
  EXTRA_VERSION,
  hostWith,
  id,
  patch,
  payloadFor,
  type StatePayload,
} from './state-support.ts';
import { apply, bootHost, digest, loaded, revert, upload } from './support.ts';

const A: StatePayload = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };

describe('console lines', () => {
  const shown = (release: string, options: { debugBuild?: boolean; loglvl?: string }) => {
    const target = hostWith({ a: A }, { release, ...options });
    return apply(target, 'a').console;
  };
  const INFO = 'livepatch: a: Applying 1 functions';

  it.each(ALL_RELEASES)('%s: INFO by default since 4.18, in debug builds always', (release) => {
    // An unknown word keeps the release's own default.
    expect(shown(release, { loglvl: 'default' }).includes(INFO)).toBe(among(release, ['4.18.0-4.22.0']));
    expect(shown(release, { loglvl: 'default', debugBuild: true })).toContain(INFO);
    expect(shown(release, { loglvl: 'all' })).toContain(INFO);
    expect(shown(release, { loglvl: 'info' })).toContain(INFO);
    expect(shown(release, { loglvl: 'warning' })).toEqual([]);
    expect(shown(release, { loglvl: 'none' })).toEqual([]);
  });

  it.each(ALL_RELEASES)('%s: errors, since 4.13 in release builds, too', (release) => {
    const refused = (options: object) => {
      const elf = new MutableElf(payloadFor({ ...A, release })).u8(0, 0);
      return upload(bootHost({ release, ...options }), 'a', elf.bytes).console;
    };
    const old = among(release, ['4.11.0-4.12.4']);
    const line = 'livepatch: a: Not an ELF payload';
    expect(refused({})).toEqual(old ? [] : [line]);
    expect(refused({ loglvl: 'error' })).toEqual(old ? [] : [line]);
    expect(refused({ loglvl: 'none' })).toEqual([]);
    expect(refused({ debugBuild: true })).toEqual([old ? `common/livepatch_elf.c: ${line}!` : line]);
  });

  it('dprintk lines, in debug builds only', () => {
    const target = bootHost({ debugBuild: true });
    const { console } = upload(target, 'a', payloadFor({ ...A, data: 8 }));
    const text = loaded(target, 'a').text.addr.toString(16);
    expect(console).toContain(`common/livepatch.c: livepatch: a: Loaded .text at ${text}`);
    expect(console).toContain(`common/livepatch_elf.c: livepatch: a: Symbol resolved: new_0 => 0x${text} (.text)`);
    expect(console).toContain('common/livepatch.c: livepatch: a: .livepatch.hooks.load is missing');
    expect(console).toContain(
      'common/livepatch.c: livepatch: a: Resolved old address xen_extra_version => ffff82d040200580',
    );
    expect(console).toContain('common/livepatch.c: livepatch: a: overriding symbol new_0');
    expect(upload(bootHost({ loglvl: 'all' }), 'a', payloadFor({ ...A, data: 8 })).console).toEqual([]);
  });

  /** Texts of 4.12 and before that differ from later ones (facts 2.12). */
  it.each([
    ['Section header is bigger than payload!', (elf: MutableElf) => elf.bytes.subarray(0, 10)],
    ['Invalid ELF payload!', (elf: MutableElf) => elf.u16(16, 3).bytes],
    ['Unsupported ELF Machine type!', (elf: MutableElf) => elf.u16(18, 3).bytes],
    ['Section name idx is undefined!?', (elf: MutableElf) => elf.u16(62, 0).bytes],
    ['Too many (2000) sections!', (elf: MutableElf) => elf.u16(60, 2000).bytes],
    ['Section name idx (500) is past end of sections (12)!', (elf: MutableElf) => elf.u16(62, 500).u16(60, 12).bytes],
    ['Bogus e_shoff!', (elf: MutableElf) => elf.u64(40, 1n << 50n).bytes],
    ['Section header size is 1! Expected 64!?', (elf: MutableElf) => elf.u16(58, 1).bytes],
    ['Section header size is corrupted!', (elf: MutableElf) => elf.u16(60, 1000).bytes],
    ['Section [1] data at ELF header of payload!', (elf: MutableElf) => elf.section(1, 'offset', 1).bytes],
    ['Section [1] data is past end of payload!', (elf: MutableElf) => elf.section(1, 'size', 1 << 30).bytes],
    ['Section [1] alignment (0x3) is not supported', (elf: MutableElf) => elf.section(1, 'addralign', 3).bytes],
    ['No symbol table found!', (elf: MutableElf) => elf.section('.symtab', 'type', 1).bytes],
    ['Symbol table header is corrupted!', (elf: MutableElf) => elf.section('.symtab', 'entsize', 1).bytes],
    ['String table section is corrupted', (elf: MutableElf) => elf.u8(elf.data('.strtab'), 1).bytes],
    ['Section string table is corrupted', (elf: MutableElf) => elf.u8(elf.data('.shstrtab'), 1).bytes],
    ['Section 2 name is not within .shstrtab!', (elf: MutableElf) => elf.section(2, 'name', 99_999).bytes],
    ['Symbol [1] name is not within .strtab!', (elf: MutableElf) => elf.u32(elf.data('.symtab') + 24, 99_999).bytes],
    ['Unexpected common symbol: new_0', (elf: MutableElf) => elf.symbolField('new_0', 'shndx', 0xfff2).bytes],
    ['Unknown symbol: new_0', (elf: MutableElf) => elf.symbolField('new_0', 'shndx', 0).bytes],
    [
      'Section relative header is corrupted!',
      (elf: MutableElf) => elf.section('.rela.livepatch.funcs', 'entsize', 1).bytes,
    ],
    ['Unhandled relocation 10', (elf: MutableElf) => elf.u32(elf.data('.rela.livepatch.funcs') + 8, 10).bytes],
    ['Encountered STN_UNDEF', (elf: MutableElf) => elf.u32(elf.data('.rela.livepatch.funcs') + 12, 0).bytes],
    [
      'Relative relocation wants symbol@777 which is past end!',
      (elf: MutableElf) => elf.u32(elf.data('.rela.livepatch.funcs') + 12, 777).bytes,
    ],
    [
      'Relative relocation offset is past .livepatch.funcs section!',
      (elf: MutableElf) => elf.u64(elf.data('.rela.livepatch.funcs'), 9999n).bytes,
    ],
    [
      '.livepatch.depends is missing!',
      (elf: MutableElf) => elf.rename('.shstrtab', '.livepatch.depends', '.livepatch.depend5').bytes,
    ],
    ['.livepatch.depends is empty!', (elf: MutableElf) => elf.section('.livepatch.depends', 'size', 0).bytes],
    ['Wrong version (2). Expected 1!', (elf: MutableElf) => elf.u8(elf.data('.livepatch.funcs') + 32, 2).bytes],
    ['Address or size fields are zero!', (elf: MutableElf) => elf.u32(elf.data('.livepatch.funcs') + 28, 0).bytes],
    [
      'Could not resolve old address of nobody_at_all_yet',
      (elf: MutableElf) => elf.rename('.rodata.str', 'xen_extra_version', 'nobody_at_all_yet').bytes,
    ],
  ])('4.12 prints: %s', (text, breaks) => {
    for (const release of ['4.11.0', '4.12.4']) {
      const file = breaks(new MutableElf(payloadFor({ ...A, release })));
      const target = bootHost({ release, debugBuild: true });
      const before = digest(target);
      const said = upload(target, 'a', file).console.at(-1);
      expect(said).toMatch(/^common\/livepatch(_elf)?\.c: livepatch: a: |^arch\/x86\/livepatch\.c: livepatch: a: /);
      expect(said?.replace(/^[^:]*: livepatch: a: /, '')).toBe(text);
      expect(digest(target)).toBe(before);
      expect(upload(bootHost({ release, loglvl: 'all' }), 'a', file).console).toEqual([]);
    }
  });

  it('4.12 has its own texts for actions, too', () => {
    const release = '4.12.4';
    const b = { buildId: id(0xb2), depends: id(0xa1), data: 8 };
    const target = hostWith({ a: A, b }, { release, debugBuild: true, applied: ['a'] });
    apply(target, 'b');
    expect(revert(target, 'a').console).toEqual(["common/livepatch.c: livepatch: a: can't unload. Top is b!"]);
    revert(target, 'b');
    expect(apply(target, 'b').console).toEqual([
      "common/livepatch.c: livepatch: b: can't revert as payload has .data. Please unload!",
    ]);
    const other = hostWith({ a: A, c: { ...b, depends: id(9) } }, { release, debugBuild: true, applied: ['a'] });
    expect(apply(other, 'c').console).toEqual(['common/livepatch.c: livepatch: c: check against a build-id failed!']);
  });
});
