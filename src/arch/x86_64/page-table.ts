import { type PageKind, type PageTableFormat, type Permission, pageKind } from '../page-table.ts';

/**
 * Four-level page tables of x86-64 with Xen's flags.
 *
 * Sources: Intel SDM volume 3, section 4.5 (formats) and 4.7 (error code); Xen arch/x86/include/asm/page.h and
 * asm/x86_64/page.h (`_PAGE_*`, `__PAGE_HYPERVISOR*`, `canonicalise_addr`).
 */
const PRESENT = 0x001n;
const WRITABLE = 0x002n;
const ACCESSED = 0x020n;
const DIRTY = 0x040n;
/** `_PAGE_PSE`: an L3 or L2 entry maps memory. */
const SUPERPAGE = 0x080n;
const GLOBAL = 0x100n;
const NO_EXECUTE = 1n << 63n;

/** PAGE_HYPERVISOR_RX and its siblings. */
const FLAGS: Readonly<Record<PageKind, bigint>> = {
  RX: PRESENT | ACCESSED | GLOBAL,
  RO: PRESENT | ACCESSED | GLOBAL | NO_EXECUTE,
  RW: PRESENT | ACCESSED | GLOBAL | DIRTY | WRITABLE | NO_EXECUTE,
  RWX: PRESENT | ACCESSED | GLOBAL | DIRTY | WRITABLE,
};

/** __PAGE_HYPERVISOR: flags of entries above the last level. */
const TABLE_FLAGS = PRESENT | WRITABLE | ACCESSED | DIRTY;

/** FLAGS_MASK of modify_xen_mappings: the bits that a change of permission replaces. It keeps global, memory type and size. */
const PERMISSION_MASK = NO_EXECUTE | DIRTY | ACCESSED | WRITABLE | PRESENT;

/** Bits 12 … 51. */
const FRAME_MASK = 0x000f_ffff_ffff_f000n;

/** MAXPHYADDR of the simulated processor: higher address bits of an entry are reserved. */
const PHYSICAL_ADDRESS_BITS = 48;
const RESERVED_MASK = FRAME_MASK & ~((1n << BigInt(PHYSICAL_ADDRESS_BITS)) - 1n);

/** PFEC_*: bits of a page fault's error code. */
const ERROR_CODE = { present: 0x01, write: 0x02, user: 0x04, reserved: 0x08, fetch: 0x10 } as const;

const LEVELS = [
  { name: 'L4', shift: 39 },
  { name: 'L3', shift: 30 },
  { name: 'L2', shift: 21 },
  { name: 'L1', shift: 12 },
] as const;
const L1 = LEVELS.length - 1;

function leaf(frame: number, permission: Permission, dirty: boolean | undefined): bigint {
  const entry = (BigInt(frame) << 12n) | FLAGS[pageKind(permission)];
  if (dirty === undefined) return entry;
  return dirty ? entry | DIRTY : entry & ~DIRTY;
}

/** Returns the lowest address bit of the next level's index. */
const shiftBelow = (level: number): bigint => BigInt(LEVELS[level + 1]?.shift ?? 12);

export const X86_64_PAGE_TABLES: PageTableFormat = {
  levels: LEVELS,
  rootFilled: false,
  entries: 512,
  // vunmap maps INVALID_MFN with _PAGE_NONE to keep the upper tables (common/vmap.c, map_pages_to_xen).
  unmapped: 0xffff_ffff_ffff_f000n,
  leaf: (frame, permission, options) => leaf(frame, permission, options?.dirty),
  superpage: (_level, frame, permission, options) => leaf(frame, permission, options?.dirty) | SUPERPAGE,
  table: (frame) => (BigInt(frame) << 12n) | TABLE_FLAGS,
  present: (entry) => (entry & PRESENT) !== 0n,
  writable: (entry) => (entry & WRITABLE) !== 0n,
  executable: (entry) => (entry & NO_EXECUTE) === 0n,
  reserved: (entry) => (entry & RESERVED_MASK) !== 0n,
  frameOf: (entry) => Number((entry & FRAME_MASK) >> 12n),
  isLeaf: (entry, level) => level === L1 || (level !== 0 && (entry & SUPERPAGE) !== 0n),
  withPermission: (entry, permission) => (entry & ~PERMISSION_MASK) | (FLAGS[pageKind(permission)] & PERMISSION_MASK),
  shattered(entry, level, index) {
    const child = entry + (BigInt(index) << shiftBelow(level));
    return level + 1 === L1 ? child & ~SUPERPAGE : child;
  },
  used: (entry, write) => entry | (write ? ACCESSED | DIRTY : ACCESSED),
  faultCode: (access) =>
    (access.present ? ERROR_CODE.present : 0) |
    (access.write ? ERROR_CODE.write : 0) |
    (access.user ? ERROR_CODE.user : 0) |
    (access.reserved === true ? ERROR_CODE.reserved : 0) |
    (access.fetch ? ERROR_CODE.fetch : 0),
  accessOf: (code) => ({
    present: (code & ERROR_CODE.present) !== 0,
    write: (code & ERROR_CODE.write) !== 0,
    fetch: (code & ERROR_CODE.fetch) !== 0,
  }),
  nonCanonical: 'general-protection',
  canonical: (address) => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address,
  canonicalise: (address) => BigInt.asUintN(64, BigInt.asIntN(48, address)),
};
