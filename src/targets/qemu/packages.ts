import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { type Environment, runTool, type ToolOptions, throwIfInterrupted } from '../../system/index.ts';
import type { QemuOptions } from './options.ts';

/** What a download needs: the environment with programs and cache, a progress callback, and a signal. */
export type Fetching = Pick<QemuOptions, 'progress' | 'signal'> & { readonly env: Environment };

export const toolsIn = ({ env, signal }: Fetching): ToolOptions => ({ env, signal });

/** Advice if a package is unavailable. */
export const LISTS_HINT =
  "These are packages of Debian 12, from its main and security archives. Without network, copy another machine's cache.";

/** Returns Debian's version of a package file. */
export const versionOf = async (deb: string, tools: ToolOptions): Promise<string> =>
  (await runTool('dpkg-deb', ['-f', deb, 'Version'], tools)).trim();

/** Returns APT's options for lists in our own folder, so the machine's lists and package cache stay unchanged. */
export function ownLists(folder: string): string[] {
  mkdirSync(join(folder, 'partial'), { recursive: true });
  return [`-oDir::State::Lists=${folder}`, '-oDir::Cache::pkgcache=', '-oDir::Cache::srcpkgcache='];
}

/** Fetches package lists. Ignores failures: the later download names what is missing. */
export async function updateLists(options: readonly string[], fetching: Fetching): Promise<void> {
  fetching.progress?.({ phase: 'download', text: 'lists of packages' });
  try {
    await runTool('apt-get', ['-qq', ...options, 'update'], toolsIn(fetching));
  } catch (error) {
    if (!(error instanceof XspliceError) || !error.message.startsWith('apt-get failed')) throw error;
  }
}

/** Returns APT's options for packages of an architecture. For a foreign architecture it fetches 10 MB of lists into `folder`. */
export async function listsFor(debianArch: string, folder: string, fetching: Fetching): Promise<readonly string[]> {
  const own = (await runTool('dpkg', ['--print-architecture'], toolsIn(fetching))).trim();
  if (own === debianArch) return [];
  const options = [`-oAPT::Architecture=${debianArch}`, `-oAPT::Architectures=${debianArch}`, ...ownLists(folder)];
  await updateLists(options, fetching);
  return options;
}

/**
 * Downloads packages (`NAME` or `NAME=VERSION`) into a new folder and returns their files. If the machine's lists are missing or
 * outdated, it retries with fresh lists of its own. `options` are APT's, from {@link listsFor}.
 */
export async function download(
  fetching: Fetching,
  packages: readonly string[],
  folder: string,
  options: readonly string[] = [],
): Promise<string[]> {
  mkdirSync(folder);
  const get = (lists: readonly string[]): Promise<void> =>
    watched(fetching, packages.join(', '), folder, ['-qq', ...options, ...lists, 'download', ...packages]);
  try {
    await get([]);
  } catch (error) {
    throwIfInterrupted(fetching.signal);
    if (!(error instanceof XspliceError) || error.code !== 'ETOOL') throw error;
    const lists = ownLists(join(folder, 'lists'));
    await updateLists([...options, ...lists], fetching);
    await get(lists);
  }
  // apt-get downloads in its own order.
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(folder, name));
}

/** Runs an apt-get that downloads into a folder, and reports progress. */
export async function watched(
  fetching: Fetching,
  text: string,
  folder: string,
  args: readonly string[],
): Promise<void> {
  const tell = (): void => fetching.progress?.({ phase: 'download', text: `${text}: ${megabytes(folder)}` });
  tell();
  const timer = setInterval(tell, 500);
  try {
    await runTool('apt-get', args, { ...toolsIn(fetching), cwd: folder });
  } catch (error) {
    if (!(error instanceof XspliceError) || !error.message.startsWith('apt-get failed')) throw error;
    throw new XspliceError('ETOOL', `cannot download ${text}: ${error.message}`, LISTS_HINT);
  } finally {
    clearInterval(timer);
  }
}

/** Returns how much has been downloaded. apt-get keeps unfinished files in a subfolder or beside the others. */
function megabytes(folder: string): string {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return stat?.isFile() ? stat.size : 0;
  });
  return `${(sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB`;
}
