import type { Finding } from '../../base/index.ts';
import { applyFile, type Working } from './apply-file.ts';
import type { SearchBudget } from './find-hunk.ts';
import { PROBLEMS_MAX, SEARCH_MAX } from './limits.ts';
import { locator, type TreeRoot } from './tree-paths.ts';
import type { FileChange, SourcePatch } from './types.ts';

/** How patches are applied. */
export interface ApplyOptions {
  /** What the reader's paths start from. Patches may have either kind of path; which one is found out. Default: `top`. */
  readonly root?: TreeRoot;
}

/** What {@link applyPatches} gives. With any problem there are no changes. */
export interface AppliedPatches {
  /** Sorted by path. A file that ends as it was is none. */
  readonly changes: readonly FileChange[];
  readonly problems: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/**
 * Applies patches in order to a tree that `readFile` reads, as `patch -p1 --fuzz=0` would; nothing is written. `readFile` gives
 * a file as a byte string (Latin-1), and `undefined` where there is none; it is asked for paths that stay in the tree only. The
 * first patch with problems is the last one that is looked at: what comes after builds on it.
 */
export function applyPatches(
  readFile: (path: string) => string | undefined,
  patches: readonly SourcePatch[],
  options: ApplyOptions = {},
): AppliedPatches {
  const root = options.root ?? 'top';
  const originals = new Map<string, string | null>();
  const current = new Map<string, string | null>();
  const read = (path: string): string | null => {
    const known = current.get(path);
    if (known !== undefined) return known;
    const text = readFile(path) ?? null;
    originals.set(path, text);
    current.set(path, text);
    return text;
  };
  const problems: Finding[] = [];
  const remarks: Finding[] = [];
  const budget: SearchBudget = { left: SEARCH_MAX };
  for (const patch of patches) {
    const locate = locator(patch, root, (path) => read(path) !== null);
    const working: Working = {
      patch,
      locate,
      read,
      write: (path, text) => current.set(path, text),
      budget,
      problems,
      remarks,
    };
    for (const file of patch.files) if (problems.length < PROBLEMS_MAX) applyFile(file, working);
    if (problems.length > 0) return { changes: [], problems, remarks };
  }
  const changes = [...current].flatMap(([path, after]) => {
    const before = originals.get(path) ?? null;
    return before === after ? [] : [{ path, before, after }];
  });
  return { changes: changes.toSorted((a, b) => (a.path < b.path ? -1 : 1)), problems, remarks };
}
