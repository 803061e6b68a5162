import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hex, XspliceError } from '../../base/index.ts';
import { findBuildId, isProblem, readElf } from '../../elf/index.ts';
import { cacheFolder, fillCache, runTool } from '../../system/index.ts';
import { download, type Fetching, toolsIn, versionOf } from './packages.ts';
import { intact, writeStamp } from './stamp.ts';

/** The hypervisor, and its symbols. The folder and its stamp are those that the tests' own script makes, too. */
const XEN_PACKAGES = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.17-amd64-dbg'];
const XEN_FOLDER = 'debian-xen-4.17-amd64';
const XEN_PARTS = {
  xen: 'boot/xen-4.17-amd64',
  xenSyms: 'usr/lib/debug/boot/xen-syms-4.17-amd64',
  config: 'boot/xen-4.17-amd64.config',
} as const;

/** A hypervisor in the cache: paths. */
export interface XenFiles {
  readonly xen: string;
  readonly xenSyms: string;
}

/** Debian's Xen 4.17 for x86-64, fetched where the cache does not hold it. */
export async function debianXen(fetching: Fetching): Promise<XenFiles> {
  const cache = cacheFolder(fetching.env);
  const folder =
    intact(cache, XEN_FOLDER)?.folder ?? (await fillCache(cache, XEN_FOLDER, (made) => fetchXen(fetching, made)));
  return { xen: join(folder, XEN_PARTS.xen), xenSyms: join(folder, XEN_PARTS.xenSyms) };
}

async function fetchXen(fetching: Fetching, folder: string): Promise<void> {
  const tools = toolsIn(fetching);
  const debs = await download(fetching, XEN_PACKAGES, join(folder, 'debs'));
  fetching.progress?.({ phase: 'unpack', text: XEN_PACKAGES.join(', ') });
  for (const deb of debs) await runTool('dpkg-deb', ['-x', deb, folder], tools);
  const versions = await Promise.all(debs.map((deb) => versionOf(deb, tools)));
  if (new Set(versions).size !== 1) {
    throw new XspliceError(
      'ETOOL',
      `the packages differ in version: ${versions.join(', ')}`,
      'Run: sudo apt-get update',
    );
  }
  const xen = join(folder, XEN_PARTS.xen);
  writeFileSync(xen, gunzipSync(readFileSync(`${xen}.gz`)));
  const buildId = buildIdOf(join(folder, XEN_PARTS.xenSyms));
  rmSync(join(folder, 'debs'), { recursive: true });
  writeStamp(folder, versions[0] ?? '', buildId, Object.values(XEN_PARTS));
}

/** The build-id of a `xen-syms` that was just made, as hex digits. Throws EIMAGE where it has none. */
export function buildIdOf(xenSyms: string): string {
  const image = readElf(readFileSync(xenSyms));
  const buildId = isProblem(image) ? undefined : findBuildId(image);
  if (buildId === undefined) throw new XspliceError('EIMAGE', `${xenSyms} has no build-id`);
  return hex(buildId);
}
