import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHED } from '../../scripts/cached.ts';
import { inCi } from '../../scripts/steps.mjs';

const TESTS = fileURLToPath(new URL('..', import.meta.url));

/** The files of `test/support` that give a real hypervisor: is it there, and can a host that runs it be booted? */
const HYPERVISORS = [
  { file: join(TESTS, 'support/debian-xen.ts'), xen: CACHED['debian-xen'], host: CACHED['debian-host'] },
  { file: join(TESTS, 'support/source-xen.ts'), xen: CACHED['source-xen'], host: CACHED['source-host'] },
];

/** The folders of tests that boot hosts. */
const BOOTING = ['targets', 'builder'];

/** Does this test file, or a file under `test/` that it imports, use that file? */
function uses(wanted: string, file: string, seen = new Set<string>()): boolean {
  if (file === wanted) return true;
  // What looks like an import may be an example in a test's text.
  if (seen.has(file) || !file.startsWith(TESTS) || !existsSync(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.{1,2}\/[^']+\.ts)'/g);
  return [...imports].some(([, path = '']) => uses(wanted, join(dirname(file), path), seen));
}

/**
 * The test files that XSPLICE_OFFLINE=1 leaves out, relative to the checkout: those that need a real Xen, while it
 * is not in the cache, and those that boot it, while what it takes is not. None in CI.
 */
export function filesLeftOut(): string[] {
  if (process.env['XSPLICE_OFFLINE'] !== '1' || inCi) return [];
  const missing = HYPERVISORS.map(({ file, xen, host }) => ({ file, xen: xen(), host: host() })).filter(
    ({ xen, host }) => !xen || !host,
  );
  const left = (name: string): boolean =>
    missing.some(
      ({ file, xen }) =>
        (!xen || BOOTING.some((folder) => name.startsWith(`${folder}/`))) && uses(file, join(TESTS, name)),
    );
  return readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && left(name))
    .map((name) => relative(dirname(TESTS), join(TESTS, name)).replaceAll('\\', '/'))
    .sort();
}
