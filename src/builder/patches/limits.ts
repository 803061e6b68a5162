/** Bytes of a patch file, or of a mail's decoded body. */
export const BYTES_MAX = 16 << 20;
/** Lines of a patch file: each costs memory of its own. */
export const LINES_MAX = 2_000_000;
/** Mails in a mailbox. */
export const MAILS_MAX = 1000;
/** Problems that are told; what comes after them is the same fault over and over. */
export const PROBLEMS_MAX = 100;
/** Bytes of a mail's header. */
export const HEADER_MAX = 256 << 10;
/** Multipart bodies inside each other; real mails have two or three. */
export const PART_DEPTH_MAX = 8;
/** Parts of one mail. */
export const PARTS_MAX = 200;
/** Lines of source and patch that are looked at to find where hunks belong, over a whole series. */
export const SEARCH_MAX = 20_000_000;
