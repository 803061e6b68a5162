// npm test: sets up all that the tests need, then runs everything. Works on a fresh clone. Ends with the plain line
// `N passed, N failed`, where each step before the tests that went wrong counts as one failure.
//
// XSPLICE_OFFLINE=1 leaves out the tests that need Debian's Xen, or a host that runs it, where that is not in the
// cache, and says so. It has no effect in CI (CI=true), where nothing is skipped.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTools } from './apt.mjs';
import { install } from './install.mjs';
import { checkNode, inCi, run, step } from './steps.mjs';

const offline = process.env['XSPLICE_OFFLINE'] === '1' && !inCi;

/** @param {readonly string[]} args */
const node = (...args) => run(process.execPath, args);

/** @returns {{ passed: number, failed: number, skipped: number, leftOut: string[] }} */
function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-test-'));
  const file = join(folder, 'counts.json');
  try {
    const env = { ...process.env, XSPLICE_TEST_COUNTS: file };
    const status = run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], { env });
    /** @type {{ passed: number, failed: number, skipped: number, leftOut: string[] }} */
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    // A runner that fails without a failed test has another reason: no tests, or an error outside them.
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } catch (error) {
    process.stdout.write(`The test runner did not get to its end: ${/** @type {Error} */ (error).message}\n`);
    return { passed: 0, failed: 1, skipped: 0, leftOut: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} args */
const script = (...args) => node('node_modules/tsx/dist/cli.mjs', ...args);

/**
 * Offline, is this missing from the cache? A name of scripts/cached.ts.
 *
 * @param {string} name
 */
function leftOutOffline(name) {
  if (!offline || script('scripts/cached.ts', name) === 0) return false;
  process.stdout.write('XSPLICE_OFFLINE=1: not in the cache; the tests that need it are left out.\n');
  return true;
}

const debianXen = () => (leftOutOffline('debian-xen') ? 0 : script('scripts/debian-xen.ts'));

/** Builds Xen from source once: one to three minutes each on two processors. */
const sourceXen = () => (leftOutOffline('source-xen') ? 0 : script('scripts/xen-source.ts'));

/** Boots the real hypervisor once: all its tests start from that snapshot. */
const realHost = () => (leftOutOffline('debian-host') ? 0 : node('bin/xsplice.js', 'conform', 'good-cycle'));

/** The same for Arm. */
function realArmHosts() {
  if (leftOutOffline('source-host')) return 0;
  const statuses = ['arm64', 'arm32'].map((arch) => node('bin/xsplice.js', 'conform', '--arch', arch, 'good-cycle'));
  return statuses.find((status) => status !== 0);
}

function everything() {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  /**
   * @param {string} name
   * @param {() => number | void} work
   */
  const must = (name, work) => {
    const good = step(name, work);
    if (!good) totals.failed++;
    return good;
  };
  if (!must('node version', checkNode) || !must('install packages', install)) return totals;
  must('tools', ensureTools);
  must("Debian's Xen", debianXen);
  must("Xen from Debian's source", sourceXen);
  must('types', () => node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'));
  must('types of the pure rooms', () => node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.pure.json'));
  must('lint', () => node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'));
  if (must('build', () => node('scripts/build.mjs'))) {
    must('a real Xen in QEMU', realHost);
    must('a real Xen for Arm in QEMU', realArmHosts);
  }
  process.stdout.write('── tests\n');
  const { passed, failed, skipped, leftOut } = runTests();
  totals.passed = passed;
  // In CI a skipped test counts as failed.
  totals.failed += failed + (inCi ? skipped : 0);
  totals.skipped = inCi ? 0 : skipped + leftOut.length;
  for (const file of leftOut) process.stdout.write(`left out (XSPLICE_OFFLINE=1): ${file}\n`);
  return totals;
}

const { passed, failed, skipped } = everything();
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
