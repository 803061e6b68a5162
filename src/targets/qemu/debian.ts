import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hex, XspliceError } from '../../base/index.ts';
import { findBuildId, isProblem, readElf } from '../../elf/index.ts';
import { cacheFolder, fillCache, readStamp, sha256 } from './cache.ts';
import type { QemuOptions } from './options.ts';
import { type Environment, runPipe, runTool, type ToolOptions } from './tools.ts';

/** The hypervisor, and its symbols. The folder and its stamp are those that the tests' own script makes, too. */
const XEN_PACKAGES = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.17-amd64-dbg'];
const XEN_FOLDER = 'debian-xen-4.17-amd64';
const XEN_PARTS = {
  xen: 'boot/xen-4.17-amd64',
  xenSyms: 'usr/lib/debug/boot/xen-syms-4.17-amd64',
  config: 'boot/xen-4.17-amd64.config',
} as const;

/** Depends on the kernel itself. The `cloud` flavour cannot be dom0 (`CONFIG_XEN_DOM0` is not set). */
const KERNEL_META_PACKAGE = 'linux-image-amd64';
const KERNEL_FOLDER = 'debian-kernel-amd64';

/** Modules for the hypercall device and the virtio port, each behind those that it needs. Below `kernel/drivers`. */
const MODULES = [
  'xen/xen-privcmd.ko',
  'virtio/virtio_ring.ko',
  'virtio/virtio.ko',
  'virtio/virtio_pci_modern_dev.ko',
  'virtio/virtio_pci_legacy_dev.ko',
  'virtio/virtio_pci.ko',
  'char/virtio_console.ko',
];

