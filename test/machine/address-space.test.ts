import { beforeEach, describe, expect, it } from 'vitest';
import { X86_64 } from '../../src/arch/index.ts';
import { PAGE_KINDS, PAGE_SIZE } from '../../src/arch/page-table.ts';
import { X86_64_PAGE_TABLES as format } from '../../src/arch/x86_64/page-table.ts';
import { equalBytes } from '../../src/base/index.ts';
import { AddressSpace, type Fault, MemoryFault, PhysicalMemory } from '../../src/machine/index.ts';

const { RX, RW, RO } = PAGE_KINDS;
/** The address on the panic screen in the facts, and its page. */
const ADDRESS = 0xffff82d040625079n;
const PAGE = 0xffff82d040625000n;
const LARGE = 0xffff82d040800000n;

let space: AddressSpace;
beforeEach(() => {
  space = new AddressSpace(format, new PhysicalMemory(0x8c000));
});

function faultOf(run: () => void): Fault {
  try {
    run();
  } catch (fault) {
    if (fault instanceof MemoryFault) return fault.fault;
    throw fault;
  }
  throw new Error('no fault');
}

const pageFault = (address: bigint, errorCode: number) => ({ kind: 'page-fault', address, errorCode });
const counted = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** The walk in Xen's form on x86. */
function pageTableWalk(space: AddressSpace, address: bigint): readonly string[] {
  const facts = { address, errorCode: 0, walk: space.walk(address), root: 0, cpu: 0, state: [] };
  return X86_64.panic.pageFault(facts).head;
}

describe('permissions', () => {
  it('are those of the leaf entry, and the fault names the access', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RO);
    expect(space.readU8(ADDRESS)).toBe(0);
    expect(faultOf(() => space.write(ADDRESS, Uint8Array.of(1)))).toEqual(pageFault(ADDRESS, 3));
    expect(faultOf(() => space.fetch(ADDRESS))).toEqual(pageFault(ADDRESS, 0x11));
    expect(faultOf(() => space.readU64(PAGE - 8n))).toEqual(pageFault(PAGE - 8n, 0));
    expect(faultOf(() => space.write(PAGE - 8n, Uint8Array.of(1)))).toEqual(pageFault(PAGE - 8n, 2));
    expect(faultOf(() => space.fetch(PAGE - 8n))).toEqual(pageFault(PAGE - 8n, 0x10));
    space.protect(PAGE, 1, RX);
    space.fetch(ADDRESS);
    space.protect(PAGE, 1, RW);
    space.write(ADDRESS, Uint8Array.of(0xe9));
    expect(space.readU8(ADDRESS)).toBe(0xe9);
  });

  it('do not stop writes while CR0.WP is clear; the entry becomes dirty', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RX);
    const before = space.leafEntry(PAGE);
    space.writeProtect = false;
    space.write(ADDRESS, Uint8Array.of(1, 2));
    expect(space.read(ADDRESS, 2)).toEqual(Uint8Array.of(1, 2));
    expect(space.leafEntry(PAGE)).toBe((before ?? 0n) | 0x40n);
    expect(faultOf(() => space.write(PAGE - 1n, Uint8Array.of(1)))).toEqual(pageFault(PAGE - 1n, 2));
    space.writeProtect = true;
    expect(faultOf(() => space.write(ADDRESS, Uint8Array.of(1)))).toEqual(pageFault(ADDRESS, 3));
  });

  it('are checked for each page, and fault at the first byte of the next', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RW);
    const end = PAGE + BigInt(PAGE_SIZE);
    expect(faultOf(() => space.read(end - 4n, 8))).toEqual(pageFault(end, 0));
    expect(faultOf(() => space.readU32(end - 2n))).toEqual(pageFault(end, 0));
    expect(faultOf(() => space.read(PAGE, 2 ** 40))).toEqual(pageFault(end, 0));
    // memcpy has written the bytes before the fault; a single store has not.
    expect(faultOf(() => space.write(end - 2n, Uint8Array.of(1, 2, 3)))).toEqual(pageFault(end, 2));
    expect(space.read(end - 2n, 2)).toEqual(Uint8Array.of(1, 2));
    expect(faultOf(() => space.store(end - 2n, Uint8Array.of(7, 8, 9)))).toEqual(pageFault(end, 2));
    expect(space.read(end - 2n, 2)).toEqual(Uint8Array.of(1, 2));
    space.map(end, new Uint8Array(PAGE_SIZE), RW);
    space.store(end - 3n, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(space.readU64(end - 3n)).toBe(0x0807060504030201n);
    expect(space.readU32(end - 3n)).toBe(0x04030201);
  });

  it('do not matter for a non-canonical address', () => {
    for (const address of [0x800000000000n, 0x0100100100100100n, 0xfff082d040625079n]) {
      expect(faultOf(() => space.readU8(address))).toEqual({ kind: 'general-protection', address });
      expect(faultOf(() => space.fetch(address))).toEqual({ kind: 'general-protection', address });
      expect(space.span(address, 1)).toBeUndefined();
      expect(space.leafEntry(address)).toBeUndefined();
      expect(space.setLeafEntry(address, 0n)).toBe(false);
      expect(space.walk(address)).toEqual([]);
    }
  });

  it('end where the address space ends', () => {
    const last = 0xfffffffffffff000n;
    space.map(last, new Uint8Array(PAGE_SIZE), RW);
    expect(faultOf(() => space.read(last, PAGE_SIZE + 1))).toEqual(pageFault(0n, 0));
    expect(space.span(last, PAGE_SIZE)?.length).toBe(PAGE_SIZE);
    expect(space.span(last, PAGE_SIZE + 1)).toBeUndefined();
    expect(space.mappable(last, 2 * PAGE_SIZE)).toBe(false);
    expect(space.mappable(0x7ffffffff000n, 2 * PAGE_SIZE)).toBe(false);
    expect(space.mappable(0x7ffffffff000n, PAGE_SIZE)).toBe(true);
    expect(space.mappable(0x1001n, PAGE_SIZE)).toBe(false);
    expect(space.mappable(0x1000n, PAGE_SIZE + 1)).toBe(false);
  });
});

