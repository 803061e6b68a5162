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
 * An architecture that we build Xen for. Debian builds its Arm hypervisors without CONFIG_LIVEPATCH. Its x86-64 package has it, but
 * contains no objects, and building a live patch needs those.
 */
export type SourceArch = XenArch;

/** All of them. */
export const SOURCE_ARCHITECTURES: readonly SourceArch[] = ['x86_64', 'arm64', 'arm32'];

/** Debian 12's main archive; the security archive does not keep its sources. */
const SUITE = 'bookworm';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Paths that the stamp covers. Of the tree, only the files that every object depends on: checking all would be too slow. */
const PARTS = ['xen', 'xen-syms', 'config', ...TREE_PARTS.map((path) => `tree/${path}`)];

/** Options that differ from defconfig. */
const CONFIGURATION = 'CONFIG_LIVEPATCH=y\n';

/** A build takes less than three minutes on two processors. */
const MINUTE = 60_000;
const BUILD_MS = 20 * MINUTE;
const MOST_JOBS = 16;

/** A hypervisor in the cache: paths, Debian's version of the source, and the build-id in hex. */
export interface SourceXen extends XenFiles {
  readonly packageVersion: string;
  readonly buildId: string;
  /** Its build configuration. */
  readonly config: string;
  /** Top of its build tree; see `source-tree.ts`. Read-only. */
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

/** Returns the hypervisor from the cache, or `undefined`. */
export function findSourceXen(env: Environment, arch: SourceArch): SourceXen | undefined {
  const found = intact(cacheFolder(env), folderName(arch), PARTS);
  return found === undefined ? undefined : described(found);
}

/**
 * Returns Xen from Debian 12's source package, with CONFIG_LIVEPATCH=y and Xen's defaults otherwise. If the cache lacks it, builds
 * it in one to three minutes with the compiler for that architecture. Throws ETOOL.
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
 * Finds this machine's archive for Debian 12 packages in any format of its sources list, or an archive of another Debian release,
 * which carries several. Throws ETOOL if there is none.
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

/** Downloads and unpacks the source package. APT has verified it against the archive's signature. */
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
