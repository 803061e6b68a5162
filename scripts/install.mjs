// Brings node_modules in step with package-lock.json, with `npm ci`, where it is not.
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
 * Does npm install this optional package here? Where a C library is named, and for what only other optional packages
 * need, npm decides by rules of its own.
 *
 * @param {LockEntry} entry
 */
function isForThisMachine({ os, cpu, libc }) {
  if (os === undefined || libc !== undefined) return false;
  return os.includes(process.platform) && (cpu === undefined || cpu.includes(process.arch));
}

/** Does node_modules hold what package-lock.json names? npm keeps its own list of what it installed there. */
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

/** Installs the packages where they are missing or stale. */
export function install() {
  if (isInstalled()) return;
  // On Windows npm is a command file, which only a shell can run.
  const options = { shell: process.platform === 'win32' };
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  if (run('npm', args, options) !== 0) {
    throw new StepError('npm could not install the packages. Is the npm registry reachable? `npm ci` shows more.');
  }
}
