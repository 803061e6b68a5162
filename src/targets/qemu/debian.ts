import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hex, XspliceError } from '../../base/index.ts';
import { findBuildId, isProblem, readElf } from '../../elf/index.ts';
import { cacheFolder, type Environment, fillCache, runTool } from '../../system/index.ts';
import { download, type Fetching, toolsIn, versionOf } from './packages.ts';
import { intact, type Stamp, writeStamp } from './stamp.ts';

/**
 * The build that `test/real-xen/` was recorded on, from Debian 12's security archive. Pinned, because outdated package lists would
 * give 4.17.5 from the main archive, to which the recordings do not apply.
 */
const XEN_VERSION = '4.17.7+13-g2445b30a44-0+deb12u1';
const XEN_FOLDER = `debian-xen-${XEN_VERSION}-amd64`;

/** The hypervisor and its symbols. */
const XEN_PACKAGES = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.17-amd64-dbg'];
const XEN_PARTS = {
  xen: 'boot/xen-4.17-amd64',
  xenSyms: 'usr/lib/debug/boot/xen-syms-4.17-amd64',
  config: 'boot/xen-4.17-amd64.config',
} as const;

/** Paths of a hypervisor in the cache. */
export interface XenFiles {
  readonly xen: string;
  readonly xenSyms: string;
}

/** Debian's Xen in the cache. */
export interface DebianXen extends XenFiles {
  /** Path of its build configuration. */
  readonly config: string;
  /** Debian's version of the packages. */
  readonly packageVersion: string;
  /** Xen's version, such as `4.17.7`. */
  readonly version: string;
  /** Hex digits, as in the GNU build-id note. */
  readonly buildId: string;
}

const described = (folder: string, { packageVersion, buildId }: Stamp): DebianXen => ({
  xen: join(folder, XEN_PARTS.xen),
  xenSyms: join(folder, XEN_PARTS.xenSyms),
  config: join(folder, XEN_PARTS.config),
  packageVersion,
  version: packageVersion.replace(/[+-].*/, ''),
  buildId,
});

/** Returns Debian's Xen from the cache, or `undefined` if the cache lacks it or part of it. */
export function findDebianXen(env: Environment): DebianXen | undefined {
  const found = intact(cacheFolder(env), XEN_FOLDER, Object.values(XEN_PARTS));
  return found === undefined ? undefined : described(found.folder, found.stamp);
}

/**
 * Returns Debian's Xen 4.17.7 for x86-64, and fetches it if the cache lacks it. `debs` are the two packages if already downloaded.
 * Throws ETOOL if they are unavailable or of another version.
 */
export async function debianXen(fetching: Fetching, debs?: readonly string[]): Promise<DebianXen> {
  if (debs === undefined) {
    const found = findDebianXen(fetching.env);
    if (found !== undefined) return found;
  }
  await fillCache(cacheFolder(fetching.env), XEN_FOLDER, (made) => fetchXen(fetching, made, debs));
  const made = findDebianXen(fetching.env);
  if (made === undefined) throw new XspliceError('ETOOL', `the packages ${XEN_PACKAGES.join(', ')} are incomplete`);
  return made;
}

async function fetchXen(fetching: Fetching, folder: string, given: readonly string[] | undefined): Promise<void> {
  const tools = toolsIn(fetching);
  const downloads = join(folder, 'debs');
  const wanted = XEN_PACKAGES.map((name) => `${name}=${XEN_VERSION}`);
  const debs = given ?? (await download(fetching, wanted, downloads));
  fetching.progress?.({ phase: 'unpack', text: XEN_PACKAGES.join(', ') });
  for (const deb of debs) {
    const version = await versionOf(deb, tools);
    if (version !== XEN_VERSION) {
      const hint = `Use the packages ${wanted.join(' and ')}.`;
      throw new XspliceError('ETOOL', `${deb} has version ${version}; xsplice needs ${XEN_VERSION}`, hint);
    }
    await runTool('dpkg-deb', ['-x', deb, folder], tools);
  }
  const xen = join(folder, XEN_PARTS.xen);
  writeFileSync(xen, gunzipSync(readFileSync(`${xen}.gz`)));
  const buildId = buildIdOf(join(folder, XEN_PARTS.xenSyms));
  rmSync(downloads, { recursive: true, force: true });
  writeStamp(folder, XEN_VERSION, buildId, Object.values(XEN_PARTS));
}

/** Returns the build-id of a newly built `xen-syms` in hex. Throws EIMAGE if it has none. */
export function buildIdOf(xenSyms: string): string {
  const image = readElf(readFileSync(xenSyms));
  const buildId = isProblem(image) ? undefined : findBuildId(image);
  if (buildId === undefined) throw new XspliceError('EIMAGE', `${xenSyms} has no build-id`);
  return hex(buildId);
}
