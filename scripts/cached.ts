/**
 * Checks the tests' cache. `npx tsx scripts/cached.ts NAME…` exits with 0 if it has all of these, else with 1: `debian-xen`,
 * `debian-host`, `source-xen`, `source-host`.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../src/system/index.ts';
import { findDebianXen, SOURCE_ARCHITECTURES } from '../src/targets/index.ts';

const holds = (...names: readonly string[]): boolean =>
  names.every((name) => existsSync(join(cacheFolder(process.env), name)));

const debianXen = (): boolean => findDebianXen(process.env) !== undefined;
const sourceXen = (): boolean => holds(...SOURCE_ARCHITECTURES.map((arch) => `debian-xen-source-${arch}`));

/** Is it in the cache? By name. A host is a hypervisor with its kernel, and on x86-64 the tools that it boots. */
export const CACHED: Readonly<Record<'debian-xen' | 'debian-host' | 'source-xen' | 'source-host', () => boolean>> = {
  'debian-xen': debianXen,
  'debian-host': () => debianXen() && holds('debian-kernel-amd64', 'debian-xen-utils-4.17-amd64'),
  'source-xen': sourceXen,
  'source-host': () => sourceXen() && holds('debian-kernel-amd64', 'debian-kernel-arm64', 'debian-kernel-armhf'),
};

const isName = (name: string): name is keyof typeof CACHED => Object.hasOwn(CACHED, name);

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = process.argv.slice(2).every((name) => isName(name) && CACHED[name]()) ? 0 : 1;
}