describe('page-table walk', () => {
  it('has the indices of the panic screen', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RO);
    const steps = space.walk(ADDRESS);
    expect(steps.map((step) => [step.level, step.index])).toEqual([
      ['L4', 0x105],
      ['L3', 0x141],
      ['L2', 0x003],
      ['L1', 0x025],
    ]);
    expect(steps.map((step) => step.entry & 0x8000000000000fffn)).toEqual([0x63n, 0x63n, 0x63n, 0x8000000000000121n]);
  });

  it('prints like Xen', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RO);
    expect(space.setLeafEntry(PAGE, 0x800000086ca5d121n)).toBe(true);
    // Frames are allocated in this order: the page itself, root, L3, L2, L1.
    expect(pageTableWalk(space, ADDRESS)).toEqual([
      'Pagetable walk from ffff82d040625079:',
      ' L4[0x105] = 000000008c002063 ffffffffffffffff',
      ' L3[0x141] = 000000008c003063 ffffffffffffffff',
      ' L2[0x003] = 000000008c004063 ffffffffffffffff',
      ' L1[0x025] = 800000086ca5d121 ffffffffffffffff',
    ]);
    expect(pageTableWalk(space, 0xffff830000000000n)).toEqual([
      'Pagetable walk from ffff830000000000:',
      ' L4[0x106] = 0000000000000000 ffffffffffffffff',
    ]);
    expect(pageTableWalk(space, 0x0100100100100100n)).toEqual(['Pagetable walk from 0100100100100100:']);
  });

  it('ends at a large page, and at an entry after vunmap', () => {
    space.map(LARGE, new Uint8Array(0x200000), RX, { superpages: true });
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RO);
    space.unmap(PAGE, 1);
    expect(pageTableWalk(space, LARGE + 0x1234n).at(-1)).toBe(' L2[0x004] = 000000008c2001a1 ffffffffffffffff (PSE)');
    expect(pageTableWalk(space, PAGE).at(-1)).toBe(' L1[0x025] = fffffffffffff000 ffffffffffffffff');
  });
});

