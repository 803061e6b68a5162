import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findDebianXen, isHostCached } from '../../scripts/debian-xen.mjs';
import { inCi } from '../../scripts/steps.mjs';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
const NEEDS_XEN = join(TESTS, 'support/debian-xen.ts');

/** Does this file, or a file under `test/` that it imports, use Debian's Xen? */
function needsXen(file: string, seen: Set<string>): boolean {
  if (file === NEEDS_XEN) return true;
  // What looks like an import may be an example in a test's text.
  if (seen.has(file) || !file.startsWith(TESTS) || !existsSync(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.{1,2}\/[^']+\.ts)'/g);
  return [...imports].some(([, path = '']) => needsXen(join(dirname(file), path), seen));
}

/**
 * The test files that XSPLICE_OFFLINE=1 leaves out, relative to the checkout: those that need Debian's Xen, while it
 * is not in the cache, and those that boot it, while what it takes is not. None in CI.
 */
export function filesLeftOut(): string[] {
  if (process.env['XSPLICE_OFFLINE'] !== '1' || inCi) return [];
  const xen = findDebianXen() !== undefined;
  if (xen && isHostCached()) return [];
  return readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && needsXen(join(TESTS, name), new Set()))
    .map((name) => relative(dirname(TESTS), join(TESTS, name)).replaceAll('\\', '/'))
    .filter((name) => !xen || name.startsWith('test/targets/'))
    .sort();
}
