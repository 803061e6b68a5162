import { describe, expect, it } from 'vitest';
import type { ExampleArch } from '../../src/cli/embedded/example.ts';
import { exampleBytes, examplePath, examplePayload, examplesOf, manifest, uploadName } from '../support/examples.ts';
import { buildId, type ElfSymbol, relocationTypes, sectionBytes, sections, symbols } from './binutils.ts';

/** What differs between the architectures. */
interface Kind {
  readonly pointer: 4 | 8;
  /** The relocations that the loader knows and payloads have, and the one that it does not take. */
  readonly known: readonly string[];
  readonly bad: string;
  /** The shortest old_size that is taken, less one. */
  readonly tooSmall: number;
  readonly returnSize: number;
  /** First bytes of xen_extra_version(). */
  readonly first: readonly number[];
}

const KINDS: Readonly<Record<ExampleArch, Kind>> = {
  x86_64: {
    pointer: 8,
    known: ['R_X86_64_64', 'R_X86_64_PC32', 'R_X86_64_PLT32'],
    bad: 'R_X86_64_32',
    tooSmall: 8,
    returnSize: 1,
    first: [0x48, 0x8d, 0x05],
  },
  arm64: {
    pointer: 8,
    known: [
      'R_AARCH64_ABS64',
      'R_AARCH64_PREL32',
      'R_AARCH64_ADR_PREL_PG_HI21',
      'R_AARCH64_ADD_ABS_LO12_NC',
      'R_AARCH64_LDST8_ABS_LO12_NC',
      'R_AARCH64_LDST32_ABS_LO12_NC',
      'R_AARCH64_CALL26',
      'R_AARCH64_JUMP26',
    ],
    bad: 'R_AARCH64_ADR_PREL_LO21',
    tooSmall: 3,
    returnSize: 4,
    first: [0x00, 0x00, 0x00],
  },
  arm32: {
    pointer: 4,
    known: ['R_ARM_ABS32', 'R_ARM_REL32', 'R_ARM_MOVW_ABS_NC', 'R_ARM_MOVT_ABS'],
    bad: 'R_ARM_PREL31',
    tooSmall: 3,
    returnSize: 4,
    first: [0x6c, 0x03, 0x01],
  },
};

const kindOf = (name: string): Kind => KINDS[examplePayload(name).arch];
const imageOf = (name: string): string => examplePath(examplesOf(examplePayload(name).arch).image.name);
const xenOf = (name: string): ElfSymbol[] => symbols(imageOf(name));
const xenNames = (name: string): Set<string> => new Set(xenOf(name).map(({ qualified }) => qualified));
const elves = manifest.payloads.filter(({ buildId }) => buildId !== null).map(({ name }) => name);
/** Tells code from data. Each object brings some of the same names. */
const isMapping = ({ name }: ElfSymbol): boolean => /^\$[adx]/.test(name);

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

/** Bytes of an entry behind its three pointers. */
const BEHIND_POINTERS = 80;

/** `.livepatch.funcs`, without what relocations fill in. */
function entries(name: string): Entry[] {
  const bytes = sectionBytes(examplePath(name), '.livepatch.funcs');
  const view = new DataView(bytes.buffer);
  const pointers = 3 * kindOf(name).pointer;
  const size = pointers + BEHIND_POINTERS;
  return Array.from({ length: bytes.length / size }, (_, i) => {
    const at = i * size + pointers;
    return {
      newSize: view.getUint32(at, true),
      oldSize: view.getUint32(at + 4, true),
      version: view.getUint8(at + 8),
      pad: bytes.subarray(at + 9, at + 48),
      expect: bytes.subarray(at + 48, at + 80),
    };
  });
}

