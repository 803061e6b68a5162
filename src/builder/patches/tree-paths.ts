import type { FilePatch, SourcePatch } from './types.ts';

/** Root of a reader's paths: the top of Xen's tree, or its folder `xen/` with the hypervisor. */
export type TreeRoot = 'top' | 'xen';

/** The hypervisor's folder in Xen's tree. */
const XEN = 'xen/';

/** Maps a path of a patch to the reader's; `undefined` if the reader cannot reach it. */
export type Locate = (path: string) => string | undefined;

const pathsOf = (file: FilePatch): string[] => [file.from, file.to].filter((path) => path !== null);

/**
 * Detects, from the files that exist, whether a patch's paths start at the top of the tree (as in Xen's commits) or in `xen/`.
 * Returns the mapping for a reader that starts at `root`.
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
  // Only new or missing files: decide by their names.
  const says = paths.some((path) => path.startsWith(XEN));
  return says || root === 'top' ? fromTop : fromXen;
}
