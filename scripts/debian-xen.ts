/**
 * Puts Debian's Xen 4.17.7 into the tests' cache: `npx tsx scripts/debian-xen.ts`. Without a usable apt-get, download the
 * two packages elsewhere and run `npx tsx scripts/debian-xen.ts XEN.deb XEN-DBG.deb`.
 */
import { XspliceError } from '../src/base/index.ts';
import { debianXen } from '../src/targets/index.ts';

const debs = process.argv.slice(2);
try {
  const xen = await debianXen({ env: process.env }, debs.length === 0 ? undefined : debs);
  process.stdout.write(`Xen ${xen.packageVersion}, build-id ${xen.buildId}\n${xen.xenSyms}\n`);
} catch (error) {
  if (!(error instanceof XspliceError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = 1;
}
