import { ensure } from '../base/index.ts';

/** A tag of Xen: `4.minor.point`. */
export interface XenVersion {
  readonly minor: number;
  readonly point: number;
}

/** Parses `4.17.7`, and nothing else. */
export function parseVersion(text: string): XenVersion | undefined {
  const match = /^4\.(\d{1,4})\.(\d{1,4})$/.exec(text);
  return match === null ? undefined : { minor: Number(match[1]), point: Number(match[2]) };
}

/** The behaviour of one point release, for one member of `Release`. */
export type Rule<T> = (version: XenVersion) => T;

/**
 * Says which releases have a change. A tag X.0 covers its branch and all later ones: the change was on master. Any other tag covers
 * the rest of its own branch: a backport. A branch with its own tag follows only that one: `since('4.17.3', '4.18.1', '4.19.0')`
 * excludes 4.18.0.
 */
export function since(...tags: readonly string[]): Rule<boolean> {
  const points = tags.map((tag) => ensure(parseVersion(tag), `not a tag: ${tag}`));
  return ({ minor, point }) => {
    const own = points.find((tag) => tag.minor === minor);
    if (own !== undefined) return point >= own.point;
    return points.some((tag) => tag.point === 0 && tag.minor < minor);
  };
}

/** Covers the releases from one change to a later fix. */
export const from =
  (broken: Rule<boolean>, fixed: Rule<boolean>): Rule<boolean> =>
  (version) =>
    broken(version) && !fixed(version);

/** A value that changes: the latest change in the release wins, otherwise `first`. */
export function steps<T>(first: T, ...later: readonly (readonly [value: T, in_: Rule<boolean>])[]): Rule<T> {
  return (version) => later.findLast(([, isIn]) => isIn(version))?.[0] ?? first;
}

/** The same value in every release since 4.11. */
export const always =
  <T>(value: T): Rule<T> =>
  () =>
    value;
