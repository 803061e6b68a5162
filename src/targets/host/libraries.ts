import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../system/index.ts';

/** An installed `libxenctrl`. Its file name gives the Xen release, and so its interface. */
export interface Library {
  readonly path: string;
  /** `17` of `libxenctrl.so.4.17`. */
  readonly minor: number;
}

const NAME = /^libxenctrl\.so\.4\.(\d+)$/;

/** Debian's architecture names in library folders, by Node's names. */
const TRIPLETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  arm: 'arm-linux-gnueabihf',
};

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Returns the folders that the dynamic loader searches: `LD_LIBRARY_PATH`, its configuration, and its built-in ones.
 * Source: ld.so(8), ldconfig(8).
 */
export function loaderFolders(env: Environment): string[] {
  const wanted = (env['LD_LIBRARY_PATH'] ?? '').split(/[:;]/);
  const configurations = ['/etc/ld.so.conf', ...names('/etc/ld.so.conf.d').map((name) => `/etc/ld.so.conf.d/${name}`)];
  const configured = configurations
    .flatMap(lines)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/'));
  const triplet = TRIPLETS[process.arch] ?? '';
  const standard = [
    '/usr/local/lib',
    `/lib/${triplet}`,
    `/usr/lib/${triplet}`,
    '/lib64',
    '/usr/lib64',
    '/lib',
    '/usr/lib',
  ];
  return [...new Set([...wanted, ...configured, ...standard])].filter((folder) => folder !== '');
}

/** Finds the libraries in these folders, newest release first, each release once. */
export function findLibraries(folders: readonly string[]): Library[] {
  const found = new Map<number, Library>();
  for (const folder of folders) {
    for (const name of names(folder)) {
      const minor = Number(NAME.exec(name)?.[1] ?? Number.NaN);
      if (!Number.isNaN(minor) && !found.has(minor)) found.set(minor, { path: join(folder, name), minor });
    }
  }
  return [...found.values()].sort((a, b) => b.minor - a.minor);
}
