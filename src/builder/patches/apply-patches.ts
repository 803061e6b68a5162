import type { Finding } from '../../base/index.ts';
import { applyFile, type Working } from './apply-file.ts';
import type { SearchBudget } from './find-hunk.ts';
import { PROBLEMS_MAX, SEARCH_MAX } from './limits.ts';
import { locator, type TreeRoot } from './tree-paths.ts';
import type { FileChange, SourcePatch } from './types.ts';

/** Options of {@link applyPatches}. */
export interface ApplyOptions {
  /** Root of the reader's paths. Patches may use either root; this detects which. Default: `top`. */
  readonly root?: TreeRoot;
}

/** Result of {@link applyPatches}. With any problem there are no changes. */
export interface AppliedPatches {
  /** Sorted by path, without files that end up unchanged. */
  readonly changes: readonly FileChange[];
  readonly problems: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/**
 * Applies patches in order to the tree that `readFile` reads, like `patch -p1 --fuzz=0`; writes nothing. `readFile` returns a file
 * as a byte string (Latin-1), or `undefined` if it is missing; it only gets paths inside the tree. Stops after the first patch with
 * problems, because later ones build on it.
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