describe.each(elves)('%s', (name) => {
  const path = examplePath(name);
  const base = uploadName(name);

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
    expect(xenId === buildId(imageOf(name))).toBe(base !== 'wrong-build-id');
  });

  it('has .livepatch.funcs as the tools make it', () => {
    const funcs = sections(path).find((section) => section.name === '.livepatch.funcs');
    expect(funcs).toMatchObject({ type: 'PROGBITS', flags: base === 'writable' ? 'WA' : 'A' });
    expect(entries(name).length).toBe(base === 'replace' ? 2 : 1);
    expect(funcs?.size).toBe((3 * kindOf(name).pointer + BEHIND_POINTERS) * entries(name).length);
    for (const entry of entries(name)) {
      expect(entry.version).toBe(base === 'wrong-version' ? 1 : 2);
      expect(entry.pad.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('uses no relocation that the loader does not know, unless that is the point', () => {
    const { known, bad } = kindOf(name);
    // What says that a routine is needed, and changes nothing, belongs to unwind tables.
    const more = { 'bad-relocation': 'R_ARM_NONE', 'odd-branch': 'R_ARM_CALL' }[base];
    const unknown = [...relocationTypes(path)].filter((type) => !known.includes(type) && type !== more);
    expect(unknown).toEqual(base === 'bad-relocation' ? [bad] : []);
  });

  it('needs no symbol that the image does not have, unless that is the point', () => {
    const missing = symbols(path).filter((s) => s.index === 'UND' && s.bind === 'GLOBAL');
    const unknown = missing.map((s) => s.name).filter((wanted) => !xenNames(name).has(wanted));
    expect(unknown).toEqual(base === 'unknown-symbol' ? ['no_such_function'] : []);
    const common = symbols(path).filter((s) => s.index === 'COM');
    expect(common.map((s) => s.name)).toEqual(base === 'common-symbol' ? ['common_symbol_calls'] : []);
  });

  it('defines no symbol that the image or another payload defines', () => {
    const own = (other: string): string[] =>
      symbols(examplePath(other))
        .filter((s) => /^\d+$/.test(s.index) && (s.type === 'FUNC' || s.type === 'OBJECT') && !isMapping(s))
        .map((s) => s.name);
    const others = elves.filter((other) => other !== name && examplePayload(other).arch === examplePayload(name).arch);
    const taken = new Set([...xenNames(name), ...others.flatMap(own)]);
    expect(own(name).length).toBeGreaterThan(0);
    expect(own(name).filter((symbol) => taken.has(symbol))).toEqual([]);
  });

  it('is writable only where the manifest says that it cannot be applied again', () => {
    const writable = sections(path).filter((s) => s.flags.includes('W') && s.size > 0 && s.name !== '.livepatch.funcs');
    expect(writable.map((s) => s.name).sort()).toEqual(
      { data: ['.bss', '.data'], hooks: ['.livepatch.hooks.load', '.livepatch.hooks.unload'] }[base] ?? [],
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
    const base = uploadName(name);
    const old = sizeIn(imageOf(name), target[base] ?? 'xen_extra_version');
    expect(old).toBeGreaterThan(0);
    expect(entry?.oldSize).toBe(base === 'old-size-too-small' ? kindOf(name).tooSmall : old);
    const [first] = symbols(examplePath(name)).filter(({ type }) => type === 'FUNC');
    const source = symbols(examplePath(name)).find(
      ({ name: own, type }) => type === 'FUNC' && own.startsWith(base.replaceAll('-', '_')),
    );
    expect(entry?.newSize).toBe(base === 'nop' ? (old ?? 0) - kindOf(name).returnSize : source?.size);
    expect(first === undefined).toBe(base === 'nop');
  });

  it.each(manifest.images)('expects the bytes that $name has', ({ arch, name: image }) => {
    const payload = (name: string): string => image.replace('miniature-xen', name);
    const [entry] = entries(payload('expectation'));
    const symbol = symbols(examplePath(image)).find(({ qualified }) => qualified === 'xen_extra_version');
    const text = sections(examplePath(image)).find((section) => section.name === '.text');
    if (!entry || !symbol || !text) throw new Error('nothing to compare');
    const start = text.offset + Number(symbol.value - text.address);
    const real = exampleBytes(image).subarray(start, start + symbol.size);
    expect(entry.expect[0]).toBe(1 | (symbol.size << 1));
    expect([...entry.expect.subarray(1, 1 + symbol.size)]).toEqual([...real]);
    const [failing] = entries(payload('expectation-fails'));
    expect([...(failing?.expect.subarray(0, 4) ?? [])]).toEqual([1 | (3 << 1), 0xde, 0xad, 0xc0]);
    expect([...real.subarray(0, 3)]).toEqual(KINDS[arch].first);
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
