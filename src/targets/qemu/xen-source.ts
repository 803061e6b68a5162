import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import {
  cacheFolder,
  type Environment,
  fillCache,
  requireTools,
  runTool,
  toolPrefix,
  WHO_AND_WHEN,
} from '../../system/index.ts';
import type { XenArch } from '../../xen/index.ts';
import { buildIdOf, type XenFiles } from './debian.ts';
import { type Fetching, ownLists, toolsIn, updateLists, watched } from './packages.ts';
import { keepTree, TREE_PARTS } from './source-tree.ts';
import { intact, type Stamp, writeStamp } from './stamp.ts';

/**
 * An architecture that Xen is built for here. Debian builds the hypervisors of Arm without CONFIG_LIVEPATCH; that of x86-64 has it, but its package has no
 * objects, and live patches are built from those.
 */
export type SourceArch = XenArch;

/** All of them. */
export const SOURCE_ARCHITECTURES: readonly SourceArch[] = ['x86_64', 'arm64', 'arm32'];

/** Debian 12's own archive, whose security archive has no source that can be fetched for good. */
const SUITE = 'bookworm';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What is held against the stamp. Of the tree it is what every object depends on: its many files would take too long. */
const PARTS = ['xen', 'xen-syms', 'config', ...TREE_PARTS.map((path) => `tree/${path}`)];

/** What is not in defconfig. */
const CONFIGURATION = 'CONFIG_LIVEPATCH=y\n';

/** A build takes less than three minutes of two processors. */
const MINUTE = 60_000;
const BUILD_MS = 20 * MINUTE;
const MOST_JOBS = 16;

/** What the cache holds of an architecture: paths, Debian's version of the source, and the build-id in hex digits. */
export interface SourceXen extends XenFiles {
  readonly packageVersion: string;
  readonly buildId: string;
  /** The configuration that it was built with. */
  readonly config: string;
  /** The top of the tree that it was built in: see `source-tree.ts`. Nobody may change what is in it. */
  readonly tree: string;
}

const folderName = (arch: SourceArch): string => `debian-xen-source-${arch}`;

const described = ({ folder, stamp }: { folder: string; stamp: Stamp }): SourceXen => ({
  xen: join(folder, 'xen'),
  xenSyms: join(folder, 'xen-syms'),
  config: join(folder, 'config'),
  tree: join(folder, 'tree'),
  packageVersion: stamp.packageVersion,
  buildId: stamp.buildId,
});

/** The hypervisor that the cache holds, or `undefined`. */
export function findSourceXen(env: Environment, arch: SourceArch): SourceXen | undefined {
  const found = intact(cacheFolder(env), folderName(arch), PARTS);
  return found === undefined ? undefined : described(found);
}

/**
 * Xen from Debian 12's source package with CONFIG_LIVEPATCH=y, otherwise Xen's own defaults: built where the cache does not
 * hold it, which takes one to three minutes and the compiler for that architecture. Throws ETOOL.
 */
export async function sourceXen(fetching: Fetching, arch: SourceArch): Promise<SourceXen> {
  const found = findSourceXen(fetching.env, arch);
  if (found !== undefined) return found;
  const prefix = toolPrefix(arch);
  const tools = ['apt-get', 'dpkg-source', 'make', 'flex', 'bison', 'python3', `${prefix}gcc`];
  requireTools(tools, fetching.env, `building Xen for ${arch}`);
  const cache = cacheFolder(fetching.env);
  await fillCache(cache, folderName(arch), async (made) => {
    const work = join(made, 'work');
    const { tree, version } = await fetchSource(fetching, work);
    await build(fetching, arch, tree, made);
    keepTree(tree, join(made, 'tree'));
    rmSync(work, { recursive: true });
    writeStamp(made, version, buildIdOf(join(made, 'xen-syms')), PARTS);
  });
  const built = findSourceXen(fetching.env, arch);
  if (built === undefined) throw new XspliceError('ETOOL', `${cache} lost the Xen that was just built there`);
  return built;
}

/**
 * Where this machine gets Debian 12's packages from, in whichever form its sources are written, or else the packages of another Debian: an archive has
 * several. Throws ETOOL where it gets none.
 */
async function mirror(fetching: Fetching): Promise<string> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const targets = await runTool(
    'apt-get',
    ['indextargets', '--format', format, 'Created-By: Packages'],
    toolsIn(fetching),
  );
  const rows = targets.split('\n').map((line) => line.split(' '));
  const main = rows.filter(([, , component]) => component === 'main');
  const [uri] =
    main.find(([, release]) => release === SUITE) ?? main.find(([name]) => name?.endsWith('/debian/')) ?? [];
  if (uri !== undefined) return uri;
  const hint = "Add Debian's archive to the sources of apt-get, or copy the cache of a machine that has it.";
  throw new XspliceError(
    'ETOOL',
    "cannot download Xen's source: apt-get has no Debian archive among its sources",
    hint,
  );
}

/** Downloads and unpacks the source package. APT has held it against the archive's signature by then. */
async function fetchSource(fetching: Fetching, work: string): Promise<{ tree: string; version: string }> {
  mkdirSync(work);
  const list = join(work, 'source.list');
  writeFileSync(list, `deb-src [signed-by=${KEYRING}] ${await mirror(fetching)} ${SUITE} main\n`);
  const sources = [`-oDir::Etc::sourcelist=${list}`, '-oDir::Etc::sourceparts=-', ...ownLists(join(work, 'lists'))];
  await updateLists(sources, fetching);
  const downloads = join(work, 'source');
  mkdirSync(downloads);
  await watched(fetching, 'source of xen', downloads, ['-qq', ...sources, 'source', '--download-only', 'xen']);
  const dsc = readdirSync(downloads).find((name) => name.endsWith('.dsc'));
  if (dsc === undefined) throw new XspliceError('ETOOL', 'apt-get source downloaded no .dsc file of xen');
  const version = /^Version: (\S+)$/m.exec(readFileSync(join(downloads, dsc), 'utf8'))?.[1] ?? '';
  fetching.progress?.({ phase: 'unpack', text: dsc });
  const options = { ...toolsIn(fetching), cwd: downloads };
  await runTool('dpkg-source', ['--no-check', '--no-copy', '-x', dsc, 'tree'], options);
  return { tree: join(downloads, 'tree'), version };
}

async function build(fetching: Fetching, arch: SourceArch, tree: string, folder: string): Promise<void> {
  const xen = join(tree, 'xen');
  const env = { ...fetching.env, ...WHO_AND_WHEN };
  const jobs = Math.min(availableParallelism(), MOST_JOBS);
  const make = (target: string, ...more: string[]): Promise<string> =>
    runTool('make', [...more, `XEN_TARGET_ARCH=${arch}`, `CROSS_COMPILE=${toolPrefix(arch)}`, target], {
      env,
      signal: fetching.signal,
      cwd: xen,
      timeout: BUILD_MS,
      onLine: (line) => fetching.progress?.({ phase: 'build', text: `xen for ${arch}: ${line.trim()}` }),
    });
  await make('defconfig');
  appendFileSync(join(xen, '.config'), CONFIGURATION);
  await make('olddefconfig');
  await make('build', `-j${jobs}`);
  renameSync(join(xen, 'xen'), join(folder, 'xen'));
  renameSync(join(xen, 'xen-syms'), join(folder, 'xen-syms'));
  copyFileSync(join(xen, '.config'), join(folder, 'config'));
}
