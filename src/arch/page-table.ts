import type { Address } from '../base/index.ts';

/** Size of a small page in bytes, on every architecture with live patches. */
export const PAGE_SIZE = 4096;

/** What the hypervisor may do with a page, besides reading it. */
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

/** Returns the name of a permission. */
export function pageKind(permission: Permission): PageKind {
  if (permission.execute) return permission.write ? 'RWX' : 'RX';
  return permission.write ? 'RW' : 'RO';
}

/** One level of a page table. */
export interface PageTableLevel {
  /** Its name in the hypervisor's page-table walk: `L4`. */
  readonly name: string;
  /** The lowest address bit of this level's index; an entry covers 2^shift bytes. */
  readonly shift: number;
}

export interface LeafOptions {
  /** Overrides the dirty bit that the permission implies, if the architecture has one. */
  readonly dirty?: boolean;
}

/** A failed translation: the access, and what the walk found. */
export interface FailedAccess {
  /** All levels were present: a permission was missing, or a reserved bit was set. */
  readonly present: boolean;
  readonly write: boolean;
  readonly fetch: boolean;
  /** The hypervisor never runs in user mode. */
  readonly user: false;
  /** An entry has a reserved bit set. */
  readonly reserved?: boolean;
  /** Cache maintenance by address. */
  readonly maintenance?: boolean;
  /** Index into {@link PageTableFormat.levels} of the last entry that the walk read; default 0. */
  readonly level?: number;
}

/** The part of the access that an error code reports. */
export type ReportedAccess = Pick<FailedAccess, 'present' | 'write' | 'fetch'>;

/**
 * An architecture's page-table format. An entry is a raw 64-bit value; a frame is a physical page number; a level is an
 * index into {@link levels}, 0 being the root.
 */
export interface PageTableFormat {
  /** From the root down; the last one maps small pages. */
  readonly levels: readonly PageTableLevel[];
  /** Whether every entry of the root points to a table, whatever is mapped. */
  readonly rootFilled: boolean;
  /** Entries per table. */
  readonly entries: 512;
  /** What unmapping leaves in an entry of the last level: not present, but not always zero. */
  readonly unmapped: bigint;
  /** Returns an entry of the last level that maps one small page. */
  leaf(frame: number, permission: Permission, options?: LeafOptions): bigint;
  /** Returns an entry of a higher level that maps everything it covers; `frame` must be aligned accordingly. */
  superpage(level: number, frame: number, permission: Permission, options?: LeafOptions): bigint;
  /** Returns an entry that points to the next level's table. */
  table(frame: number): bigint;
  present(entry: bigint): boolean;
  /** Whether this entry of this level allows writing; all levels must. */
  writable(entry: bigint, level: number): boolean;
  /** Whether this entry of this level allows execution; all levels must. */
  executable(entry: bigint, level: number): boolean;
  /** Whether a present entry has a reserved bit set. */
  reserved(entry: bigint): boolean;
  /** Returns the frame that the entry maps or, for a table entry, the next table's frame. */
  frameOf(entry: bigint): number;
  /** Whether a present entry of this level maps memory instead of pointing to a table. */
  isLeaf(entry: bigint, level: number): boolean;
  /** Returns a present leaf with the same frame and memory type, and this permission. */
  withPermission(entry: bigint, permission: Permission): bigint;
  /** Returns entry number `index` of the next level's table that maps the same memory as this superpage. */
  shattered(entry: bigint, level: number, index: number): bigint;
  /** Returns the entry after an access, with its accessed bit set and, after a write, its dirty bit. */
  used(entry: bigint, write: boolean): bigint;
  /** Returns the error code that the processor reports. */
  faultCode(access: FailedAccess): number;
  /** Decodes an error code of {@link faultCode}. */
  accessOf(code: number): ReportedAccess;
  /** Whether the processor can translate this address at all. */
  canonical(address: Address): boolean;
  /** What a non-canonical access raises: an exception of its own, or a translation fault at the root. */
  readonly nonCanonical: 'general-protection' | 'translation';
  /** Returns the canonical address with these translated bits: sign-extends if the architecture does. */
  canonicalise(address: Address): Address;
}
