import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { cacheFolder, fillCache, readStamp, runPipe, runTool } from '../../system/index.ts';
import { download, type Fetching, LISTS_HINT, listsFor, toolsIn, versionOf } from './packages.ts';
import { intact, type Stamp, writeStamp } from './stamp.ts';

/** Debian's kernel for an architecture. */
export interface KernelPackage {
  /** As Debian calls the architecture. */
  readonly debianArch: 'amd64' | 'arm64' | 'armhf';
  /** Depends on the kernel itself. */
  readonly metaPackage: string;
  /** For the hypercall device and the virtio port, each behind those that it needs. Below `kernel/drivers`; at most ten. */
  readonly modules: readonly string[];
}

/** Debian's kernel: the bootable image, and the modules to insert in order. */
export interface KernelFiles {
  /** Debian's version of the package. */
  readonly version: string;
  readonly vmlinuz: string;
  readonly modules: readonly string[];
}

/** Debian's kernel for dom0, fetched where the cache does not hold it. */
export async function debianKernel(fetching: Fetching, kernel: KernelPackage): Promise<KernelFiles> {
  const cache = cacheFolder(fetching.env);
  const name = `debian-kernel-${kernel.debianArch}`;
  if (intact(cache, name) === undefined) await fillCache(cache, name, (made) => fetchKernel(fetching, kernel, made));
  const folder = join(cache, name);
  const version = readStamp<Stamp>(join(folder, 'stamp.json'))?.packageVersion ?? '';
  const modules = kernel.modules.map((path) => join(folder, basename(path)));
  return { version, vmlinuz: join(folder, 'vmlinuz'), modules };
}

async function fetchKernel(fetching: Fetching, kernel: KernelPackage, folder: string): Promise<void> {
  const { debianArch, metaPackage, modules } = kernel;
  const tools = toolsIn(fetching);
  const lists = await listsFor(debianArch, join(folder, 'lists'), fetching);
  const depends = await runTool('apt-cache', [...lists, 'depends', metaPackage], tools);
  const name = /^\s*Depends: (linux-image-\S+)/m.exec(depends)?.[1];
  if (name === undefined) throw new XspliceError('ETOOL', `apt-cache does not know ${metaPackage}`, LISTS_HINT);
  const [deb = ''] = await download(fetching, [name], join(folder, 'debs'), lists);
  fetching.progress?.({ phase: 'unpack', text: name });
  // The package has some hundred megabytes, of which these are less than thirty.
  const wanted = ['./boot/vmlinuz-*', ...modules.map((path) => `./lib/modules/*/kernel/drivers/${path}`)];
  const unpack = ['-x', '--wildcards', '--no-same-owner', '--transform', 's,.*/,,', '-C', folder, ...wanted] as const;
  await runPipe(['dpkg-deb', '--fsys-tarfile', deb], ['tar', ...unpack], tools);
  const vmlinuz = readdirSync(folder).find((file) => file.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) throw new XspliceError('ETOOL', `the package ${name} has no kernel`);
  renameSync(join(folder, vmlinuz), join(folder, 'vmlinuz'));
  const version = await versionOf(deb, tools);
  for (const left of ['debs', 'lists']) rmSync(join(folder, left), { recursive: true, force: true });
  writeStamp(folder, version, name, ['vmlinuz', ...modules.map((path) => basename(path))]);
}
