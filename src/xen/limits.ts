/**
 * Sizes and bounds that Xen's livepatch code imposes; the same in every release from 4.11 on.
 */

/** Largest payload file, and largest NOBITS section, in bytes. Source: xen/include/xen/livepatch.h. */
export const LIVEPATCH_MAX_SIZE = 0x20_0000;

/** Longest payload name in bytes, the NUL included. Source: public/sysctl.h. */
export const XEN_LIVEPATCH_NAME_SIZE = 128;

/** Bytes for saved instructions, hence the longest NOP patch. A plain 31 before 4.14. Source: public/sysctl.h. */
export const LIVEPATCH_OPAQUE_SIZE = 31;

/** Longest symbol name in characters, without the NUL. Source: xen/include/xen/symbols.h. */
export const KSYM_NAME_LEN = 127;

/** `e_shnum` has to be below this. Source: common/livepatch_elf.c, livepatch_header_check. */
export const LIVEPATCH_MAX_SECTIONS = 1024;

/** LIST returns at most this many payloads in one call (-E2BIG above). Source: common/livepatch.c, livepatch_list. */
export const LIVEPATCH_LIST_MAX = 1024;

/** What an ACTION's `timeout` of 0 stands for, in nanoseconds. Source: common/livepatch.c, schedule_work. */
export const LIVEPATCH_DEFAULT_TIMEOUT_NS = 30_000_000;

/** Bytes in a page, on every architecture that has live patches. */
export const PAGE_SIZE = 4096;
