import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { VmapXen } from '../../src/hypervisor/index.ts';
import { armVmapXen, releaseByVersion } from '../../src/xen/index.ts';
import { runs, SEED } from './fuzzing.ts';

// Slow, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

const PAGE = 4096n;
const X86_START = 0xffff_82d0_4080_0000n;
const X86_END = 0xffff_82d0_8000_0000n - 4096n - 256n * 4096n;

/**
 * vm_init_type, vm_alloc and vm_free as they are written in C, one bit at a time and without a thought for speed: what the
 * allocator is compared with. Source: xen/common/vmap.c.
 */
class NaiveVmap {
  readonly start: bigint;
  readonly end: number;
  readonly used = new Set<number>();
  low: number;
  top: number;

  constructor(start: bigint, end: bigint) {
    this.start = start;
    this.end = Number((end - start) / PAGE);
    const pfnUp = (n: number) => Math.floor((n + 4095) / 4096);
    this.low = pfnUp(Math.floor((this.end + 7) / 8));
    this.top = pfnUp(Math.floor((this.low + 7) / 8)) * 32768;
    for (let bit = 0; bit < this.low; bit++) this.used.add(bit);
  }

  nextSet(from: number): number {
    let bit = from;
    while (bit < this.top && !this.used.has(bit)) bit++;
    return Math.min(bit, this.top);
  }

  nextClear(from: number): number {
    let bit = from;
    while (bit < this.top && this.used.has(bit)) bit++;
    return Math.min(bit, this.top);
  }

  alloc(nr: number): bigint | undefined {
    let start: number;
    for (;;) {
      start = this.low;
      while (start < this.top) {
        const bit = this.nextSet(start + 1);
        start++;
        if (bit < this.top) {
          if (start + nr < bit) break;
          start = this.nextClear(bit + 1);
        } else {
          if (start + nr <= bit) break;
          start = bit;
        }
      }
      if (start < this.top) break;
      if (this.top >= this.end) return undefined;
      this.top = Math.min(this.top + 32768, this.end);
    }
    for (let bit = start; bit < start + nr; bit++) this.used.add(bit);
    if (start <= this.low + 2) this.low = start + nr;
    return this.start + BigInt(start) * PAGE;
  }

  free(address: bigint): void {
    let bit = Number((address - this.start) / PAGE);
    if (bit < this.low) {
      this.low = bit - 1;
      while (!this.used.has(this.low - 1)) this.low--;
    }
    while (this.used.has(bit)) this.used.delete(bit++);
  }
}

const page = (address: bigint | undefined, start: bigint) =>
  address === undefined ? undefined : Number((address - start) / PAGE);

