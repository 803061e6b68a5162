import { XspliceError } from '../base/index.ts';
import { filesIn, isFolder, tooMany } from './folder.ts';

/** Limit of scenarios per run. */
const MOST_SCENARIOS = 10_000;

const SUFFIX = /\.ya?ml$/i;

/** Returns true for a scenario file and for a folder. Anything else is a payload or a case. */
export function isScenarioArgument(path: string, cwd: string): boolean {
  return SUFFIX.test(path) || isFolder(path, cwd);
}

/**
 * Returns true if the arguments are scenarios. Throws an XspliceError (EUSAGE) for a mixture. `other` names what the other arguments are.
 */
export function areScenarios(paths: readonly string[], cwd: string, other: string): boolean {
  const scenarios = paths.filter((path) => isScenarioArgument(path, cwd));
  if (scenarios.length === 0) return false;
  if (scenarios.length === paths.length) return true;
  const odd = paths.find((path) => !scenarios.includes(path));
  throw new XspliceError(
    'EUSAGE',
    `${scenarios[0]} is a scenario and ${odd} is not`,
    `give either scenarios or ${other}`,
  );
}

/**
 * Expands the arguments to scenario files: a file is itself, a folder is every scenario in and below it, sorted. Does not follow links in a
 * folder; skips names that start with `.` or `_`, which are for files that others include. Throws an XspliceError: EFILE for a folder that
 * cannot be read, EUSAGE for one without scenarios or with too many.
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
        `${path}: is a directory that contains no scenarios`,
        'xsplice looks for files named *.yaml or *.yml',
      );
    }
    found.push(...inside);
  }
  if (found.length > MOST_SCENARIOS) throw tooMany(paths.join(' '), MOST_SCENARIOS, 'scenarios');
  return [...new Set(found)];
}
