// Debian's Xen 4.17 in a cache outside the repository: the real hypervisor that the tests hold the simulator against.
//
//   node scripts/debian-xen.mjs                     fetches it where it is not there yet
//   node scripts/debian-xen.mjs --refresh           fetches what Debian has now
//   node scripts/debian-xen.mjs XEN.deb XEN-DBG.deb takes these two packages
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { ensureLists } from './apt.mjs';
import { StepError } from './steps.mjs';

/** The hypervisor itself, and the package with its symbols. */
const PACKAGES = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.17-amd64-dbg'];

/**
 * Where the parts are, relative to the top of the unpacked packages.
 *
 * @type {Record<'xen' | 'xenSyms' | 'config', string>}
 */
const PARTS = {
  xen: 'boot/xen-4.17-amd64',
  xenSyms: 'usr/lib/debug/boot/xen-syms-4.17-amd64',
  config: 'boot/xen-4.17-amd64.config',
};

/**
 * What the cache holds. `packageVersion` is Debian's, `version` Xen's own (`4.17.7`), `buildId` hex digits as in the
 * GNU build-id note; the rest are paths.
 *
 * @typedef {{ packageVersion: string, version: string, buildId: string, xen: string, xenSyms: string, config: string }} DebianXen
 */

/** @typedef {{ packageVersion: string, buildId: string, sha256: Record<string, string> }} Stamp */

const cache =
  process.env['XSPLICE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'xsplice');

/** The folder of the unpacked packages. */
const home = join(cache, 'debian-xen-4.17-amd64');

/** Folders of the cache that a real host in QEMU is made of, besides the hypervisor: a kernel, and Xen's tools for dom0. */
const HOST_FOLDERS = ['debian-kernel-amd64', 'debian-xen-utils-4.17-amd64'];

/** The hypervisors that are built from Debian's source, and the kernels that they boot. */
const SOURCE_XEN_FOLDERS = ['debian-xen-source-x86_64', 'debian-xen-source-arm64', 'debian-xen-source-arm32'];
const SOURCE_KERNEL_FOLDERS = ['debian-kernel-amd64', 'debian-kernel-arm64', 'debian-kernel-armhf'];

/** Can a real host be booted without fetching anything? */
export const isHostCached = () => HOST_FOLDERS.every((name) => existsSync(join(cache, name)));

/** Are the hypervisors built from source there, with the trees that they were built in? */
export const isSourceXenCached = () =>
  SOURCE_XEN_FOLDERS.every((name) => ['stamp.json', 'tree'].every((part) => existsSync(join(cache, name, part))));

/** Can hosts that run them be booted without fetching anything? */
export const isSourceHostCached = () =>
  isSourceXenCached() && SOURCE_KERNEL_FOLDERS.every((name) => existsSync(join(cache, name, 'stamp.json')));

/** @param {string} path */
const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/**
 * What the cache holds, or `undefined` where it holds nothing, or not what was once put there.
 *
 * @returns {DebianXen | undefined}
 */
export function findDebianXen() {
  const stampFile = join(home, 'stamp.json');
  if (!existsSync(stampFile)) return undefined;
  /** @type {Stamp} */
  const { packageVersion, buildId, sha256: sums } = JSON.parse(readFileSync(stampFile, 'utf8'));
  const whole = Object.values(PARTS).every((path) => {
    const file = join(home, path);
    return existsSync(file) && statSync(file).size > 0 && sha256(file) === sums[path];
  });
  if (!whole) return undefined;
  const version = /^\d+\.\d+\.\d+/.exec(packageVersion)?.[0] ?? packageVersion;
  const { xen, xenSyms, config } = PARTS;
  return {
    packageVersion,
    version,
    buildId,
    xen: join(home, xen),
    xenSyms: join(home, xenSyms),
    config: join(home, config),
  };
}

/**
 * Runs one tool of the package manager in a folder; its words are shown only when it fails.
 *
 * @param {string} folder
 * @param {readonly [string, ...string[]]} command
 */
function tool(folder, [program, ...args]) {
  const result = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (result.status === 0) return result.stdout;
  const reason = result.error?.message ?? result.stderr.trim();
  throw new StepError(`\`${program} ${args.join(' ')}\` failed: ${reason}`);
}

/**
 * Downloads the packages into `folder` and returns their files.
 *
 * @param {string} folder
 */
function download(folder) {
  ensureLists();
  try {
    tool(folder, ['apt-get', '-qq', 'download', ...PACKAGES]);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new StepError(
      `${message}\nThe tests need Debian 12's packages ${PACKAGES.join(' and ')}. If the lists are old, ` +
        'run: sudo apt-get update. Elsewhere, download both and run: node scripts/debian-xen.mjs XEN.deb XEN-DBG.deb',
    );
  }
  return readdirSync(folder).map((name) => join(folder, name));
}

/**
 * Unpacks the packages into `folder`.
 *
 * @param {readonly string[]} debs
 * @param {string} folder
 */
function unpack(debs, folder) {
  for (const deb of debs) tool(folder, ['dpkg', '-x', resolve(deb), folder]);
  const xen = join(folder, PARTS.xen);
  writeFileSync(xen, gunzipSync(readFileSync(`${xen}.gz`)));
  const versions = new Set(debs.map((deb) => tool(folder, ['dpkg', '-f', resolve(deb), 'Version']).trim()));
  const [packageVersion = ''] = versions;
  if (versions.size !== 1) throw new StepError(`The two packages differ in version: ${[...versions].join(', ')}.`);
  const notes = tool(folder, ['readelf', '-n', join(folder, PARTS.xenSyms)]);
  const buildId = /Build ID: ([0-9a-f]+)/.exec(notes)?.[1];
  if (buildId === undefined) throw new StepError(`There is no build-id in ${PARTS.xenSyms}.`);
  /** @type {Stamp} */
  const stamp = {
    packageVersion,
    buildId,
    sha256: Object.fromEntries(Object.values(PARTS).map((path) => [path, sha256(join(folder, path))])),
  };
  writeFileSync(join(folder, 'stamp.json'), `${JSON.stringify(stamp, null, 2)}\n`);
}

/**
 * Puts Debian's Xen into the cache where it is not there yet. Whoever looks at the cache meanwhile sees the old state
 * or the new one: all is done in a folder beside it, which is then renamed.
 *
 * @param {{ refresh?: boolean, debs?: readonly string[] }} [options]
 * @returns {DebianXen}
 */
export function ensureDebianXen({ refresh = false, debs = [] } = {}) {
  const have = refresh || debs.length !== 0 ? undefined : findDebianXen();
  if (have !== undefined) return have;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    const downloads = join(work, 'debs');
    const unpacked = join(work, 'root');
    mkdirSync(downloads);
    mkdirSync(unpacked);
    unpack(debs.length === 0 ? download(downloads) : debs, unpacked);
    if (existsSync(home)) renameSync(home, join(work, 'old'));
    try {
      renameSync(unpacked, home);
    } catch (error) {
      // Somebody else was faster, and theirs is as good as ours.
      if (findDebianXen() === undefined) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const xen = findDebianXen();
  if (xen === undefined) throw new StepError(`${home} does not hold what was just put there.`);
  return xen;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const debs = args.filter((arg) => !arg.startsWith('-'));
  try {
    const xen = ensureDebianXen({ refresh: args.includes('--refresh'), debs });
    process.stdout.write(`Xen ${xen.packageVersion}, build-id ${xen.buildId}\n${xen.xenSyms}\n`);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
