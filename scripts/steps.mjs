// Shared by the set-up scripts. Plain JavaScript without dependencies, because they run before anything is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the checkout. */
export const ROOT = resolve(fileURLToPath(import.meta.url), '../..');

/** A failure whose message is complete: what is wrong, and how to fix it. */
export class StepError extends Error {}

/** CI skips nothing: a missing piece fails. */
export const inCi = process.env['CI'] === 'true' || process.env['CI'] === '1';

/** Refuses a Node older than `engines.node` of package.json. */
export function checkNode() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor = 0] = wanted.split('.').map(Number);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    throw new StepError(`Node ${process.versions.node} is too old: xsplice needs ${wanted} or newer.`);
  }
}

/**
 * Runs a program in the checkout with our output, and returns its exit status.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {number}
 */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error) throw new StepError(`${program} cannot be run: ${result.error.message}`);
  return result.status ?? 1;
}

/**
 * Runs a program quietly and returns its output; `undefined` if it is missing or fails.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {string | undefined}
 */
export function output(program, args) {
  const result = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout : undefined;
}

/**
 * Runs one step, prints its name and duration, and returns whether it succeeded.
 *
 * @param {string} name
 * @param {() => number | void} work Returns an exit status, or throws a StepError.
 */
export function step(name, work) {
  const begin = performance.now();
  process.stdout.write(`── ${name}\n`);
  let good = false;
  try {
    good = (work() ?? 0) === 0;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stdout.write(`${error.message}\n`);
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stdout.write(`── ${name}: ${good ? 'done' : 'FAILED'} in ${seconds} s\n`);
  return good;
}
