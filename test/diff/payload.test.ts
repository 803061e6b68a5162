import { afterAll, describe, expect, it } from 'vitest';
import { viewOf } from '../../src/base/index.ts';
import type { PairsDiff } from '../../src/diff/index.ts';
import {
  type ElfFile,
  isProblem,
  readElf,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_WRITE,
  SHN_UNDEF,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FILE,
} from '../../src/elf/index.ts';
import { livepatchFunc } from '../../src/xen/index.ts';
import { type Sources, type Subject, subject } from './support/subject.ts';

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

async function made(before: Sources, options: Parameters<typeof subject>[2] = {}): Promise<Subject> {
  const built = await subject('x86_64', before, options);
  subjects.push(built);
  return built;
}

function elfOf(diff: PairsDiff, which: 'bytes' | 'debug' = 'bytes'): ElfFile {
  expect(diff.refusals).toEqual([]);
  const elf = readElf(diff.objects[0]?.[which] as Uint8Array);
  if (isProblem(elf)) throw new Error(elf.message);
  return elf;
}

/** Named symbols as `GLOBAL name` and the like, `U` before those that are not defined. */
function symbolsOf({ symbols }: ElfFile): string[] {
  const told: string[] = [];
  for (let i = 1; i < symbols.count; i++) {
    const name = symbols.name(i);
    if (name === '' || symbols.type(i) === STT_FILE) continue;
    const bind = symbols.bind(i) === STB_LOCAL ? 'local' : symbols.bind(i) === STB_GLOBAL ? 'global' : 'other';
    told.push(`${symbols.shndx(i) === SHN_UNDEF ? 'U ' : ''}${bind} ${name}`);
  }
  return told.sort();
}

/** The relocations of a section as `offset symbol+addend`. */
function relocationsOf(elf: ElfFile, name: string): string[] {
  const section = elf.section(name);
  return (section === undefined ? [] : elf.relocationsOf(section.index)).flatMap((table) =>
    Array.from({ length: table.count }, (_, i) => {
      const symbol = elf.symbols.displayName(table.symbol(i));
      return `${table.offset(i)} ${symbol}${table.addend(i) < 0n ? '' : '+'}${table.addend(i)}`;
    }),
  );
}

const HEAD = '#include <xen.h>\n';
const SOURCE = `${HEAD}
static const int steps[] = { 3, 5, 9 };
static int calls;
void (*taken)(unsigned char);
static noinline void key(unsigned char k) { printk("key %c, %d", k, ++calls); }
noinline int f(int x) { taken = key; printk("unchanged"); return x + steps[x % 3]; }
noinline int other(int x) { return x * x * 3; }
`;
const AFTER = SOURCE.replace('key %c', 'KEY %c')
  .replace('x + steps', 'x - steps')
  .replace('"unchanged"', '"taken %d", fresh++')
  .replace('static int calls;', 'static int calls;\nstatic int fresh = 4;');

