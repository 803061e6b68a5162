/** A file of the tree before and after a patch. */
export interface TreeChange {
  /** From the top of the tree: `xen/common/domctl.c`. */
  readonly path: string;
  /** A string of bytes; `null` where there is no such file. */
  readonly before: string | null;
  readonly after: string | null;
}
