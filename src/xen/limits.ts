/** Sizes and limits in Xen's livepatch code, the same in every release since 4.11. */

/** Maximum size of a payload file, and of a NOBITS section, in bytes. Source: xen/include/xen/livepatch.h. */
export const LIVEPATCH_MAX_SIZE = 0x20_0000;

/** Maximum length of a payload name in bytes, including the NUL. Source: public/sysctl.h. */
export const XEN_LIVEPATCH_NAME_SIZE = 128;

/** Bytes for saved instructions, and so the longest NOP patch. A literal 31 before 4.14. Source: public/sysctl.h. */
export const LIVEPATCH_OPAQUE_SIZE = 31;

/** Maximum length of a symbol name in characters, without the NUL. Source: xen/include/xen/symbols.h. */
export const KSYM_NAME_LEN = 127;

/** `e_shnum` must be below this. Source: common/livepatch_elf.c, livepatch_header_check. */
export const LIVEPATCH_MAX_SECTIONS = 1024;

/** LIST returns at most this many payloads in one call (-E2BIG above). Source: common/livepatch.c, livepatch_list. */
export const LIVEPATCH_LIST_MAX = 1024;

/** Default timeout of an ACTION, if its `timeout` is 0, in nanoseconds. Source: common/livepatch.c, schedule_work. */
export const LIVEPATCH_DEFAULT_TIMEOUT_NS = 30_000_000;

/** Page size in bytes, on every architecture with live patches. */
export const PAGE_SIZE = 4096;