describe('a payload object', () => {
  it('is the same for the same input, and only names of what is new and static differ with the name', async () => {
    const { diff } = await made({ 'a.c': SOURCE });
    const [one, again, renamed] = [
      diff({ 'a.c': AFTER }),
      diff({ 'a.c': AFTER }),
      diff({ 'a.c': AFTER }, { name: 'next' }),
    ];
    expect(again.objects).toEqual(one.objects);
    const names = symbolsOf(elfOf(one));
    const others = symbolsOf(elfOf(renamed));
    const fresh = /^local common\/a\.c#fresh\.[0-9a-f]{8}$/;
    expect(names.filter((name) => !others.includes(name))).toEqual([expect.stringMatching(fresh)]);
    expect(others.filter((name) => !names.includes(name))).toEqual([expect.stringMatching(fresh)]);
  });

  it('has the functions that changed, what they need, and the hypervisor by name', async () => {
    const { diff } = await made({ 'a.c': SOURCE });
    const elf = elfOf(diff({ 'a.c': AFTER }));
    expect(symbolsOf(elf)).toEqual([
      'U global common/a.c#calls',
      'U global common/a.c#key',
      'U global common/a.c#steps',
      'U global printk',
      'U global taken',
      expect.stringMatching(/^local common\/a\.c#fresh\.[0-9a-f]{8}$/),
      'local common/a.c#key',
      'local f',
    ]);
    // The address that is kept is that of the old function, which leads to the new one while the payload is applied.
    expect(relocationsOf(elf, '.text.f').some((line) => line.includes('common/a.c#key'))).toBe(true);
    expect(elf.sections.map(({ name }) => name)).not.toContain('.text.other');
    expect(elf.sections.filter(({ name }) => name.startsWith('.debug'))).toEqual([]);
    // Nothing can be merged, and nothing but the new variable is written.
    expect(elf.sections.filter(({ flags }) => (flags & SHF_MERGE) !== 0)).toEqual([]);
    const written = elf.sections.filter(({ flags }) => (flags & SHF_WRITE) !== 0).map(({ name }) => name);
    expect(written).toEqual(['.data.fresh']);
  });

  it('brings no text that nothing refers to', async () => {
    const { diff } = await made({ 'a.c': SOURCE });
    const elf = elfOf(diff({ 'a.c': SOURCE.replace('key %c', 'KEY %c') }));
    const bytes = Buffer.from(elf.bytes).toString('latin1');
    expect(bytes).toContain('KEY %c');
    expect(bytes).not.toContain('unchanged');
  });

  it('keeps constants read-only that have pointers in them', async () => {
    const source = `${HEAD}noinline int f(unsigned int i) { static const char *const names[] = { "a", "b" }; printk(names[i % 2]); return i * i; }\n`;
    const { diff } = await made({ 'a.c': source });
    const elf = elfOf(diff({ 'a.c': source.replace('"b"', '"bb"') }));
    const table = elf.sections.find(({ name }) => name.startsWith('.data.rel.ro'));
    expect(table?.flags).toBe(SHF_ALLOC);
    expect(relocationsOf(elf, table?.name ?? '')).toHaveLength(2);
  });

  it.each([
    ['4.11.4', 'v1', true],
    ['4.17.7', 'v2', false],
    ['4.18.0', 'v2-patch-offset', true],
  ] as const)('has .livepatch.funcs as %s wants it', async (version, layout, written) => {
    const { diff, image } = await made({ 'a.c': SOURCE }, { version });
    const elf = elfOf(diff({ 'a.c': SOURCE.replace('x * x * 3', 'x * x * 7') }));
    const section = elf.section('.livepatch.funcs');
    const form = livepatchFunc(layout, 8);
    expect(section?.size).toBe(form.size);
    expect(((section?.flags ?? 0) & SHF_WRITE) !== 0).toBe(written);
    const entry = form.read(viewOf(section?.data() ?? new Uint8Array(0)), 0);
    const { symbols } = image.elf;
    expect(entry).toMatchObject({
      oldSize: symbols.size(symbols.find('other') ?? 0),
      version: form.version,
      oldAddr: 0n,
    });
    expect(entry.newSize).toBe(elf.section('.text.other')?.size);
    expect(relocationsOf(elf, '.livepatch.funcs')).toEqual([
      `${form.at.name} .livepatch.strings+0`,
      `${form.at.newAddr} other+0`,
    ]);
    expect(Buffer.from(elf.section('.livepatch.strings')?.data() ?? []).toString()).toBe('other\0');
  });

  it('has its debug data in a second object with the same sections', async () => {
    const { diff } = await made({ 'a.c': SOURCE });
    const built = diff({ 'a.c': AFTER }, { debugData: true });
    const [plain, debug] = [elfOf(built), elfOf(built, 'debug')];
    const loaded = (elf: ElfFile): unknown[] =>
      elf.sections
        .filter(({ flags }) => (flags & SHF_ALLOC) !== 0)
        .map(({ name, size, flags, addralign }) => ({ name, size, flags, addralign }));
    expect(loaded(debug)).toEqual(loaded(plain));
    expect(debug.section('.debug_info')).toBeDefined();
    // Its lines lead to the function in the payload.
    const text = debug.section('.text.f');
    expect((text?.flags ?? 0) & SHF_EXECINSTR).not.toBe(0);
    const lines = debug.relocationsOf(debug.section('.debug_line')?.index ?? 0)[0];
    const to = Array.from({ length: lines?.count ?? 0 }, (_, i) => debug.symbols.name(lines?.symbol(i) ?? 0));
    expect(to).toEqual(expect.arrayContaining(['f', 'common/a.c#key']));
  });

  it('says what there is to check where there is no debug data', async () => {
    const { diff } = await made({ 'a.c': SOURCE }, { debug: false });
    const built = diff({ 'a.c': AFTER }, { debugData: true });
    expect(built.objects[0]?.debug).toBeNull();
    expect(built.remarks.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^changed structure layouts were not checked/),
    );
  });
});

describe('what cannot be taken', () => {
  it('functions that share a section', async () => {
    const { diff } = await made({ 'a.c': SOURCE }, { flags: ['-Wno-unused-variable'] });
    const { verdict, refusals } = diff({ 'a.c': SOURCE.replace('x * x * 3', 'x * x * 7') });
    expect(verdict).toBe('refused');
    expect(refusals[0]).toMatchObject({
      where: { file: 'common/a.o', symbol: 'other' },
      message: expect.stringMatching(/^other shares the section \.text with other functions/),
      advice: expect.stringContaining('-ffunction-sections'),
    });
  });

  it('objects of another build', async () => {
    const { image } = await made({ 'a.c': SOURCE });
    const other = await made({ 'a.c': SOURCE.replace('x * x * 3', 'x * x * 5') });
    const after = { 'a.c': SOURCE.replace('x * x * 3', 'x * x * 7') };
    expect(other.diff(after).verdict).toBe('built');
    const mixed = other.against(image, after);
    expect(mixed.verdict).toBe('refused');
    expect(mixed.refusals[0]?.message).toMatch(
      /^other differs at \+0x[0-9a-f]+ between the hypervisor and the original object/,
    );
  });

  it('what is no object, or one for another machine', async () => {
    const { pairs, object } = await made({ 'a.c': SOURCE });
    const good = object('a.c');
    const text = new TextEncoder().encode('no object at all');
    expect(pairs([{ object: 'a.o', orig: text, patched: good }]).refusals[0]?.message).toBe(
      'the original a.o: Not an ELF file',
    );
    const other = Uint8Array.from(good);
    other[18] = 183;
    expect(pairs([{ object: 'a.o', orig: good, patched: other }]).refusals[0]?.message).toBe(
      'the patched a.o is for AArch64, the hypervisor for x86-64',
    );
  });
});
