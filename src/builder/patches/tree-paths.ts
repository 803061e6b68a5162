import type { FilePatch, SourcePatch } from './types.ts';

/** What a reader's paths start from: the top of Xen's tree, or the folder `xen/` in it, where the hypervisor is. */
export type TreeRoot = 'top' | 'xen';

/** The folder of the hypervisor in Xen's tree. */
const XEN = 'xen/';

/** Where a path of a patch is for the reader; `undefined` outside of what it can read. */
export type Locate = (path: string) => string | undefined;

const pathsOf = (file: FilePatch): string[] => [file.from, file.to].filter((path) => path !== null);

/**
 * Finds out whether the paths of a patch start at the top of the tree (as Xen's own commits have them) or in `xen/` (as a tree
 * of the hypervisor alone has them), by which files there are; and says where they are for a reader that starts at `root`.
 */
export function locator(patch: SourcePatch, root: TreeRoot, exists: (path: string) => boolean): Locate {
  const paths = patch.files.flatMap(pathsOf);
  const fromTop: Locate = (path) => {
    if (root === 'top') return path;
    return path.startsWith(XEN) ? path.slice(XEN.length) : undefined;
  };
  const fromXen: Locate = (path) => (root === 'top' ? `${XEN}${path}` : path);
  const hits = (locate: Locate): number =>
    paths.filter((path) => {
      const there = locate(path);
      return there !== undefined && exists(there);
    }).length;
  const [top, inXen] = [hits(fromTop), hits(fromXen)];
  if (top !== inXen) return top > inXen ? fromTop : fromXen;
  // Nothing but new files, or files that are nowhere: the names have to tell.
  const says = paths.some((path) => path.startsWith(XEN));
  return says || root === 'top' ? fromTop : fromXen;
}
