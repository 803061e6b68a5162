import { describe, expect, it } from 'vitest';
import { type CStruct, cStruct, viewOf } from '../../src/base/index.ts';
import {
  LIVEPATCH_FSTATE,
  offsetIn,
  RELEASES,
  type Release,
  releaseByVersion,
  structPayload,
  virtualRegion,
} from '../../src/xen/index.ts';
import { recordedStruct } from './layouts/layouts.ts';

const release = (version: string): Release => releaseByVersion(version)?.release as Release;

/** Returns our structure in the format of the recording, without array members. */
function ours(struct: CStruct, recorded: readonly { member: string }[]): Record<string, number | undefined> {
  return Object.fromEntries(
    recorded
      .filter(({ member }) => !member.endsWith('frame'))
      .map(({ member }) => [member, member === '-' ? struct.size : struct.at[member]]),
  );
}

const theirs = (recorded: readonly { member: string; offset: number; size: number }[]): Record<string, number> =>
  Object.fromEntries(
    recorded
      .filter(({ member }) => !member.endsWith('frame'))
      .map(({ member, offset, size }) => [member, member === '-' ? size : offset]),
  );

/** The first bounds of .text were called `start` and `end` once. */
const renamed = <T extends { member: string }>(recorded: readonly T[]): T[] =>
  recorded.map((placed) => ({
    ...placed,
    member: placed.member.replace(/(^|\.)start$/, '$1text_start').replace(/(^|\.)end$/, '$1text_end'),
  }));

const X86 = { pointerSize: 8, bugFrames: 4 } as const;

describe.each([
  ['4.14.6', '4.14.6'],
  // Debian's sources between 4.17.5 and .6.
  ['4.17.5', '4.17.5'],
  ['master', '4.22.0'],
])('the compiler of %s', (recording, version) => {
  it.each([
    ['payload', structPayload(release(version), X86)],
    ['virtual_region', virtualRegion(release(version), X86)],
    ['livepatch_fstate', LIVEPATCH_FSTATE],
  ])('agrees on struct %s', (name, struct) => {
    const recorded = renamed(recordedStruct(recording, name));
    expect(ours(struct, recorded)).toEqual(theirs(recorded));
    // Not recorded: the version lacks the structure, or master's list omits it.
    const none =
      (recording === '4.14.6' && name === 'livepatch_fstate') || (recording === 'master' && name === 'virtual_region');
    expect(recorded.length > 0).toBe(!none);
  });

  it('has no member that we lack', () => {
    const recorded = renamed(recordedStruct(recording, 'payload')).map(({ member }) => member);
    const extra = Object.keys(structPayload(release(version), X86).at).filter(
      (member) => !recorded.includes(member) && !/frame\[.\]$/.test(member),
    );
    if (recording === 'master') expect(extra.filter((member) => !member.includes('.'))).toEqual([]);
    else expect(extra).toEqual([]);
  });
});

describe('struct payload of the other releases', () => {
  const at = (version: string, member: string): number | undefined => structPayload(release(version), X86).at[member];

  it('grows and shrinks with the commits that changed it', () => {
    const sizes = new Map<number, string[]>();
    for (const row of RELEASES) {
      const { size } = structPayload(row, X86);
      sizes.set(size, [...(sizes.get(size) ?? []), row.version]);
    }
    const spans = [...sizes].map(([size, versions]) => [size, versions[0], versions.at(-1)]);
    expect(spans).toEqual([
      // No hooks, no second build-id, no metadata.
      [448, '4.11.0', '4.13.5'],
      [528, '4.14.0', '4.18.0'],
      [536, '4.17.3', '4.22.0'],
      [552, '4.17.4', '4.19.0'],
    ]);
  });

  it('has the members of the release', () => {
    expect(at('4.13.5', 'hooks.apply.pre')).toBeUndefined();
    expect(at('4.17.2', 'fstate')).toBeUndefined();
    expect(at('4.17.3', 'fstate')).toBe(112);
    expect(at('4.18.3', 'xen_dep')).toBe(320);
    expect(at('4.18.4', 'xen_dep')).toBeUndefined();
    expect(at('4.18.5', 'region.frame[0].n_bugs')).toBe(208);
    expect(at('4.19.0', 'region.frame[0].stop')).toBe(208);
  });

  it('names a missing member', () => {
    expect(offsetIn(structPayload(release('4.17.7'), X86), 'funcs')).toBe(104);
    expect(() => offsetIn(structPayload(release('4.17.2'), X86), 'fstate')).toThrow('struct payload has no fstate');
  });
});

describe('cStruct', () => {
  it('reads and writes through the padding', () => {
    const inner = cStruct('inner', { a: 'u8', b: 'u64' });
    const outer = cStruct('outer', { x: 'u16', gone: undefined, inner, tail: 'bytes3' });
    expect([outer.size, outer.align, outer.at]).toEqual([
      32,
      8,
      { x: 0, inner: 8, 'inner.a': 8, 'inner.b': 16, tail: 24 },
    ]);
    const bytes = new Uint8Array(40);
    outer.table.write(viewOf(bytes), 8, { 'inner.b': 7n, x: 513 } as never);
    expect([bytes[8], bytes[9], bytes[24]]).toEqual([1, 2, 7]);
    expect(outer.table.read(viewOf(bytes), 8)).toMatchObject({ x: 513, 'inner.a': 0, 'inner.b': 7n });
  });
});
