import { describe, expect, it } from 'vitest';
import { FILES, linesMatching } from './tree.ts';

/** What must not be in any file, in pieces, so that this file does not hold it either. */
const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    'a path of somebody’s machine',
    new RegExp(`(?<![\\w.~$}])/(?:${['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me/\\w+', 'Us' + 'ers/\\w+'].join('|')})/`),
  ],
  [
    'a host of a package registry',
    /(?:registry|mirrors?|deb|ftp|security|snapshot|archive)\.(?:npm|yarn|debian|ubuntu)\w*\.(?:org|com)/,
  ],
  ['a resolved address in a lock file', new RegExp('"resol' + 'ved":')],
  ['an escape hatch of the compiler', new RegExp(`@ts-(?:${'ig' + 'nore'}|${'no' + 'check'}|${'expect' + '-error'})`)],
  ['a lint rule switched off', new RegExp('biome-' + 'ignore')],
  ['unfinished work', new RegExp(`\\b(?:${'TO' + 'DO'}|${'FIX' + 'ME'}|${'X' + 'XX'})\\b`)],
];

describe('no file holds', () => {
  it.each(FORBIDDEN)('%s', (_what, pattern) => {
    expect(FILES.flatMap((path) => linesMatching(path, pattern))).toEqual([]);
  });
});

describe('tests', () => {
  it('are neither left out nor singled out', () => {
    const call =
      /\b(?:it|test|describe|suite|bench)(?:\.\w+(?:\([^)]*\))?)*\.(?:only|skip|todo|skipIf|runIf|fails)\b|\b(?:ctx|context)\.skip\(/;
    expect(FILES.filter((path) => path.startsWith('test/')).flatMap((path) => linesMatching(path, call))).toEqual([]);
  });

  it('have names that the runner finds', () => {
    const strays = FILES.filter((path) => /\.(?:spec|test)\./.test(path) && !/^test\/.*\.test\.ts$/.test(path));
    expect(strays).toEqual([]);
  });
});
