import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more, the longest first: begun last, each would keep one processor busy while the other has nothing to do. */
const LONG: readonly string[] = [
  'conform.test.ts',
  'conform-arm.test.ts',
  'source-build.test.ts',
  'host-dom0.test.ts',
  'build.test.ts',
  'whole-tree.test.ts',
  'like-git.test.ts',
];

const rank = ({ moduleId }: TestSpecification): number => {
  const at = LONG.indexOf(basename(moduleId));
  return at < 0 ? LONG.length : at;
};

/** Vitest's own order, with the long files in front. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
