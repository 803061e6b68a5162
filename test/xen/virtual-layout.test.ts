import { describe, expect, it } from 'vitest';
import {
  arm64Layout,
  armVmapXen,
  type Release,
  releaseByVersion,
  x86VmapXen,
  x86XenVirt,
} from '../../src/xen/index.ts';

const release = (version: string): Release => {
  const match = releaseByVersion(version);
  if (match === undefined) throw new Error(`no release ${version}`);
  return match.release;
};

describe('VMAP_XEN on x86', () => {
  const image = {
    end: 0xffff_82d0_405a_6140n,
    rwdataEnd: 0xffff_82d0_405a_7000n,
    nrCpus: 256,
    hypervGuest: false,
  };

  it('starts at a 2 MiB boundary after _end up to 4.16', () => {
    expect(x86VmapXen(release('4.16.7'), image)).toEqual({
      start: 0xffff_82d0_4060_0000n,
      end: 0xffff_82d0_7fef_f000n,
    });
    const aligned = { ...image, end: 0xffff_82d0_4060_0000n };
    expect(x86VmapXen(release('4.14.0'), aligned).start).toBe(0xffff_82d0_4060_0000n);
  });

  it('had no executable fixmap and another gigabyte up to 4.13', () => {
    const old = { ...image, end: 0xffff_82d0_805a_6140n, rwdataEnd: undefined };
    expect(x86VmapXen(release('4.13.5'), old)).toEqual({ start: 0xffff_82d0_8060_0000n, end: 0xffff_82d0_bff0_0000n });
    expect(x86XenVirt(release('4.11.0'))).toEqual({ start: 0xffff_82d0_8000_0000n, end: 0xffff_82d0_c000_0000n });
  });

  it('starts at __2M_rwdata_end since 4.17', () => {
    expect(x86VmapXen(release('4.17.0'), image).start).toBe(0xffff_82d0_405a_7000n);
    expect(x86VmapXen(release('4.22.0'), { ...image, rwdataEnd: undefined }).start).toBe(0xffff_82d0_405a_7000n);
  });

  it('ends earlier for Hyper-V guests and more processors', () => {
    expect(x86VmapXen(release('4.17.7'), { ...image, hypervGuest: true }).end).toBe(0xffff_82d0_7fef_e000n);
    expect(x86VmapXen(release('4.17.7'), { ...image, nrCpus: 1 }).end).toBe(0xffff_82d0_7fff_e000n);
  });
});

describe('VMAP_XEN on Arm', () => {
  it.each([
    ['4.17.7', 'arm64', 0xa0_0000n, 0xc0_0000n],
    ['4.11.0', 'arm32', 0xa0_0000n, 0xc0_0000n],
    ['4.18.0', 'arm32', 0x100_0000n, 0x120_0000n],
    ['4.22.0', 'arm32', 0x100_0000n, 0x120_0000n],
    ['4.18.6', 'arm64', 0x200_0100_0000n, 0x200_0120_0000n],
    ['4.19.0', 'arm64', 0xa00_0100_0000n, 0xa00_0120_0000n],
  ] as const)('%s %s', (version, arch, start, end) => {
    expect(armVmapXen(release(version), arch)).toEqual({ start, end });
  });

  it('matches the layout that an arm64 image was linked for', () => {
    const starts = [0x20_0000n, 0x200_0020_0000n, 0xa00_0020_0000n];
    expect(starts.map(arm64Layout)).toEqual(['4.8', '4.18', '4.19']);
    expect([0n, 0x40_0000n, 0x200_0000_0000n].map(arm64Layout)).toEqual([undefined, undefined, undefined]);
  });
});
