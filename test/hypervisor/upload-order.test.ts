import { describe, expect, it } from 'vitest';
import { MutableElf } from './mutable-elf.ts';
import { CHANGESET, hostWith, id, patch } from './state-support.ts';
import { digest, releaseNamed, upload } from './support.ts';
import {
  badMetadata,
  duplicateSymbol,
  ELF_FAULTS,
  type Fault,
  functionFaults,
  LOAD_FAULTS,
  prepareFaults,
  soundPayload,
  wrongXen,
} from './upload-order-support.ts';

/** All faults in the order in which a release checks them. */
function inOrder(release: string): readonly Fault[] {
  const [, minor = 0, point = 0] = release.split('.').map(Number);
  const since = (...tags: readonly (readonly [number, number])[]) =>
    tags.some(([m, p]) => minor === m && point >= p) || minor > Math.max(...tags.map(([m]) => m));
  const version2 = minor >= 14;
  // fa49f4be41 and 86d09d16dd; 5142dc5c25.
  const early = since([18, 4], [19, 1], [20, 0]);
  const resolveFirst = since([14, 5], [15, 3], [16, 1], [17, 0]);
  const noteErrno = early ? 'ENODATA' : 'EINVAL';
  // The valid payload's single hook has two pointers, which some releases refuse: see below.
  return [
    ...ELF_FAULTS,
    ...(early ? [wrongXen(true)] : []),
    ...LOAD_FAULTS,
    ...functionFaults(version2 ? 104 : 64, resolveFirst),
    ...prepareFaults({ noteErrno, actionHooks: version2 }),
    ...(version2 ? [badMetadata] : []),
    ...(version2 && !early ? [wrongXen(false)] : []),
    duplicateSymbol,
  ];
}

/** The valid payload with one pointer in its single hook, and faults. */
function broken(release: string, faults: readonly Fault[]): Uint8Array {
  const elf = new MutableElf(soundPayload(release));
  elf.section('.livepatch.hooks.preapply', 'size', 8);
  for (const fault of faults) fault.break(elf);
  return elf.bytes;
}

const RELEASES = ['4.13.5', '4.14.4', '4.16.0', '4.16.7', '4.17.7', '4.18.3', '4.18.4', '4.19.0', '4.22.0'];

describe.each(RELEASES)('%s', (release) => {
  const host = () => hostWith({ other: { buildId: id(0x77), functions: [patch(CHANGESET)] } }, { release });

  it('accepts the payload without a fault', () => {
    expect(upload(host(), 'p', broken(release, []))).toMatchObject({ rc: 0, console: [] });
  });

  it('reports each single fault, and restores the host', () => {
    const target = host();
    const before = digest(target);
    for (const fault of inOrder(release)) {
      const { errno, console } = upload(target, 'p', broken(release, [fault]));
      expect({ errno, console: console[0] ?? null }, fault.what).toEqual({
        errno: fault.errno,
        console: lineOf(fault),
      });
    }
    expect(digest(target)).toBe(before);
    expect(target.hypervisor.payloads).toHaveLength(1);
    expect(target.hypervisor.payloadVersion).toBe(2);
  });

  it('reports the earlier of two faults', () => {
    const target = host();
    const faults = inOrder(release);
    faults.forEach((first, i) => {
      for (const second of faults.slice(i + 1)) {
        const { errno, console } = upload(target, 'p', broken(release, [first, second]));
        expect({ errno, console: console[0] ?? null }, `${first.what} before ${second.what}`).toEqual({
          errno: first.errno,
          console: lineOf(first),
        });
      }
    });
  });

  it(`${releaseNamed(release).actionHooks ? 'refuses' : 'accepts'} two pointers for a single hook`, () => {
    const outcome = upload(host(), 'p', soundPayload(release));
    expect(outcome).toMatchObject({ errno: release.startsWith('4.13') ? null : 'EINVAL', console: [] });
  });
});

function lineOf({ what, line }: Fault): string | null | object {
  if (what === 'relocations by other symbols') {
    return expect.stringMatching(
      /^livepatch: p: Relative link of \.rela\.livepatch\.funcs is incorrect \(1, expected=\d+\)$/,
    );
  }
  return line === null ? null : `livepatch: p: ${line}`;
}
