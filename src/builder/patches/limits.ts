/** Maximum bytes of a patch file, or of a mail's decoded body. */
export const BYTES_MAX = 16 << 20;
/** Maximum lines of a patch file; each costs memory. */
export const LINES_MAX = 2_000_000;
/** Maximum mails in a mailbox. */
export const MAILS_MAX = 1000;
/** Maximum problems to report; later ones repeat the same fault. */
export const PROBLEMS_MAX = 100;
/** Maximum bytes of a mail's header. */
export const HEADER_MAX = 256 << 10;
/** Maximum nesting of multipart bodies; real mails have two or three. */
export const PART_DEPTH_MAX = 8;
/** Maximum parts of a mail. */
export const PARTS_MAX = 200;
/** Maximum lines compared while searching for hunks, per series. */
export const SEARCH_MAX = 20_000_000;
