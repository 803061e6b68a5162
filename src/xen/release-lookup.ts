import type { Release } from './release.ts';
import { BRANCHES, RELEASES } from './releases.ts';
import { parseVersion, type XenVersion } from './since.ts';

type Branch = { readonly first: number; readonly count: number };

/** A row of the release table for a version. */
export interface ReleaseMatch {
  readonly release: Release;
  /** The table lacks this point release: the row is the nearest lower one of its branch. */
  readonly assumed: boolean;
}

/** Returns the row of this point release, or the newest one before it. */
function nearest(branch: Branch, point: number): ReleaseMatch {
  const index = Math.min(point, branch.count - 1);
  return { release: RELEASES[branch.first + index] as Release, assumed: index !== point };
}

/** Yields a row and the later ones of its branch, each made on demand. */
export function* branchFrom({ version }: Release): Generator<Release> {
  const { minor, point } = parseVersion(version) as XenVersion;
  const { first, count } = BRANCHES.get(minor) as Branch;
  for (let index = point; index < count; index++) yield RELEASES[first + index] as Release;
}

/**
 * Returns the rules of a version such as `4.17.7`; `4.17` means the newest point release. A point release missing from the table
 * gives the nearest lower one, marked as assumed. An unknown branch, or other text, gives `undefined`.
 */
export function releaseByVersion(version: string): ReleaseMatch | undefined {
  const match = /^4\.(\d{1,4})(?:\.(\d{1,4}))?$/.exec(version);
  const branch = match === null ? undefined : BRANCHES.get(Number(match[1]));
  if (match === null || branch === undefined) return undefined;
  return nearest(branch, match[2] === undefined ? branch.count - 1 : Number(match[2]));
}

/**
 * Returns the rules of an image, from the results of xen_major_version, xen_minor_version and xen_extra_version. The extra version
 * is `.7` in a point release and `.7-pre` before it (4.17.6 is then assumed), and may have a vendor's suffix (`.5+72-g01140da4e8`).
 * Without a point release (`-unstable`, `-rc3`) the first of the branch is assumed.
 * Source: xen/Makefile, XEN_EXTRAVERSION.
 */
export function releaseOfImage(major: number, minor: number, extra: string): ReleaseMatch | undefined {
  const branch = major === 4 ? BRANCHES.get(minor) : undefined;
  if (branch === undefined) return undefined;
  const point = /^\.(\d{1,4})(-pre|-rc)?/.exec(extra);
  if (point === null) return { release: nearest(branch, 0).release, assumed: true };
  const number = Number(point[1]);
  if (point[2] === undefined) return nearest(branch, number);
  return { release: nearest(branch, Math.max(0, number - 1)).release, assumed: true };
}
