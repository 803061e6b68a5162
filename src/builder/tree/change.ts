/** A file of the tree before and after a patch. */
export interface TreeChange {
  /** From the top of the tree: `xen/common/domctl.c`. */
  readonly path: string;
  /** A byte string; `null` if the file does not exist. */
  readonly before: string | null;
  readonly after: string | null;
}