describe('VMAP_XEN', () => {
  it('returns the addresses of the real allocator', () => {
    const vmap = new VmapXen(X86_START, X86_END);
    const low = (address: bigint | undefined) => ((address as bigint) & 0xff_ffffn).toString(16);
    const first = vmap.alloc(3) as bigint;
    expect(low(first)).toBe('809000');
    const second = vmap.alloc(1) as bigint;
    expect(low(second)).toBe('80d000');
    expect(low(vmap.alloc(2))).toBe('80f000');
    vmap.free(second);
    expect(low(vmap.alloc(1))).toBe('80d000');
    vmap.free(first);
    expect(low(vmap.alloc(4))).toBe('812000');
    expect(low(vmap.alloc(3))).toBe('809000');
    expect(low(vmap.alloc(2))).toBe('817000');
  });

  it("gives Debian's 4.17.7 its first payload at ffff82d0405b0000", () => {
    // __2M_rwdata_end of that xen-syms is 9 pages below.
    expect(new VmapXen(0xffff_82d0_405a_7000n, X86_END).alloc(2)).toBe(0xffff_82d0_405b_0000n);
  });

  it.each([
    ['4.17', 'arm64', 0x00a0_2000n],
    ['4.17', 'arm32', 0x00a0_2000n],
    ['4.18', 'arm32', 0x0100_2000n],
    ['4.18', 'arm64', 0x200_0100_2000n],
    ['4.19', 'arm64', 0xa00_0100_2000n],
  ] as const)('starts two pages into the region on Arm: %s %s', (version, arch, expected) => {
    const release = releaseByVersion(version)?.release;
    if (release === undefined) throw new Error(version);
    const { start, end } = armVmapXen(release, arch);
    expect(new VmapXen(start, end).alloc(1)).toBe(expected);
  });

  it('does not stop at the end of the region on Arm', () => {
    const { start, end } = armVmapXen({ armLayout: '4.8' }, 'arm64');
    const vmap = new VmapXen(start, end);
    let last = 0n;
    for (let i = 0; i < 20; i++) last = vmap.alloc(100) ?? last;
    expect(last).toBe(start + (2n + 19n * 101n) * PAGE);
    expect(last).toBeGreaterThan(end);
  });

  it('is full at the region’s end on x86', () => {
    const vmap = new VmapXen(X86_START, X86_END);
    const pages = Number((X86_END - X86_START) / PAGE);
    expect(vmap.alloc(pages)).toBeUndefined();
    const size = pages - 10;
    expect(page(vmap.alloc(size), X86_START)).toBe(9);
    expect(vmap.alloc(1)).toBeUndefined();
    vmap.free(X86_START + 9n * PAGE);
    expect(page(vmap.alloc(1), X86_START)).toBe(9);
  });

  it('grows past the first page of bitmap without a hole', () => {
    const vmap = new VmapXen(X86_START, X86_END);
    const naive = new NaiveVmap(X86_START, X86_END);
    for (const pages of [32_000, 700, 700, 100, 33_000, 1, 900]) {
      expect(page(vmap.alloc(pages), X86_START)).toBe(page(naive.alloc(pages), X86_START));
    }
  });

  it('ignores 2 MiB boundaries', () => {
    const start = 0xffff_82d0_405f_0000n;
    const vmap = new VmapXen(start, X86_END);
    expect(vmap.alloc(6)).toBe(0xffff_82d0_405f_9000n);
    // Page ffff82d0405ff000 is the guard; this starts with the next 2 MiB.
    expect(vmap.alloc(1)).toBe(0xffff_82d0_4060_0000n);
    const straddling = new VmapXen(start, X86_END).alloc(16);
    expect(straddling).toBe(0xffff_82d0_405f_9000n);
  });

  /** Allocations, and frees of the nth live one. */
  const commands = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ pages: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 600 })) }),
      },
      { weight: 2, arbitrary: fc.record({ free: fc.nat(1000) }) },
    ),
    { maxLength: 80 },
  );

  it.each([
    ['x86', X86_START, X86_END],
    ['a small region', X86_START, X86_START + 0x40_0000n],
    ['Arm', 0x00a0_0000n, 0x00c0_0000n],
  ])('agrees with a bit-by-bit model over any sequence: %s', (_name, start, end) => {
    fc.assert(
      fc.property(commands, (sequence) => {
        const vmap = new VmapXen(start, end);
        const naive = new NaiveVmap(start, end);
        const live = new Map<bigint, number>();
        for (const command of sequence) {
          if ('pages' in command) {
            const address = vmap.alloc(command.pages);
            expect(address).toBe(naive.alloc(command.pages));
            if (address === undefined) continue;
            // Allocations do not overlap, and each follows a free page.
            for (const [other, pages] of live) {
              const apart =
                address >= other + BigInt(pages + 1) * PAGE || other >= address + BigInt(command.pages + 1) * PAGE;
              expect(apart).toBe(true);
            }
            live.set(address, command.pages);
          } else if (live.size > 0) {
            const address = [...live.keys()][command.free % live.size] as bigint;
            live.delete(address);
            vmap.free(address);
            naive.free(address);
          }
        }
        for (const address of live.keys()) {
          vmap.free(address);
          naive.free(address);
        }
        expect(vmap.alloc(1)).toBe(naive.alloc(1));
      }),
      { seed: SEED, numRuns: runs(60) },
    );
  });
});
