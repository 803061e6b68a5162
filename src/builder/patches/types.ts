import type { Finding } from '../../base/index.ts';

/**
 * A line of a hunk. Texts here are byte strings: each character is one byte (Latin-1), so that no byte of a source file is
 * lost, whatever its encoding.
 */
export interface HunkLine {
  readonly kind: ' ' | '+' | '-';
  /** With its `\n`, unless the file ends here without one. */
  readonly text: string;
}

/** Consecutive lines of one file that change, with the lines around them. */
export interface Hunk {
  /** Its first line, as it stands in the patch: `@@ -10,7 +10,8 @@ static int x(void)`. */
  readonly header: string;
  /** Line number in the patch file; in a mail with an encoded body, in the decoded body. */
  readonly line: number;
  /** From 1; 0 where `oldLines` is 0 and the hunk is at the start of the file. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly HunkLine[];
}

/** What a patch does to one file. Paths are without the first folder (`a/`, `b/`, `orig/`), as `patch -p1` takes them. */
export interface FilePatch {
  /** `null` for a file that the patch makes. */
  readonly from: string | null;
  /** `null` for a file that the patch removes. */
  readonly to: string | null;
  readonly kind: 'change' | 'new' | 'delete' | 'rename' | 'copy';
  /** The mode that git gives the file, where the patch says it: `100755`. */
  readonly mode?: string;
  /** Line number in the patch, as in {@link Hunk}. */
  readonly line: number;
  readonly hunks: readonly Hunk[];
}

/** Where a mail stands in its series: `[PATCH v2 3/7]`. */
export interface SeriesPlace {
  readonly version: number;
  readonly number: number;
  readonly total: number;
}

/** One patch: what `git am` would make a commit of. */
export interface SourcePatch {
  /** The subject without its `[PATCH…]`, or the name of the file. */
  readonly title: string;
  /** The file that it was read from. */
  readonly file: string;
  readonly author?: string;
  /** What `git format-patch --base` says it was made for. */
  readonly baseCommit?: string;
  readonly place?: SeriesPlace;
  readonly files: readonly FilePatch[];
}

/** What {@link readPatches} gives. With a problem, `patches` holds what could be read, and nothing should be built of it. */
export interface ReadPatches {
  readonly patches: readonly SourcePatch[];
  readonly problems: readonly Finding[];
}

/** A source file before and after. Byte strings; `null` where there is no such file. */
export interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}
