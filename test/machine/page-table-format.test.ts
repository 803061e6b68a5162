import { describe, expect, it } from 'vitest';
import { PAGE_KINDS, type PageKind, pageKind } from '../../src/arch/page-table.ts';
import { X86_64_PAGE_TABLES as format } from '../../src/arch/x86_64/page-table.ts';

const L1 = 3;
const L2 = 2;

describe('x86-64 page-table entries', () => {
  it('equal those on the panic screen of a real host', () => {
    expect(format.leaf(0x86ca5d, PAGE_KINDS.RO)).toBe(0x800000086ca5d121n);
    expect(format.table(0x8c6c9)).toBe(0x8c6c9063n);
    expect(format.faultCode({ present: true, write: true, fetch: false, user: false })).toBe(3);
  });

  it('carry the flags of PAGE_HYPERVISOR_*', () => {
    const flags: Record<PageKind, bigint> = {
      RX: 0x121n,
      RW: 0x8000000000000163n,
      RO: 0x8000000000000121n,
      RWX: 0x163n,
    };
    for (const [kind, bits] of Object.entries(flags) as [PageKind, bigint][]) {
      expect(format.leaf(0, PAGE_KINDS[kind])).toBe(bits);
      expect(format.superpage(L2, 0x200, PAGE_KINDS[kind])).toBe(bits | 0x200000n | 0x80n);
      expect(pageKind(PAGE_KINDS[kind])).toBe(kind);
    }
    expect(format.leaf(1, PAGE_KINDS.RX, { dirty: true })).toBe(0x1161n);
    expect(format.leaf(1, PAGE_KINDS.RW, { dirty: false })).toBe(0x8000000000001123n);
  });

  it('are decoded', () => {
    const entry = 0x800000086ca5d121n;
    expect(format.present(entry)).toBe(true);
    expect(format.writable(entry, L1)).toBe(false);
    expect(format.executable(entry, L1)).toBe(false);
    expect(format.frameOf(entry)).toBe(0x86ca5d);
    expect(format.isLeaf(entry, L1)).toBe(true);
    expect(format.isLeaf(format.table(5), L2)).toBe(false);
    expect(format.isLeaf(format.superpage(L2, 0x200, PAGE_KINDS.RX), L2)).toBe(true);
    expect(format.present(format.unmapped)).toBe(false);
  });

  it('keep frame, global bit and size when the permission changes', () => {
    const large = format.superpage(L2, 0x400, PAGE_KINDS.RX);
    expect(format.withPermission(large, PAGE_KINDS.RW)).toBe(format.superpage(L2, 0x400, PAGE_KINDS.RW));
    // modify_xen_mappings_lite sets the present bit of an unused slot, but not the global bit.
    expect(format.withPermission(0n, PAGE_KINDS.RX)).toBe(0x021n);
    expect(format.reserved(format.withPermission(format.unmapped, PAGE_KINDS.RX))).toBe(true);
    expect(format.reserved(large)).toBe(false);
  });

  it('shatter into the same memory', () => {
    const large = format.superpage(L2, 0x400, PAGE_KINDS.RW);
    expect(format.shattered(large, L2, 0x25)).toBe(format.leaf(0x425, PAGE_KINDS.RW));
    const huge = format.superpage(1, 0x40000, PAGE_KINDS.RO);
    expect(format.shattered(huge, 1, 3)).toBe(format.superpage(L2, 0x40600, PAGE_KINDS.RO));
  });

  it('use the error codes of the SDM', () => {
    const code = (present: boolean, write: boolean, fetch: boolean, reserved = false) =>
      format.faultCode({ present, write, fetch, user: false, reserved });
    expect([code(false, false, false), code(false, true, false), code(false, false, true)]).toEqual([0, 2, 0x10]);
    expect([code(true, false, false), code(true, true, false), code(true, false, true)]).toEqual([1, 3, 0x11]);
    expect(code(true, true, false, true)).toBe(0xb);
  });

  it('recognise canonical addresses', () => {
    for (const address of [0n, 0x7fffffffffffn, 0xffff800000000000n, 0xffffffffffffffffn, 0xffff82d040625079n]) {
      expect(format.canonical(address)).toBe(true);
      expect(format.canonicalise(address & 0xffffffffffffn)).toBe(address);
    }
    for (const address of [0x800000000000n, 0xffff7fffffffffffn, 0x0100100100100100n]) {
      expect(format.canonical(address)).toBe(false);
    }
  });
});
