// Runs `npm ci` if node_modules does not match package-lock.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, StepError } from './steps.mjs';

/**
 * @typedef {{ version: string, integrity?: string, os?: string[], cpu?: string[], libc?: string[], optional?: boolean }} LockEntry
 */

/**
 * @param {string} path
 * @returns {Record<string, LockEntry>}
 */
const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

/**
 * Does npm install this optional package here? npm has rules of its own for a named C library, and for packages that only
 * other optional packages need.
 *
 * @param {LockEntry} entry
 */
function isForThisMachine({ os, cpu, libc }) {
  if (os === undefined || libc !== undefined) return false;
  return os.includes(process.platform) && (cpu === undefined || cpu.includes(process.arch));
}

/** Does node_modules match package-lock.json? npm keeps its own list of installed packages. */
export function isInstalled() {
  const list = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = packagesOf(list);
  return Object.entries(packagesOf(join(ROOT, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return wanted.optional === true && !isForThisMachine(wanted);
    return found.integrity === wanted.integrity && existsSync(join(ROOT, path, 'package.json'));
  });
}

/** Installs the packages if they are missing or stale. */
export function install() {
  if (isInstalled()) return;
  // On Windows npm is a command file, which needs a shell.
  const options = { shell: process.platform === 'win32' };
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  if (run('npm', args, options) !== 0) {
    throw new StepError('npm could not install the packages. Is the npm registry reachable? `npm ci` shows more.');
  }
}
