import { describe, expect, it } from 'vitest';
import { ARM32, ARM64, type Architecture, PAGE_KINDS, PAGE_SIZE, type PageKind } from '../../src/arch/index.ts';
import { AddressSpace, type Fault, MemoryFault, PhysicalMemory } from '../../src/machine/index.ts';

const { RX, RW, RO } = PAGE_KINDS;

/** The fault of an access, or `undefined`. */
function faultOf(body: () => void): Fault | undefined {
  try {
    body();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof MemoryFault) return thrown.fault;
    throw thrown;
  }
}

const codeOf = (body: () => void): string => {
  const fault = faultOf(body);
  return fault?.kind === 'page-fault' ? fault.errorCode.toString(16) : (fault?.kind ?? 'none');
};

const spaceOf = (arch: Architecture): AddressSpace => new AddressSpace(arch.pageTables, new PhysicalMemory(0x40_000));

describe.each([ARM64, ARM32])('LPAE entries of $name', ({ name, pageTables: format }) => {
  const last = format.levels.length - 1;
  const level2 = last - 1;

  it('carry the flags of mfn_to_xen_entry and PAGE_HYPERVISOR_*', () => {
    const flags: Readonly<Record<PageKind, bigint>> = {
      RX: 0xfffn,
      RO: 0x0040_0000_0000_0fffn,
      RW: 0x0040_0000_0000_0f7fn,
      RWX: 0xf7fn,
    };
    for (const [kind, bits] of Object.entries(flags) as [PageKind, bigint][]) {
      expect(format.leaf(0x40201, PAGE_KINDS[kind])).toBe(0x4020_1000n | bits);
      // A block lacks the table bit.
      expect(format.superpage(level2, 0x40200, PAGE_KINDS[kind])).toBe(0x4020_0000n | (bits & ~2n));
    }
    expect(format.table(0x401f0)).toBe(0x0040_0000_401f_0f7fn);
    expect(format.unmapped).toBe(0n);
  });

  it('are decoded by level, without permissions of table entries', () => {
    const table = format.table(5);
    const leaf = format.leaf(5, RX);
    expect([format.isLeaf(table, level2), format.isLeaf(table, last), format.isLeaf(leaf, last)]).toEqual([
      false,
      true,
      true,
    ]);
    expect([format.writable(table, 0), format.executable(table, 0)]).toEqual([true, true]);
    expect([format.writable(leaf, last), format.executable(leaf, last)]).toEqual([false, true]);
    const block = format.superpage(level2, 0x200, RO);
    expect([format.isLeaf(block, level2), format.writable(block, level2), format.executable(block, level2)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(format.frameOf(format.leaf(0x8_1234, RW))).toBe(0x8_1234);
    // WXN: writable memory is never executable.
    expect(format.executable(format.leaf(1, PAGE_KINDS.RWX), last)).toBe(false);
  });

  it('change their permission and nothing else, and shatter into the same memory', () => {
    expect(format.withPermission(format.leaf(7, RW), RX)).toBe(format.leaf(7, RX));
    const block = format.superpage(level2, 0x400, RW);
    expect(format.shattered(block, level2, 0x25)).toBe(format.leaf(0x425, RW));
    expect(format.used(block, true)).toBe(block);
  });

  it('use the hypervisor’s names of levels', () => {
    const names = ['0TH', '1ST', '2ND', '3RD'].slice(name === 'arm64' ? 0 : 1);
    expect(format.levels.map((level) => level.name)).toEqual(names);
  });
});

describe.each([ARM64, ARM32])('faults of $name', (arch) => {
  const PAGE = 0xa0_2000n;
  /** The bit for the instruction length, which arm32 omits. */
  const il = (code: string): string =>
    arch.name === 'arm64' ? code : ((Number.parseInt(code, 16) & ~0x200_0000) >>> 0).toString(16);
  const mapped = (): AddressSpace => {
    const space = spaceOf(arch);
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RO);
    return space;
  };

  it('are data aborts with class, write bit, status and level', () => {
    const space = mapped();
    expect(codeOf(() => space.write(PAGE, Uint8Array.of(1)))).toBe(il('9600004f'));
    expect(codeOf(() => space.read(PAGE + 0x1000n, 1))).toBe(il('96000007'));
    expect(codeOf(() => space.write(PAGE + 0x1000n, Uint8Array.of(1)))).toBe(il('96000047'));
    // No table of the last level here, and none of the one above there; arm32's root is full on a running host.
    expect(codeOf(() => space.write(PAGE + 0x40_0000n, Uint8Array.of(1)))).toBe(il('96000046'));
    const level = arch.name === 'arm64' ? '96000045' : '96000046';
    expect(codeOf(() => space.write(PAGE + 0x4000_0000n, Uint8Array.of(1)))).toBe(il(level));
    expect(codeOf(() => space.read(PAGE, 4))).toBe('none');
  });

  it('are instruction aborts where code is fetched', () => {
    const space = mapped();
    expect(codeOf(() => space.fetch(PAGE))).toBe(il('8600000f'));
    expect(codeOf(() => space.fetch(PAGE + 0x1000n))).toBe(il('86000007'));
    space.protect(PAGE, 1, RX);
    expect(codeOf(() => space.fetch(PAGE))).toBe('none');
  });

  it('report cache maintenance as a write, though a read-only page allows it', () => {
    const space = mapped();
    expect(codeOf(() => space.check(PAGE, 8, 'clean'))).toBe('none');
    expect(codeOf(() => space.check(PAGE, PAGE_SIZE + 1, 'clean'))).toBe(il('96000147'));
  });

  it('decode into the access', () => {
    const { accessOf } = arch.pageTables;
    expect(accessOf(0x9600_004f)).toEqual({ present: true, write: true, fetch: false });
    expect(accessOf(0x9600_0007)).toEqual({ present: false, write: false, fetch: false });
    expect(accessOf(0x8600_000f)).toEqual({ present: true, write: false, fetch: true });
  });

  it('end at the limit of the address range', () => {
    const space = mapped();
    const beyond = arch.name === 'arm64' ? 1n << 48n : 1n << 32n;
    expect(codeOf(() => space.read(beyond, 1))).toBe(arch.name === 'arm64' ? '96000004' : '94000005');
    expect(codeOf(() => space.read(beyond - 1n, 1))).toMatch(/^9[46]00000[456]$/);
    expect(arch.pageTables.canonicalise(beyond | 0x1234n)).toBe(0x1234n);
  });
});

describe.each([ARM64, ARM32])('a second mapping of $name', (arch) => {
  it('shares memory with the first one', () => {
    const space = spaceOf(arch);
    const text = new Uint8Array(2 * PAGE_SIZE);
    space.map(0x20_0000n, text, RX);
    expect(space.alias(0x4080_0000n, 0x20_0000n, 2, RW)).toBe(true);
    space.write(0x4080_1004n, Uint8Array.of(0xaa));
    expect(space.read(0x20_1004n, 1)).toEqual(Uint8Array.of(0xaa));
    expect(codeOf(() => space.write(0x20_1004n, Uint8Array.of(1)))).toBe(
      arch.name === 'arm64' ? '9600004f' : '9400004f',
    );
    space.unmap(0x4080_0000n, 2);
    expect(codeOf(() => space.write(0x4080_1004n, Uint8Array.of(1)))).toBe(
      arch.name === 'arm64' ? '96000047' : '94000047',
    );
    expect(text[0x1004]).toBe(0xaa);
  });
});

describe('the panic words of an abort', () => {
  const facts = (arch: Architecture, errorCode: number) => {
    const space = spaceOf(arch);
    space.map(0x20_0000n, new Uint8Array(PAGE_SIZE), RX);
    const address = 0x20_0010n;
    return {
      address,
      errorCode,
      walk: space.walk(address),
      root: space.rootFrame * PAGE_SIZE,
      cpu: 0,
      state: ['state'],
    };
  };

  it('walk the tables on arm64, down from the zeroth level', () => {
    expect(ARM64.panic.pageFault(facts(ARM64, 0x9600_004f))).toEqual({
      head: [
        'Data Abort Trap. Syndrome=0x4f',
        expect.stringMatching(/^Walking Hypervisor VA 0x200010 on CPU0 via TTBR 0x0000000040[0-9a-f]{6}$/),
        expect.stringMatching(/^0TH\[0x000\] = 0x0040[0-9a-f]{9}f7f$/),
        expect.stringMatching(/^1ST\[0x000\] = 0x0040[0-9a-f]{9}f7f$/),
        expect.stringMatching(/^2ND\[0x001\] = 0x0040[0-9a-f]{9}f7f$/),
        expect.stringMatching(/^3RD\[0x000\] = 0x0000[0-9a-f]{9}fff$/),
        'CPU0: Unexpected Trap: Data Abort',
        'state',
      ],
      message: 'CPU0: Unexpected Trap: Data Abort\n',
    });
    expect(ARM64.panic.pageFault(facts(ARM64, 0x8600_000f)).head[0]).toBe('Instruction Abort Trap. Syndrome=0xf');
  });

  it('walk the tables of a data abort on arm32, and not of a prefetch abort', () => {
    const { head } = ARM32.panic.pageFault(facts(ARM32, 0x9600_0047));
    expect(head.map((line) => line.slice(0, 4))).toEqual(['Data', 'Walk', '1ST[', '2ND[', '3RD[', 'CPU0', 'stat']);
    expect(ARM32.panic.pageFault(facts(ARM32, 0x8600_000f))).toEqual({
      head: ['CPU0: Unexpected Trap: Prefetch Abort', 'state'],
      message: 'CPU0: Unexpected Trap: Prefetch Abort\n',
    });
  });
});
