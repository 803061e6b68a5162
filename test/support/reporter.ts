import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { filesLeftOut } from './left-out.ts';

/**
 * Counts the tests. The last line is the plain `N passed, N failed`; under `npm test`, which has more to add up, the
 * counts go to the file that XSPLICE_TEST_COUNTS names instead.
 */
export default class PlainCounts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      // What goes wrong outside of the tests, while a file is loaded or in its hooks, has no test to be counted with.
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') counts.failed++;
        else counts[state]++;
      }
    }
    const file = process.env['XSPLICE_TEST_COUNTS'];
    if (file !== undefined) {
      writeFileSync(file, JSON.stringify({ ...counts, leftOut: filesLeftOut() }));
      return;
    }
    const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  }
}
