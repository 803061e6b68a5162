import { XspliceError } from '../base/index.ts';
import { filesIn, isFolder, tooMany } from './folder.ts';

/** Most scenarios of one run. */
const MOST_SCENARIOS = 10_000;

const SUFFIX = /\.ya?ml$/i;

/** Is this argument a scenario file, or a folder of them? Everything else is a payload. */
export function isScenarioArgument(path: string, cwd: string): boolean {
  return SUFFIX.test(path) || isFolder(path, cwd);
}

/**
 * Are the arguments scenarios? Throws an XspliceError (EUSAGE) where some are and some are not. `other` is what the others are.
 */
export function areScenarios(paths: readonly string[], cwd: string, other: string): boolean {
  const scenarios = paths.filter((path) => isScenarioArgument(path, cwd));
  if (scenarios.length === 0) return false;
  if (scenarios.length === paths.length) return true;
  const odd = paths.find((path) => !scenarios.includes(path));
  throw new XspliceError(
    'EUSAGE',
    `${odd} is no scenario and ${scenarios[0]} is one`,
    `give scenarios or ${other}, not both`,
  );
}

/**
 * The scenario files that are meant: files as they are, of a folder those in it and below it, sorted. In a folder, links are not followed, and
 * what begins with `.` or `_` is left alone: parts that others include. Throws an XspliceError: EFILE for a folder that cannot be read, EUSAGE
 * for one without scenarios, or with too many.
 */
export function findScenarios(paths: readonly string[], cwd: string): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (!isFolder(path, cwd)) {
      found.push(path);
      continue;
    }
    const inside = filesIn(path, cwd, (name) => SUFFIX.test(name));
    if (inside.length === 0) {
      throw new XspliceError(
        'EUSAGE',
        `${path}: is a directory without scenarios`,
        'scenarios are files that end in .yaml or .yml',
      );
    }
    found.push(...inside);
  }
  if (found.length > MOST_SCENARIOS) throw tooMany(paths.join(' '), MOST_SCENARIOS, 'scenarios');
  return [...new Set(found)];
}
