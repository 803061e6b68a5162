import type { Address } from '../../base/index.ts';
import {
  type FailedAccess,
  type PageTableFormat,
  type PageTableLevel,
  type Permission,
  pageKind,
} from '../page-table.ts';

/**
 * LPAE tables as Xen fills them for itself: stage 1 of the hypervisor's own translation regime (EL2 or Hyp mode), 4 KiB granule.
 *
 * Sources: ARM DDI 0487, D5.3 (descriptors), D13.2.37 (ESR_ELx); ARM DDI 0406C, B3.6; Xen asm-arm/lpae.h, arch/arm/mm.c
 * (mfn_to_xen_entry, dump_pt_walk), asm-arm/page.h (PAGE_HYPERVISOR_*).
 */
const VALID = 1n << 0n;
/** Above the last level, marks a table; in the last level, every entry has it. */
const TABLE = 1n << 1n;
/** MT_NORMAL: index 7 into MAIR. */
const NORMAL = 7n << 2n;
const NON_SECURE = 1n << 5n;
/** AP[1], which must be set in a regime with one exception level. */
const USER = 1n << 6n;
const READ_ONLY = 1n << 7n;
const INNER_SHAREABLE = 3n << 8n;
const ACCESSED = 1n << 10n;
const NOT_GLOBAL = 1n << 11n;
const NO_EXECUTE = 1n << 54n;

/** The bits that mfn_to_xen_entry sets for memory, without the permission. */
const MEMORY = VALID | NORMAL | NON_SECURE | USER | INNER_SHAREABLE | ACCESSED | NOT_GLOBAL;

/** The bits that modify_xen_mappings replaces. */
const PERMISSION_MASK = READ_ONLY | NO_EXECUTE | VALID;

/** Bits 12 … 47. */
const FRAME_MASK = 0x0000_ffff_ffff_f000n;

const permissionBits = (permission: Permission): bigint => {
  switch (pageKind(permission)) {
    case 'RX':
      return READ_ONLY;
    case 'RO':
      return READ_ONLY | NO_EXECUTE;
    case 'RW':
      return NO_EXECUTE;
    case 'RWX':
      return 0n;
  }
};

/** Exception classes of aborts in the hypervisor itself. */
const EC_INSTRUCTION_ABORT = 0x21;
const EC_DATA_ABORT = 0x25;
const EC_SHIFT = 26;
/** A 32-bit instruction trapped. Only arm64 reports it; for these aborts, ARM DDI 0406C, B3.13.6 does not. */
const INSTRUCTION_LENGTH = 1 << 25;
const WRITE_NOT_READ = 1 << 6;
const CACHE_MAINTENANCE = 1 << 8;
const FSC_TRANSLATION = 0x04;
const FSC_PERMISSION = 0x0c;
const FSC_ALIGNMENT = 0x21;

/** ISS field of ESR_EL2 (HSR on arm32), which Xen prints as the syndrome. */
export const ISS_MASK = 0x1ff_ffff;

/** All levels of an LPAE walk, with Xen's names. */
const LEVELS: readonly PageTableLevel[] = [
  { name: '0TH', shift: 39 },
  { name: '1ST', shift: 30 },
  { name: '2ND', shift: 21 },
  { name: '3RD', shift: 12 },
];

/**
 * Makes the page-table format with its root at a level.
 *
 * @param root 0 on arm64, 1 on arm32
 * @param addressBits size of an address; no higher bit may be set
 */
export function lpaePageTables(root: 0 | 1, addressBits: 32 | 48): PageTableFormat {
  const levels = LEVELS.slice(root);
  const last = levels.length - 1;
  const block = (frame: number, permission: Permission): bigint =>
    (BigInt(frame) << 12n) | MEMORY | permissionBits(permission);
  const isLeaf = (entry: bigint, level: number): boolean => level === last || (entry & TABLE) === 0n;
  const executable = (entry: bigint): boolean => (entry & NO_EXECUTE) === 0n && (entry & READ_ONLY) !== 0n;
  return {
    levels,
    // A running arm32 host uses all four: for itself, for the xenheap, and two for the domheap. Source: asm-arm/config.h.
    rootFilled: root === 1,
    entries: 512,
    // destroy_xen_mappings clears the entry.
    unmapped: 0n,
    leaf: (frame, permission) => block(frame, permission) | TABLE,
    superpage: (_level, frame, permission) => block(frame, permission),
    // Xen writes it like an entry for memory; the processor ignores the memory attributes.
    table: (frame) => (BigInt(frame) << 12n) | MEMORY | TABLE | NO_EXECUTE,
    present: (entry) => (entry & VALID) !== 0n,
    writable: (entry, level) => !isLeaf(entry, level) || (entry & READ_ONLY) === 0n,
    // SCTLR_EL2.WXN (HSCTLR.WXN): writable memory is not executable.
    executable: (entry, level) => !isLeaf(entry, level) || executable(entry),
    reserved: () => false,
    frameOf: (entry) => Number((entry & FRAME_MASK) >> 12n),
    isLeaf,
    withPermission: (entry, permission) => (entry & ~PERMISSION_MASK) | permissionBits(permission) | VALID,
    shattered(entry, level, index) {
      const below = levels[level + 1]?.shift ?? 12;
      const child = entry + (BigInt(index) << BigInt(below));
      return level + 1 === last ? child | TABLE : child;
    },
    used: (entry) => entry,
    faultCode: (access) => syndrome(access, root),
    accessOf: (code) => ({
      present: (code & 0x3c) === FSC_PERMISSION,
      write: code >>> EC_SHIFT === EC_DATA_ABORT && (code & WRITE_NOT_READ) !== 0,
      fetch: code >>> EC_SHIFT === EC_INSTRUCTION_ABORT,
    }),
    nonCanonical: 'translation',
    canonical: (address: Address) => address < 1n << BigInt(addressBits),
    canonicalise: (address: Address) => BigInt.asUintN(addressBits, address),
  };
}

/** Returns the HSR of an alignment data abort on arm32. Source: ARM DDI 0406C, B3.13.6, table B3-23. */
export const alignmentSyndrome = (write: boolean): number =>
  ((EC_DATA_ABORT << EC_SHIFT) | FSC_ALIGNMENT | (write ? WRITE_NOT_READ : 0)) >>> 0;

/** Returns ESR_EL2 or HSR: the class, and the fault with its level. */
function syndrome({ present, write, fetch, maintenance, level = 0 }: FailedAccess, root: number): number {
  const status = (present ? FSC_PERMISSION : FSC_TRANSLATION) | (root + level);
  const iss = status | (write && !fetch ? WRITE_NOT_READ : 0) | (maintenance === true ? CACHE_MAINTENANCE : 0);
  const ec = fetch ? EC_INSTRUCTION_ABORT : EC_DATA_ABORT;
  return ((ec << EC_SHIFT) | (root === 0 ? INSTRUCTION_LENGTH : 0) | iss) >>> 0;
}
