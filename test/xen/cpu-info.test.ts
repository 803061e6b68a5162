import { beforeAll, describe, expect, it } from 'vitest';
import type { CStruct } from '../../src/base/index.ts';
import {
  cpuInfo,
  cpuInfoAddress,
  cpuUserRegs,
  findCpuInfo,
  guestLayout,
  imageCpuInfo,
  RELEASES,
  type Release,
  releaseByVersion,
  stackBounds,
  stackPage,
} from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { compileC, objcopy } from '../support/gcc.ts';
import { recordedStruct } from './layouts/layouts.ts';
import { Image } from './xen-syms-image.ts';

const release = (version: string): Release => releaseByVersion(version)?.release as Release;

/** Compares the size and the common members of two versions. */
function compare(struct: CStruct, version: string, members: RegExp): void {
  const recorded = recordedStruct(version, struct.name).filter(({ member }) => members.test(member) || member === '-');
  const ours = recorded.map(({ member }) => [member, member === '-' ? struct.size : struct.at[member]]);
  expect(ours).toEqual(recorded.map(({ member, offset, size }) => [member, member === '-' ? size : offset]));
  expect(recorded.length).toBeGreaterThan(8);
}

describe.each(['4.14.6', '4.17.5'])('the compiler of %s', (version) => {
  it('agrees on struct cpu_info', () => {
    const members =
      /^(processor_id|verw_sel|current_vcpu|per_cpu_offset|cr4|xen_cr3|pv_cr3|shadow_.*|guest_cpu_user_regs)$/;
    compare(cpuInfo(release(version)), version, members);
  });

  it('agrees on struct cpu_user_regs', () => {
    compare(
      cpuUserRegs(release(version)),
      version,
      /^(r(1[0-5]|[89]|[abcd]x|[sd]i|[sb]p|ip|flags)|[c-g]s|ss|error_code|entry_vector|saved_upcall_mask)$/,
    );
  });

  it('agrees on domain and vcpu_id', () => {
    const { vcpuDomain, vcpuId, domainId } = guestLayout(release(version), 8);
    const at = Object.fromEntries(
      [...recordedStruct(version, 'vcpu'), ...recordedStruct(version, 'domain')].map((x) => [x.member, x.offset]),
    );
    expect({ vcpuDomain, vcpuId, domainId }).toEqual({
      vcpuDomain: at['domain'],
      vcpuId: at['vcpu_id'],
      domainId: at['domain_id'],
    });
  });
});

describe('struct cpu_info', () => {
  it('keeps its members’ offsets from the end', () => {
    const fromEnd = RELEASES.map((row) => {
      const { at, size } = cpuInfo(row);
      const members = ['processor_id', 'current_vcpu', 'per_cpu_offset', 'cr4', 'shadow_spec_ctrl'];
      return members.map((member) => (at[member] as number) - size).join(' ');
    });
    expect(new Set(fromEnd)).toEqual(new Set(['-64 -56 -48 -40 -16']));
    expect(cpuInfo(release('4.20.4')).size).toBe(264);
    expect(cpuInfo(release('4.21.0')).size).toBe(248);
    // MSR_FRED_RSP_SL0 points past _fred, and must be a multiple of 64.
    expect(cpuInfo(release('4.21.0')).at['processor_id']).toBe(248 - 64);
  });

  it('is at the top of the stack', () => {
    const info = cpuInfo(release('4.17.7'));
    expect(cpuInfoAddress(0xffff_8300_1ffd_7da8n, info)).toBe(0xffff_8300_1ffd_7ef8n);
    expect(cpuInfoAddress(0xffff_8300_1ffd_0000n, info)).toBe(0xffff_8300_1ffd_7ef8n);
  });
});

describe('the stack', () => {
  const base = 0xffff_8300_1ffd_0000n;
  const pages = (version: string, debug: boolean): string =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => stackPage(base + BigInt(i * 0x1000 + 8), release(version), debug)).join(' ');

  it('has the release’s pages', () => {
    expect(pages('4.17.7', false)).toBe('shadow ist ist ist ist shadow primary primary');
    expect(pages('4.13.5', true)).toBe('ist ist ist ist guard guard primary primary');
    expect(pages('4.13.5', false)).toBe('ist ist ist ist primary primary primary primary');
  });

  it('is shown up to its bounds', () => {
    const on = (version: string, offset: bigint) => stackBounds(base + offset, release(version), false);
    expect(on('4.17.7', 0x7da8n)).toEqual({ dump: base + 0x7ff8n, trace: base + 0x7ef0n });
    expect(on('4.21.0', 0x7da8n)).toEqual({ dump: base + 0x7ff8n, trace: base + 0x7f00n });
    expect(on('4.17.7', 0x1f00n)).toEqual({ dump: base + 0x1ff8n, trace: base + 0x1f50n });
    expect(on('4.17.7', 0x5f00n)).toEqual({ dump: base + 0x5ef8n, trace: base + 0x5ef8n });
  });
});

describe('an image', () => {
  let text: Uint8Array;

  beforeAll(() => {
    const image = new Image(debianXen().xenSyms);
    text = image.at(image.address('_stext'), 4 << 20);
  });

  it('of Debian agrees with the table', () => {
    expect(imageCpuInfo(text, release('4.17.7'))).toEqual({
      processorId: -64,
      currentVcpu: -56,
      perCpuOffset: -48,
      userRegs: -264,
      vcpuDomain: 16,
    });
  });

  it('overrides rows of releases with another layout', () => {
    const own = imageCpuInfo(text, release('4.17.7'));
    for (const version of ['4.13.5', '4.18.0', '4.21.0']) expect(imageCpuInfo(text, release(version))).toEqual(own);
    expect(imageCpuInfo(new Uint8Array(64), release('4.18.0'))).toMatchObject({ vcpuDomain: 24, userRegs: -264 });
    expect(imageCpuInfo(new Uint8Array(64), release('4.21.0'))).toMatchObject({ userRegs: -248 });
  });

  it('without such code gives no offsets', () => {
    expect(findCpuInfo(new Uint8Array(4096).fill(0xff))).toEqual({});
  });

  it('with its own layout is detected', () => {
    // gcc's code for the idiom, with every member moved.
    const source = `
      struct domain { int id; };
      struct vcpu { long pad[9]; struct domain *domain; };
      struct info { long regs[40]; struct vcpu *current; long spare[3]; unsigned id; long offset; };
      static inline struct info *info(void)
      {
          register unsigned long sp asm("rsp");
          return (struct info *)((sp | 0x7fff) + 1) - 1;
      }
      extern void use(void *, long);
      extern __attribute__((visibility("hidden"))) long base;
      #define F(n) \\
        void *a##n(void) { return info()->current->domain + n; } \\
        unsigned b##n(void) { return info()->id + n; } \\
        long c##n(void) { long at; asm("" : "=r" (at) : "0" (&base)); return at + info()->offset; } \\
        void d##n(void) { use(info()->regs, n); }
      F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8)`;
    const object = compileC(source, ['-O2', '-fpie', '-fcf-protection=none']);
    const found = findCpuInfo(objcopy(object, ['-O', 'binary', '-j', '.text']));
    expect(found).toEqual({ processorId: -16, currentVcpu: -48, perCpuOffset: -8, userRegs: -368, vcpuDomain: 72 });
  });
});
