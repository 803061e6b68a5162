import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { XspliceError } from '../../base/index.ts';
import { loadKoffi } from '../../native/index.ts';
import type { Environment } from '../../system/index.ts';
import { ERRNO } from '../../xen/index.ts';
import { HostTarget } from './host-target.ts';
import { findLibraries, type Library, loaderFolders } from './libraries.ts';
import { bindLibrary, type LibraryCalls } from './library-calls.ts';

export interface HostOptions {
  /** Environment for LD_LIBRARY_PATH; this process's by default. */
  readonly env?: Environment;
  /** Folders to search for libraries; the dynamic loader's by default. */
  readonly folders?: readonly string[];
  /** The device for hypercalls; `/dev/xen/privcmd` by default. */
  readonly device?: string;
  /** Folder where the kernel exposes the hypervisor's version; `/sys/hypervisor/version` by default. */
  readonly versionFolder?: string;
}

const DEVICE = '/dev/xen/privcmd';
const VERSION_FOLDER = '/sys/hypervisor/version';

/** Lists the installed libraries, newest first. The first one decides which `xen-livepatch` belongs to this host. */
export const installedLibraries = (options: HostOptions = {}): Library[] =>
  findLibraries(options.folders ?? loaderFolders(options.env ?? process.env));

/** Returns the minor number of the hypervisor's version, as dom0's kernel reports it. */
function hypervisorMinor({ versionFolder = VERSION_FOLDER }: HostOptions): string | undefined {
  try {
    return /^\d+/.exec(readFileSync(`${versionFolder}/minor`, 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}

/** Says how to install the library for the hypervisor's release. */
function installHint(options: HostOptions): string {
  const minor = hypervisorMinor(options);
  const name = `libxenmisc4.${minor ?? 'NN'}`;
  const where = minor === undefined ? ', where 4.NN is the running release of Xen' : '';
  return `On Debian and Ubuntu: sudo apt-get install ${name}${where}. On other systems, install Xen's tools.`;
}

/** Throws EHOST if this is not dom0 or we lack permission. */
function checkDevice({ device = DEVICE }: HostOptions): void {
  if (!existsSync(device)) {
    throw new XspliceError(
      'EHOST',
      `not the control domain of a Xen host: ${device} does not exist`,
      'Boot Xen and run xsplice in dom0. If this is dom0, load the kernel module: sudo modprobe xen-privcmd',
    );
  }
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
  } catch {
    throw new XspliceError('EHOST', `permission denied for ${device}: only root may patch the hypervisor`, 'Use sudo.');
  }
}

/**
 * Opens the host that this process runs on, with the newest library that the hypervisor understands. Throws XspliceError: EHOST if
 * this is not dom0, not root, or the hypervisor cannot be reached; ETOOL if koffi or the library is missing.
 */
export async function openHost(options: HostOptions = {}): Promise<HostTarget> {
  checkDevice(options);
  const koffi = await loadKoffi();
  const libraries = installedLibraries(options);
  if (libraries.length === 0) throw new XspliceError('ETOOL', 'libxenctrl is not installed', installHint(options));
  let refused: LibraryCalls | undefined;
  let failure: XspliceError | undefined;
  for (const library of libraries) {
    let calls: LibraryCalls;
    try {
      calls = bindLibrary(koffi, library);
    } catch (error) {
      const reason = (error as Error).message.split('\n', 1)[0];
      failure ??= new XspliceError('ETOOL', `cannot use ${library.path}: ${reason}`, installHint(options));
      continue;
    }
    if (!(await isOfAnotherRelease(calls))) return connect(calls);
    refused ??= calls;
  }
  // Calls return the hypervisor's own errno; `adviceFor` explains it.
  if (refused !== undefined) return connect(refused);
  throw failure ?? new XspliceError('ETOOL', 'cannot use libxenctrl');
}

/** Opens the connection, runs `work`, and always closes it. Throws what `openHost` throws. */
export async function withHost<T>(options: HostOptions, work: (host: HostTarget) => Promise<T>): Promise<T> {
  const host = await openHost(options);
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}

function connect(calls: LibraryCalls): HostTarget {
  const { handle, errno } = calls.open();
  if (handle === null) {
    throw new XspliceError('EHOST', `cannot connect to the hypervisor: xc_interface_open failed with errno ${errno}`);
  }
  return new HostTarget(calls, handle);
}

/**
 * Checks for another release: a hypervisor accepts only its own sysctl interface version. Source: xen/common/sysctl.c, do_sysctl
 * (-EACCES).
 */
async function isOfAnotherRelease(calls: LibraryCalls): Promise<boolean> {
  const host = connect(calls);
  try {
    return (await host.list({ idx: 0, nr: 0 })).rc === -ERRNO.EACCES;
  } finally {
    await host.close();
  }
}

/** Explains the errno of a livepatch call if its cause is the host and not the payload. */
export function adviceFor(errno: number, library: Library, options: HostOptions = {}): string | undefined {
  switch (errno) {
    case ERRNO.ENOSYS:
      return 'this hypervisor has no live patching: it was built without CONFIG_LIVEPATCH';
    case ERRNO.EPERM:
      return 'this domain may not patch the hypervisor: use dom0, or a domain that the XSM policy allows';
    case ERRNO.EACCES: {
      const minor = hypervisorMinor(options);
      if (minor === String(library.minor)) return "the hypervisor's XSM policy forbids this";
      const runs = minor === undefined ? '' : `, but Xen 4.${minor} runs here`;
      return `wrong library: ${library.path} is for Xen 4.${library.minor}${runs}. ${installHint(options)}`;
    }
    default:
      return undefined;
  }
}
