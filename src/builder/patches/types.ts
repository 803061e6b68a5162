import type { Finding } from '../../base/index.ts';

/**
 * A line of a hunk. Texts here are byte strings, one character per byte (Latin-1), so that no byte of a source file is lost,
 * whatever its encoding.
 */
export interface HunkLine {
  readonly kind: ' ' | '+' | '-';
  /** With its `\n`, unless the file ends without one. */
  readonly text: string;
}

/** Consecutive changed lines of a file, with context. */
export interface Hunk {
  /** Its first line in the patch: `@@ -10,7 +10,8 @@ static int x(void)`. */
  readonly header: string;
  /** Line number in the patch file, or in the decoded body of an encoded mail. */
  readonly line: number;
  /** From 1; 0 if `oldLines` is 0 and the hunk is at the start of the file. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly HunkLine[];
}

/** The part of a patch for one file. Paths lack the first folder (`a/`, `b/`, `orig/`), as for `patch -p1`. */
export interface FilePatch {
  /** `null` for a new file. */
  readonly from: string | null;
  /** `null` for a deleted file. */
  readonly to: string | null;
  readonly kind: 'change' | 'new' | 'delete' | 'rename' | 'copy';
  /** The file's mode in git, if the patch has it: `100755`. */
  readonly mode?: string;
  /** Line number in the patch, as in {@link Hunk}. */
  readonly line: number;
  readonly hunks: readonly Hunk[];
}

/** Position of a mail in its series: `[PATCH v2 3/7]`. */
export interface SeriesPlace {
  readonly version: number;
  readonly number: number;
  readonly total: number;
}

/** One patch: one commit for `git am`. */
export interface SourcePatch {
  /** The subject without its `[PATCH…]`, or the file name. */
  readonly title: string;
  /** The file that it came from. */
  readonly file: string;
  readonly author?: string;
  /** The base commit from `git format-patch --base`. */
  readonly baseCommit?: string;
  readonly place?: SeriesPlace;
  readonly files: readonly FilePatch[];
}

/** Result of {@link readPatches}. With a problem, `patches` is what could be read, and should not be built. */
export interface ReadPatches {
  readonly patches: readonly SourcePatch[];
  readonly problems: readonly Finding[];
}

/** A source file before and after. Byte strings; `null` if the file does not exist. */
export interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}