describe('large pages', () => {
  it('are used if start and length allow, and shattered if a part changes', () => {
    const bytes = counted(0x200000 + 2 * PAGE_SIZE);
    space.map(LARGE, bytes, RX, { superpages: true });
    const tables = space.memory.tableCount;
    const before = space.digest();
    expect(space.leafIsSuperpage(LARGE)).toBe(true);
    expect(space.leafIsSuperpage(LARGE + 0x200000n)).toBe(false);

    space.protect(LARGE, 512, RW);
    expect(space.leafIsSuperpage(LARGE)).toBe(true);
    expect(space.memory.tableCount).toBe(tables);
    space.protect(LARGE, 512, RX);
    expect(space.digest()).toBe(before);

    space.protect(LARGE + 0x3000n, 2, RO);
    expect(space.leafIsSuperpage(LARGE)).toBe(false);
    expect(space.memory.tableCount).toBe(tables + 1);
    expect([...space.mapped()]).toEqual([
      { start: LARGE, pages: 3, permission: RX },
      { start: LARGE + 0x3000n, pages: 2, permission: RO },
      { start: LARGE + 0x5000n, pages: 509, permission: RX },
    ]);
    expect(equalBytes(space.read(LARGE, bytes.length), bytes)).toBe(true);
    expect(equalBytes(space.span(LARGE, bytes.length) ?? new Uint8Array(), bytes)).toBe(true);
    space.protect(LARGE + 0x3000n, 2, RX);
    expect(space.digest()).toBe(before);
  });

  it('lose the pages that are unmapped', () => {
    space.map(LARGE, counted(0x200000), RX, { superpages: true });
    space.unmap(LARGE + 0x1ff000n, 1);
    expect([...space.mapped()]).toEqual([{ start: LARGE, pages: 511, permission: RX }]);
    space.unmap(LARGE, 512);
    expect([...space.mapped()]).toEqual([]);
    space.map(LARGE, counted(0x200000), RX, { superpages: true });
    expect(equalBytes(space.span(LARGE, 0x200000) ?? new Uint8Array(), counted(0x200000))).toBe(true);
  });

  it('are replaced by small ones', () => {
    space.map(LARGE, new Uint8Array(0x200000), RX, { superpages: true });
    space.map(LARGE + 0x5000n, new Uint8Array(PAGE_SIZE).fill(9), RW);
    expect(space.readU8(LARGE + 0x5000n)).toBe(9);
    expect(space.readU8(LARGE + 0x6000n)).toBe(0);
    expect(space.span(LARGE + 0x4fffn, 2)).toBeUndefined();
  });
});

describe('entries', () => {
  it('exist only in a table', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RX);
    expect(space.leafEntry(PAGE + 0x1000n)).toBe(0n);
    expect(space.leafEntry(PAGE + 0x200000n)).toBeUndefined();
    expect(space.setLeafEntry(PAGE + 0x200000n, 0n)).toBe(false);
  });

  it('can be changed by modify_xen_mappings_lite, even if empty', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RW);
    const entry = space.leafEntry(PAGE) ?? 0n;
    space.setLeafEntry(PAGE, format.withPermission(entry, RX));
    expect(space.permissionAt(PAGE)).toEqual(RX);
    expect(faultOf(() => space.write(PAGE, Uint8Array.of(1)))).toEqual(pageFault(PAGE, 3));

    // Never used before: becomes frame 0, which has no memory.
    const fresh = PAGE + 0x1000n;
    space.setLeafEntry(fresh, format.withPermission(space.leafEntry(fresh) ?? 0n, RX));
    expect(space.readU8(fresh)).toBe(0xff);
    expect(space.readU64(fresh)).toBe(0xffffffffffffffffn);
    expect(space.readCString(fresh, 3)).toBe('\xff\xff\xff');

    // Used and unmapped: INVALID_MFN becomes present, with reserved bits.
    const used = PAGE + 0x2000n;
    space.map(used, new Uint8Array(PAGE_SIZE), RW);
    space.unmap(used, 1);
    space.setLeafEntry(used, format.withPermission(space.leafEntry(used) ?? 0n, RX));
    expect(faultOf(() => space.readU8(used))).toEqual(pageFault(used, 9));
    expect(space.permissionAt(used)).toBeUndefined();
  });

  it('of large pages cannot become tables', () => {
    space.map(LARGE, new Uint8Array(0x200000), RX, { superpages: true });
    expect(space.setLeafEntry(LARGE, format.table(1))).toBe(false);
    expect(space.setLeafEntry(LARGE, format.superpage(2, format.frameOf(space.leafEntry(LARGE) ?? 0n), RO))).toBe(true);
    expect(space.permissionAt(LARGE + 0x1fffffn)).toEqual(RO);
  });
});

