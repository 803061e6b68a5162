import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStamp, sha256 } from '../../system/index.ts';

/** Records what a cache folder contains. */
export interface Stamp {
  readonly packageVersion: string;
  /** Build-id of the hypervisor; for a kernel, the package name. */
  readonly buildId: string;
  /** By path in the folder. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** Returns the folder if it still has everything recorded. A stamp that lacks one of `parts` was written by an earlier release. */
export function intact(
  cache: string,
  name: string,
  parts: readonly string[] = [],
): { folder: string; stamp: Stamp } | undefined {
  const folder = join(cache, name);
  const stamp = readStamp<Stamp>(join(folder, 'stamp.json'));
  if (stamp?.sha256 === undefined || stamp.packageVersion === undefined) return undefined;
  const sums = stamp.sha256;
  if (parts.some((part) => sums[part] === undefined)) return undefined;
  try {
    for (const [path, sum] of Object.entries(stamp.sha256)) {
      if (sha256(readFileSync(join(folder, path))) !== sum) return undefined;
    }
  } catch {
    return undefined;
  }
  return { folder, stamp: stamp as Stamp };
}

/** Writes the stamp of a folder with these files. */
export function writeStamp(folder: string, packageVersion: string, buildId: string, paths: readonly string[]): void {
  const sums = Object.fromEntries(paths.map((path) => [path, sha256(readFileSync(join(folder, path)))]));
  const stamp: Stamp = { packageVersion, buildId, sha256: sums };
  writeFileSync(join(folder, 'stamp.json'), `${JSON.stringify(stamp, null, 2)}\n`);
}
