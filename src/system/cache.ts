import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileFailure, privateFolder } from './cleanup.ts';
import type { Environment } from './tools.ts';

/** Returns the cache folder: `$XSPLICE_CACHE`, or `xsplice` in the user's cache folder. */
export const cacheFolder = (env: Environment): string =>
  env['XSPLICE_CACHE'] || join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'xsplice');

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Prefix of the names of unfinished folders. */
const UNFINISHED = 'new-';

/** Age at which an unfinished folder is removed. */
const ABANDONED_MS = 24 * 3600 * 1000;

/**
 * Makes the folder `name` in the cache: `make` fills a new one, which is then renamed. Others see the old state or the new one. If
 * two do so at once, one wins; both results are equally good.
 */
export async function fillCache(cache: string, name: string, make: (folder: string) => Promise<void>): Promise<string> {
  try {
    mkdirSync(cache, { recursive: true });
    const target = join(cache, name);
    const work = privateFolder(join(cache, UNFINISHED));
    try {
      const made = join(work.path, 'made');
      mkdirSync(made);
      await make(made);
      if (existsSync(target)) renameSync(target, join(work.path, 'old'));
      try {
        renameSync(made, target);
      } catch (error) {
        if (!existsSync(target)) throw error;
      }
    } finally {
      work.remove();
    }
    return target;
  } catch (error) {
    throw fileFailure(
      error,
      `cannot write to the cache ${cache}`,
      'Set XSPLICE_CACHE to a writable folder with 400 MB of free space.',
    );
  }
}

/** Marks a cache folder as just used. */
export function touch(folder: string): void {
  const now = new Date();
  utimesSync(folder, now, now);
}

/** Keeps the `keep` most recently used cache folders with this prefix, and removes old unfinished ones. */
export function prune(cache: string, prefix: string, keep: number): void {
  const age = (name: string): number =>
    Date.now() - (statSync(join(cache, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const names = readdirSync(cache);
  const kept = names.filter((name) => name.startsWith(prefix)).sort((a, b) => age(a) - age(b));
  const abandoned = names.filter((name) => name.startsWith(UNFINISHED) && age(name) > ABANDONED_MS);
  for (const name of [...kept.slice(keep), ...abandoned]) rmSync(join(cache, name), { recursive: true, force: true });
}

/** Reads a JSON file of ours; `undefined` if it is missing or unreadable. */
export function readStamp<Stamp>(file: string): Partial<Stamp> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
