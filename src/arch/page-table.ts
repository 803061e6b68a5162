import type { Address } from '../base/index.ts';

/** Bytes of a small page, on every architecture that Xen's livepatch runs on. */
export const PAGE_SIZE = 4096;

/** What the hypervisor may do with a page besides reading it. */
export interface Permission {
  readonly write: boolean;
  readonly execute: boolean;
}

/** Xen's names of the permissions that it uses: PAGE_HYPERVISOR_RX, _RW, _RO and _RWX. */
export type PageKind = 'RX' | 'RW' | 'RO' | 'RWX';

/** The permission behind each name. */
export const PAGE_KINDS: Readonly<Record<PageKind, Permission>> = {
  RX: { write: false, execute: true },
  RW: { write: true, execute: false },
  RO: { write: false, execute: false },
  RWX: { write: true, execute: true },
};

/** The name of a permission. */
export function pageKind(permission: Permission): PageKind {
  if (permission.execute) return permission.write ? 'RWX' : 'RX';
  return permission.write ? 'RW' : 'RO';
}

/** One level of a page table. */
export interface PageTableLevel {
  /** As the hypervisor's page-table walk names it: `L4`. */
  readonly name: string;
  /** The lowest address bit of this level's index; an entry covers 2^shift bytes. */
  readonly shift: number;
}

export interface LeafOptions {
  /** Sets or clears the dirty bit against the permission's own habit; only where the architecture has such a bit. */
  readonly dirty?: boolean;
}

/** What the processor was doing when a translation failed, and what it found. */
export interface FailedAccess {
  /** All levels were present: the permission did not suffice, or a reserved bit was set. */
  readonly present: boolean;
  readonly write: boolean;
  readonly fetch: boolean;
  /** The hypervisor never runs in user mode. */
  readonly user: false;
  /** An entry has a bit set that must be zero. */
  readonly reserved?: boolean;
  /** Cache maintenance by address. */
  readonly maintenance?: boolean;
  /** Index into {@link PageTableFormat.levels} of the last entry that was looked at; 0 unless given. */
  readonly level?: number;
}

/** What an error code says of the access. */
export type ReportedAccess = Pick<FailedAccess, 'present' | 'write' | 'fetch'>;

/**
 * An architecture's page-table format. An entry is a raw 64-bit value; a frame is a physical page number; a level is an
 * index into {@link levels}, 0 being the root.
 */
export interface PageTableFormat {
  /** From the root down; the last one maps small pages. */
  readonly levels: readonly PageTableLevel[];
  /** Do all entries of the root lead to tables, whatever is mapped? */
  readonly rootFilled: boolean;
  /** Entries of one table. */
  readonly entries: 512;
  /** What unmapping leaves in a slot of the last level: not present, but not always zero. */
  readonly unmapped: bigint;
  /** An entry of the last level that maps one small page. */
  leaf(frame: number, permission: Permission, options?: LeafOptions): bigint;
  /** An entry of a level above the last one that maps all that it covers; `frame` is aligned accordingly. */
  superpage(level: number, frame: number, permission: Permission, options?: LeafOptions): bigint;
  /** An entry that points to the next level's table. */
  table(frame: number): bigint;
  present(entry: bigint): boolean;
  /** Does this entry of this level allow writing? All levels have to. */
  writable(entry: bigint, level: number): boolean;
  /** Does this entry of this level allow execution? All levels have to. */
  executable(entry: bigint, level: number): boolean;
  /** Has a present entry a bit set that must be zero? */
  reserved(entry: bigint): boolean;
  /** The frame that the entry maps or, for a table entry, where the next table is. */
  frameOf(entry: bigint): number;
  /** Does a present entry of this level map memory, instead of pointing to a table? */
  isLeaf(entry: bigint, level: number): boolean;
  /** A leaf of the same frame and memory type with another permission; makes an entry present that was not. */
  withPermission(entry: bigint, permission: Permission): bigint;
  /** Entry number `index` of the next level's table that maps the same as this superpage. */
  shattered(entry: bigint, level: number, index: number): bigint;
  /** The entry after the processor has used it: with its accessed bit, and after a write its dirty bit. */
  used(entry: bigint, write: boolean): bigint;
  /** The error code that the processor reports. */
  faultCode(access: FailedAccess): number;
  /** What {@link faultCode} was made from, as far as the code tells. */
  accessOf(code: number): ReportedAccess;
  /** Can the processor translate this address at all? */
  canonical(address: Address): boolean;
  /** An access to an address that is not canonical: an exception of its own, or a translation fault at the root. */
  readonly beyond: 'general-protection' | 'translation';
  /** The address whose translated bits are these: extends the sign where the architecture does. */
  canonicalise(address: Address): Address;
}