interface Stamp {
  readonly packageVersion: string;
  /** Of the hypervisor; the kernel has the name of its package here. */
  readonly buildId: string;
  /** By path in the folder. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** Debian's hypervisor: paths. */
export interface XenFiles {
  readonly xen: string;
  readonly xenSyms: string;
}

/** Debian's kernel: the bootable image, and the modules to insert in order. */
export interface KernelFiles {
  /** Debian's version of the package. */
  readonly version: string;
  readonly vmlinuz: string;
  readonly modules: readonly string[];
}

type Fetching = Pick<QemuOptions, 'progress' | 'signal'> & { readonly env: Environment };

/** The folder, where it holds what was once put there. */
function intact(cache: string, name: string): { folder: string; stamp: Stamp } | undefined {
  const folder = join(cache, name);
  const stamp = readStamp<Stamp>(join(folder, 'stamp.json'));
  if (stamp?.sha256 === undefined || stamp.packageVersion === undefined) return undefined;
  try {
    for (const [path, sum] of Object.entries(stamp.sha256)) {
      if (sha256(readFileSync(join(folder, path))) !== sum) return undefined;
    }
  } catch {
    return undefined;
  }
  return { folder, stamp: stamp as Stamp };
}

/** Debian's Xen 4.17, fetched where the cache does not hold it. */
export async function debianXen(fetching: Fetching): Promise<XenFiles> {
  const cache = cacheFolder(fetching.env);
  const folder =
    intact(cache, XEN_FOLDER)?.folder ?? (await fillCache(cache, XEN_FOLDER, (made) => fetchXen(fetching, made)));
  return { xen: join(folder, XEN_PARTS.xen), xenSyms: join(folder, XEN_PARTS.xenSyms) };
}

/** Debian's kernel for dom0, fetched where the cache does not hold it. */
export async function debianKernel(fetching: Fetching): Promise<KernelFiles> {
  const cache = cacheFolder(fetching.env);
  if (intact(cache, KERNEL_FOLDER) === undefined) {
    await fillCache(cache, KERNEL_FOLDER, (made) => fetchKernel(fetching, made));
  }
  const folder = join(cache, KERNEL_FOLDER);
  const version = readStamp<Stamp>(join(folder, 'stamp.json'))?.packageVersion ?? '';
  return { version, vmlinuz: join(folder, 'vmlinuz'), modules: MODULES.map((name) => join(folder, basename(name))) };
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
  const image = readElf(readFileSync(join(folder, XEN_PARTS.xenSyms)));
  const buildId = isProblem(image) ? undefined : findBuildId(image);
  if (buildId === undefined) throw new XspliceError('EIMAGE', `${XEN_PARTS.xenSyms} of the package has no build-id`);
  rmSync(join(folder, 'debs'), { recursive: true });
  writeStamp(folder, versions[0] ?? '', hex(buildId), Object.values(XEN_PARTS));
}

async function fetchKernel(fetching: Fetching, folder: string): Promise<void> {
  const tools = toolsIn(fetching);
  const depends = await runTool('apt-cache', ['depends', KERNEL_META_PACKAGE], tools);
  const name = /^\s*Depends: (linux-image-\S+)/m.exec(depends)?.[1];
  if (name === undefined) throw new XspliceError('ETOOL', `apt-cache knows no ${KERNEL_META_PACKAGE}`, LISTS);
  const [deb = ''] = await download(fetching, [name], join(folder, 'debs'));
  fetching.progress?.({ phase: 'unpack', text: name });
  // The package has 400 MB, of which these are nine.
  const wanted = ['./boot/vmlinuz-*', ...MODULES.map((path) => `./lib/modules/*/kernel/drivers/${path}`)];
  const unpack = ['-x', '--wildcards', '--no-same-owner', '--transform', 's,.*/,,', '-C', folder, ...wanted] as const;
  await runPipe(['dpkg-deb', '--fsys-tarfile', deb], ['tar', ...unpack], tools);
  const vmlinuz = readdirSync(folder).find((file) => file.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) throw new XspliceError('ETOOL', `${name} has no kernel in it`);
  renameSync(join(folder, vmlinuz), join(folder, 'vmlinuz'));
  const version = await versionOf(deb, tools);
  rmSync(join(folder, 'debs'), { recursive: true });
  writeStamp(folder, version, name, ['vmlinuz', ...MODULES.map((path) => basename(path))]);
}

const LISTS =
  "These are packages of Debian 12. If its lists are old or missing, run: sudo apt-get update. Without network, copy another machine's cache.";

const toolsIn = ({ env, signal }: Fetching): ToolOptions => ({ env, signal });

const versionOf = async (deb: string, tools: ToolOptions): Promise<string> =>
  (await runTool('dpkg-deb', ['-f', deb, 'Version'], tools)).trim();

function writeStamp(folder: string, packageVersion: string, buildId: string, paths: readonly string[]): void {
  const sums = Object.fromEntries(paths.map((path) => [path, sha256(readFileSync(join(folder, path)))]));
  const stamp: Stamp = { packageVersion, buildId, sha256: sums };
  writeFileSync(join(folder, 'stamp.json'), `${JSON.stringify(stamp, null, 2)}\n`);
}

/** Downloads packages into a new folder and returns their files. */
async function download(fetching: Fetching, packages: readonly string[], folder: string): Promise<string[]> {
  mkdirSync(folder);
  const text = packages.join(', ');
  const tell = (): void => fetching.progress?.({ phase: 'download', text: `${text}: ${megabytes(folder)}` });
  tell();
  const timer = setInterval(tell, 500);
  try {
    await runTool('apt-get', ['-qq', 'download', ...packages], { ...toolsIn(fetching), cwd: folder });
  } catch (error) {
    if (!(error instanceof XspliceError) || !error.message.startsWith('apt-get failed')) throw error;
    throw new XspliceError('ETOOL', `${text} cannot be downloaded: ${error.message}`, LISTS);
  } finally {
    clearInterval(timer);
  }
  // apt-get takes packages in its own order.
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(folder, name));
}

/** How much of a download is there: apt-get has unfinished files in a folder of their own, or beside. */
function megabytes(folder: string): string {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return stat?.isFile() ? stat.size : 0;
  });
  return `${(sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB`;
}
