import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/base/index.ts';
import { modinfoEntries, notesObject, type PayloadNotes } from '../../src/diff/index.ts';
import { type ElfFile, isProblem, readElf, SHF_ALLOC, SHT_PROGBITS } from '../../src/elf/index.ts';
import { parseBuildId, type Release, releaseByVersion } from '../../src/xen/index.ts';
import { exampleBytes } from '../support/examples.ts';
import { readelf } from '../support/gcc.ts';

const elf = (bytes: Uint8Array): ElfFile => {
  const file = readElf(bytes);
  if (isProblem(file)) throw new Error(file.message);
  return file;
};

function release(version: string): Release {
  const found = releaseByVersion(version);
  if (found === undefined) throw new Error(`no release ${version}`);
  return found.release;
}

const id = (digits: string): Uint8Array => fromHex(digits) ?? new Uint8Array(0);

const NOTES: PayloadNotes = {
  depends: id('11'.repeat(20)),
  xenDepends: id('22'.repeat(20)),
  provenance: { name: 'xsa-444', titles: ['x86: fix it'], tool: 'xsplice 1.0', base: '22'.repeat(20) },
};

const made = (like: string, version: string, notes: PayloadNotes = NOTES): ElfFile =>
  elf(notesObject(elf(exampleBytes(like)), notes, release(version)));

const names = (file: ElfFile): string[] =>
  file.sections.map(({ name }) => name).filter((name) => /^\.(livepatch|modinfo)/.test(name));

describe('the object with the notes', () => {
  it.each(['hello', 'arm64/hello', 'arm32/hello'])('is for the machine of %s', (name) => {
    const [like, file] = [elf(exampleBytes(name)), made(name, '4.18.1')];
    expect(file.header).toMatchObject({
      e_machine: like.header.e_machine,
      e_flags: like.header.e_flags,
      e_type: like.header.e_type,
    });
    expect(file.layout.class).toBe(like.layout.class);
    expect(readelf(file.bytes, ['-SW'])).toMatch(/\.livepatch\.depends +PROGBITS .* A +0 +0 +4\n/);
  });

  it('says what the payload depends on, as Xen reads it', () => {
    const file = made('hello', '4.18.1');
    for (const [name, wanted] of [
      ['.livepatch.depends', NOTES.depends],
      ['.livepatch.xen_depends', NOTES.xenDepends],
    ] as const) {
      const section = file.section(name);
      expect(section).toMatchObject({ type: SHT_PROGBITS, flags: SHF_ALLOC });
      expect(parseBuildId(section?.data() ?? new Uint8Array(0))).toMatchObject({ ok: true, id: wanted });
    }
  });

  it.each([1, 16, 20, 21, 32, 64])('takes build-ids of %i bytes', (length) => {
    const depends = new Uint8Array(length).fill(0xa5);
    const section = made('hello', '4.18.1', { ...NOTES, depends }).section('.livepatch.depends');
    expect(parseBuildId(section?.data() ?? new Uint8Array(0))).toMatchObject({ ok: true, id: depends, length });
  });

  it('has what the release reads, and no more', () => {
    expect(names(made('hello', '4.13.0'))).toEqual(['.livepatch.depends']);
    expect(names(made('hello', '4.14.0'))).toEqual(['.livepatch.depends', '.livepatch.xen_depends', '.modinfo']);
  });

  it('ends each string of .modinfo with a NUL', () => {
    const data = made('hello', '4.18.1').section('.modinfo')?.data() ?? new Uint8Array(0);
    const text = Buffer.from(data).toString('latin1');
    expect(text).toBe(`name=xsa-444\0title=x86: fix it\0tool=xsplice 1.0\0base=${'22'.repeat(20)}\0`);
  });
});

describe('the strings of .modinfo', () => {
  const titled = (...titles: string[]) =>
    modinfoEntries({ name: 'n', titles, tool: 't', base: null }).filter((entry) => entry.startsWith('title='));

  it('are printable, whatever the title of a patch is', () => {
    expect(titled('a\0name=evil', 'b\x1b[2J\nc', 'd\u00e9\u202e')).toEqual([
      'title=a?name=evil',
      'title=b?[2J?c',
      'title=d?',
    ]);
  });

  it('are of bounded length and number', () => {
    expect(titled('x'.repeat(10_000))[0]).toHaveLength(200);
    const many = titled(...Array.from({ length: 1000 }, (_, i) => `patch ${i}`));
    expect(many).toHaveLength(17);
    expect(many.at(-1)).toBe('title=and 984 more');
  });

  it('do not name a base that has no build-id', () => {
    expect(modinfoEntries({ name: 'n', titles: [], tool: 't', base: null })).toEqual(['name=n', 'tool=t']);
  });
});
