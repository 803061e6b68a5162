import { ensure } from '../base/index.ts';

/** A tag of Xen: `4.minor.point`. */
export interface XenVersion {
  readonly minor: number;
  readonly point: number;
}

/** Reads `4.17.7`, nothing else. */
export function parseVersion(text: string): XenVersion | undefined {
  const match = /^4\.(\d{1,4})\.(\d{1,4})$/.exec(text);
  return match === null ? undefined : { minor: Number(match[1]), point: Number(match[2]) };
}

/** What one point release does, for one member of `Release`. */
export type Rule<T> = (version: XenVersion) => T;

/**
 * In which releases a change is. A tag X.0 stands for its branch and all later ones: the change was on master. Any other
 * tag stands for the rest of its own branch: a backport. A branch that is named more precisely goes by its own tag:
 * `since('4.17.3', '4.18.1', '4.19.0')` leaves 4.18.0 out.
 */
export function since(...tags: readonly string[]): Rule<boolean> {
  const points = tags.map((tag) => ensure(parseVersion(tag), `not a tag: ${tag}`));
  return ({ minor, point }) => {
    const own = points.find((tag) => tag.minor === minor);
    if (own !== undefined) return point >= own.point;
    return points.some((tag) => tag.point === 0 && tag.minor < minor);
  };
}

/** Broken by one change, fixed by a later one. */
export const from =
  (broken: Rule<boolean>, fixed: Rule<boolean>): Rule<boolean> =>
  (version) =>
    broken(version) && !fixed(version);

/** A value that changes: the first holds until a later one's change is in, and the last such one counts. */
export function steps<T>(first: T, ...later: readonly (readonly [value: T, in_: Rule<boolean>])[]): Rule<T> {
  return (version) => later.findLast(([, isIn]) => isIn(version))?.[0] ?? first;
}

/** The same in every release from 4.11 on. */
export const always =
  <T>(value: T): Rule<T> =>
  () =>
    value;
