import { defineConfig } from 'vitest/config';
import { filesLeftOut } from './test/support/left-out.ts';
import { LongestFirst } from './test/support/sequencer.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: filesLeftOut(),
    reporters: ['default', './test/support/reporter.ts'],
    pool: 'threads',
    // One worker less than cores is the runner's own choice; the test machines have two.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
