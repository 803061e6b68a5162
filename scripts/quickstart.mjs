// npm run quickstart: from a fresh clone to a rehearsal, with only Node and npm.

import { install } from './install.mjs';
import { checkNode, run, StepError, step } from './steps.mjs';

/** One payload under two releases of Xen: what to look at, and the exit status to expect. */
const REHEARSALS = [
  {
    release: '4.18.1',
    status: 0,
    text: `
The payload "hello" replaces one function, xen_extra_version, in the miniature hypervisor that comes with xsplice.
A rehearsal takes it through its whole life on a simulated host. Under the rules of Xen 4.18.1 all goes well: after each
step "verify" compares the hypervisor's code with what it should be, and in the end nothing is left.`,
  },
  {
    release: '4.18.0',
    status: 1,
    text: `
The same payload under the rules of Xen 4.18.0. That release keeps its notes about a patched function inside the payload,
in .livepatch.funcs, which is read-only once loaded. So applying it takes the host down, and the page walk shows why: the
last entry (L1) is present (bit 0), but not writable (bit 1). Since 4.18.1 the notes are kept outside of the payload.`,
  },
];

function quickstart() {
  checkNode();
  const ready = step('install packages', install) && step('build', () => run(process.execPath, ['scripts/build.mjs']));
  if (!ready) return 1;
  for (const { release, status, text } of REHEARSALS) {
    const args = ['rehearse', '--example', 'hello', '--release', release];
    process.stdout.write(`${text}\n\n$ xsplice ${args.join(' ')}\n\n`);
    const got = run(process.execPath, ['bin/xsplice.js', ...args]);
    if (got !== status) throw new StepError(`That ended with status ${got}, not ${status}: please report it.`);
  }
  process.stdout.write(`
Now with a payload and a hypervisor of your own:

  node bin/xsplice.js check YOUR.livepatch --xen xen-syms
  node bin/xsplice.js --help
`);
  return 0;
}

try {
  process.exitCode = quickstart();
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
