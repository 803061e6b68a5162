import { describe, expect, it } from 'vitest';
import { exampleBytes, exampleManifest, examplePath, examplePayload } from '../support/examples.ts';
import { buildId, relocationTypes, sectionBytes, sections, symbols } from './binutils.ts';

const xen = symbols(examplePath('miniature-xen'));
const xenNames = new Set(xen.map(({ qualified }) => qualified));
const elves = exampleManifest.payloads.filter(({ buildId }) => buildId !== null).map(({ name }) => name);

const noteId = (name: string, section: string): string =>
  Buffer.from(sectionBytes(examplePath(name), section).subarray(16)).toString('hex');
const sizeIn = (path: string, name: string): number | undefined =>
  symbols(path).find(({ qualified, type }) => qualified === name && type === 'FUNC')?.size;

interface Entry {
  readonly newSize: number;
  readonly oldSize: number;
  readonly version: number;
  readonly pad: Uint8Array;
  readonly expect: Uint8Array;
}

/** `.livepatch.funcs`, without what relocations fill in. */
function entries(name: string): Entry[] {
  const bytes = sectionBytes(examplePath(name), '.livepatch.funcs');
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 104 }, (_, i) => ({
    newSize: view.getUint32(i * 104 + 24, true),
    oldSize: view.getUint32(i * 104 + 28, true),
    version: view.getUint8(i * 104 + 32),
    pad: bytes.subarray(i * 104 + 33, i * 104 + 72),
    expect: bytes.subarray(i * 104 + 72, i * 104 + 104),
  }));
}

describe.each(elves)('%s', (name) => {
  const path = examplePath(name);

  it('has a build-id of its own', () => {
    expect(buildId(path)).toMatch(/^[0-9a-f]{40}$/);
    expect(buildId(path)).toBe(examplePayload(name).buildId);
    expect(elves.filter((other) => examplePayload(other).buildId === buildId(path))).toEqual([name]);
  });

  it('depends on what the manifest says', () => {
    const { depends } = examplePayload(name);
    const present = sections(path).some((section) => section.name === '.livepatch.depends');
    expect(present).toBe(depends !== null);
    if (depends !== null) expect(noteId(name, '.livepatch.depends')).toBe(buildId(examplePath(depends)));
    const xenId = noteId(name, '.livepatch.xen_depends');
    expect(xenId).toHaveLength(40);
    expect(xenId === exampleManifest.image.buildId).toBe(name !== 'wrong-build-id');
  });

  it('has .livepatch.funcs as the tools make it', () => {
    const funcs = sections(path).find((section) => section.name === '.livepatch.funcs');
    expect(funcs).toMatchObject({ type: 'PROGBITS', flags: name === 'writable' ? 'WA' : 'A' });
    expect(entries(name).length).toBe(name === 'replace' ? 2 : 1);
    expect(funcs?.size).toBe(104 * entries(name).length);
    for (const entry of entries(name)) {
      expect(entry.version).toBe(name === 'wrong-version' ? 1 : 2);
      expect(entry.pad.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('uses no relocation that the loader does not know, unless that is the point', () => {
    const known = new Set(['R_X86_64_64', 'R_X86_64_PC32', 'R_X86_64_PLT32']);
    const unknown = [...relocationTypes(path)].filter((type) => !known.has(type));
    expect(unknown).toEqual(name === 'bad-relocation' ? ['R_X86_64_32'] : []);
  });

  it('needs no symbol that the image does not have, unless that is the point', () => {
    const missing = symbols(path).filter((s) => s.index === 'UND' && s.bind === 'GLOBAL');
    const unknown = missing.map((s) => s.name).filter((wanted) => !xenNames.has(wanted));
    expect(unknown).toEqual(name === 'unknown-symbol' ? ['no_such_function'] : []);
    const common = symbols(path).filter((s) => s.index === 'COM');
    expect(common.map((s) => s.name)).toEqual(name === 'common-symbol' ? ['common_symbol_calls'] : []);
  });

  it('defines no symbol that the image or another payload defines', () => {
    const own = (other: string): string[] =>
      symbols(examplePath(other))
        .filter((s) => /^\d+$/.test(s.index) && (s.type === 'FUNC' || s.type === 'OBJECT'))
        .map((s) => s.name);
    const taken = new Set([...xenNames, ...elves.filter((other) => other !== name).flatMap(own)]);
    expect(own(name).length).toBeGreaterThan(0);
    expect(own(name).filter((symbol) => taken.has(symbol))).toEqual([]);
  });

  it('is writable only where the manifest says that it cannot be applied again', () => {
    const writable = sections(path).filter((s) => s.flags.includes('W') && s.size > 0 && s.name !== '.livepatch.funcs');
    expect(writable.map((s) => s.name).sort()).toEqual(
      { data: ['.bss', '.data'], hooks: ['.livepatch.hooks.load', '.livepatch.hooks.unload'] }[name] ?? [],
    );
    if (examplePayload(name).expected.verdict === 'accepted') {
      expect(examplePayload(name).reappliable).toBe(writable.length === 0);
    }
  });
});

describe('the table of functions', () => {
  const target: Record<string, string> = {
    nop: 'nag_administrator',
    'static-function': 'common/kernel.c#dump_state',
    'old-size-too-small': 'common/keyhandler.c#show_handlers',
  };

  it.each(elves)('has the sizes of %s', (name) => {
    const [entry] = entries(name);
    const old = sizeIn(examplePath('miniature-xen'), target[name] ?? 'xen_extra_version');
    expect(entry?.oldSize).toBe(name === 'old-size-too-small' ? 8 : old);
    const [first] = symbols(examplePath(name)).filter(({ type }) => type === 'FUNC');
    const source = symbols(examplePath(name)).find(
      ({ name: own, type }) => type === 'FUNC' && own.startsWith(name.replaceAll('-', '_')),
    );
    expect(entry?.newSize).toBe(name === 'nop' ? (old ?? 0) - 1 : source?.size);
    expect(first === undefined).toBe(name === 'nop');
  });

  it('expects the bytes that the image has', () => {
    const [entry] = entries('expectation');
    const symbol = xen.find(({ qualified }) => qualified === 'xen_extra_version');
    const text = sections(examplePath('miniature-xen')).find((section) => section.name === '.text');
    if (!entry || !symbol || !text) throw new Error('nothing to compare');
    const start = text.offset + Number(symbol.value - text.address);
    const real = exampleBytes('miniature-xen').subarray(start, start + symbol.size);
    expect(entry.expect[0]).toBe(1 | (symbol.size << 1));
    expect([...entry.expect.subarray(1, 1 + symbol.size)]).toEqual([...real]);
    const [failing] = entries('expectation-fails');
    expect([...(failing?.expect.subarray(0, 4) ?? [])]).toEqual([1 | (3 << 1), 0xde, 0xad, 0xc0]);
    expect([...real.subarray(0, 3)]).toEqual([0x48, 0x8d, 0x05]);
  });
});

describe('damaged files', () => {
  it('truncated ends before its section headers', () => {
    const bytes = exampleBytes('truncated');
    expect(Number(new DataView(bytes.buffer).getBigUint64(0x28, true))).toBeGreaterThanOrEqual(bytes.length);
    expect(Buffer.compare(bytes, exampleBytes('hello').subarray(0, bytes.length))).toBe(0);
  });

  it('not-elf is long enough for a header, and none', () => {
    const bytes = exampleBytes('not-elf');
    expect(bytes.length).toBeGreaterThan(64);
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  });
});