describe('memory', () => {
  it('is the same through an alias', () => {
    const bytes = counted(2 * PAGE_SIZE);
    space.map(PAGE, bytes, RX);
    expect(space.alias(LARGE, PAGE, 2, RW)).toBe(true);
    space.write(LARGE + 0xfffn, Uint8Array.of(0xaa, 0xbb));
    expect(space.read(PAGE + 0xfffn, 2)).toEqual(Uint8Array.of(0xaa, 0xbb));
    expect(bytes[0x1000]).toBe(0xbb);
    expect(faultOf(() => space.write(PAGE, Uint8Array.of(1))).kind).toBe('page-fault');
    space.unmap(PAGE, 2);
    expect(space.readU8(LARGE + 0x1000n)).toBe(0xbb);
    expect(space.alias(PAGE, LARGE, 3, RW)).toBe(false);
    expect(space.span(PAGE, 1)).toBeUndefined();
  });

  it('spans only contiguous memory', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RW);
    space.map(PAGE + 0x1000n, new Uint8Array(PAGE_SIZE), RW);
    expect(space.span(PAGE + 0xff8n, 8)?.length).toBe(8);
    expect(space.span(PAGE + 0xff8n, 9)).toBeUndefined();
    expect(space.read(PAGE + 0xff8n, 9).length).toBe(9);
    expect(space.span(PAGE, 2 ** 40)).toBeUndefined();
    expect([...space.mapped()]).toEqual([{ start: PAGE, pages: 2, permission: RW }]);
  });

  it('is read as C strings', () => {
    const bytes = new Uint8Array(2 * PAGE_SIZE).fill(0x41);
    bytes.set([0xe9, 0x42, 0], PAGE_SIZE - 1);
    space.map(PAGE, bytes, RO);
    expect(space.readCString(PAGE + 0xfffn, 100)).toBe('\xe9B');
    expect(space.readCString(PAGE + 0xfffn, 1)).toBe('\xe9');
    expect(space.readCString(PAGE + 0x1ffcn, 4)).toBe('AAAA');
    expect(faultOf(() => space.readCString(PAGE + 0x1ffcn, 5))).toEqual(pageFault(PAGE + 0x2000n, 0));
  });

  it('is recorded in an active journal', () => {
    space.map(PAGE, new Uint8Array(PAGE_SIZE), RW);
    space.write(PAGE, Uint8Array.of(1));
    space.journal.begin();
    space.write(PAGE, Uint8Array.of(2, 3));
    expect(() => space.write(PAGE + 0xfffn, Uint8Array.of(4, 5))).toThrow();
    const entries = space.journal.end();
    expect(entries).toEqual([
      { address: PAGE, before: Uint8Array.of(1, 0), after: Uint8Array.of(2, 3) },
      { address: PAGE + 0xfffn, before: Uint8Array.of(0), after: Uint8Array.of(4) },
    ]);
    space.write(PAGE, Uint8Array.of(9));
    expect(entries[0]?.after).toEqual(Uint8Array.of(2, 3));
    expect(space.journal.end()).toEqual([]);
  });
});

describe('digest', () => {
  it('is restored with the contents', () => {
    space.map(PAGE, counted(3 * PAGE_SIZE), RX);
    const before = space.digest();
    const ranges = [...space.mapped()];
    space.map(LARGE + 0x9000n, counted(PAGE_SIZE), RW);
    const loaded = space.digest();
    expect(loaded).not.toBe(before);
    space.protect(LARGE + 0x9000n, 1, RX);
    expect(space.digest()).not.toBe(loaded);
    space.unmap(LARGE + 0x9000n, 1);
    expect(space.digest()).toBe(before);
    expect([...space.mapped()]).toEqual(ranges);
  });

  it('depends on every byte', () => {
    const bytes = counted(2 * PAGE_SIZE);
    space.map(PAGE, bytes, RX);
    const before = space.digest();
    for (const at of [0, 1, 2, 3, 4095, 4096, 8191]) {
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
      expect(space.digest()).not.toBe(before);
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    }
    expect(space.digest()).toBe(before);
  });

  it('does not depend on the history of the pages', () => {
    const other = new AddressSpace(format, new PhysicalMemory(1));
    const bytes = counted(0x201000);
    space.map(LARGE, bytes.slice(), RX, { superpages: true });
    for (const start of [0x100000, 0]) {
      const end = start === 0 ? 0x100000 : bytes.length;
      // At an odd offset of its buffer.
      const copy = new Uint8Array(end - start + 1).subarray(1);
      copy.set(bytes.subarray(start, end));
      other.map(LARGE + BigInt(start), copy, RX);
    }
    expect(other.digest()).toBe(space.digest());
  });
});
