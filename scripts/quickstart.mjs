// npm run quickstart: from a fresh clone to a rehearsal, with nothing but Node and npm.

import { install } from './install.mjs';
import { checkNode, ROOT, run, StepError, step } from './steps.mjs';

/** The story: the same payload under two releases of Xen, with the exit status that tells it. */
const REHEARSALS = [
  { release: '4.18.1', status: 0 },
  { release: '4.18.0', status: 1 },
];

function quickstart() {
  checkNode();
  const ready = step('install packages', install) && step('build', () => run(process.execPath, ['scripts/build.mjs']));
  if (!ready) return 1;
  for (const { release, status } of REHEARSALS) {
    const args = ['rehearse', '--example', 'hello', '--release', release];
    process.stdout.write(`\n$ xsplice ${args.join(' ')}\n`);
    const got = run(process.execPath, ['bin/xsplice.js', ...args]);
    if (got !== status) throw new StepError(`That ended with status ${got}, not ${status}: please report it.`);
  }
  process.stdout.write(`\nThe program is ${ROOT}/bin/xsplice.js; try \`node bin/xsplice.js --help\`.\n`);
  return 0;
}

try {
  process.exitCode = quickstart();
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
