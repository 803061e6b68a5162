import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { configEnabled, parseConfig, type XenArch, type XenConfig } from '../../xen/index.ts';

/** A source tree of Xen, and its build if kept. All paths are absolute and real. */
export interface SourceTree {
  /** The top; paths in patches start here. */
  readonly top: string;
  /** The hypervisor's sources: `xen/` of the top. */
  readonly source: string;
  /** The build folder: the same, or that of `make O=…`. */
  readonly objects: string;
  /** Version in xen/Makefile: `4.17.5`. */
  readonly version: string;
  readonly arch: XenArch;
  readonly config: XenConfig;
  /** The text of {@link config}. */
  readonly configText: string;
  /** `xen-syms` of the build, if any. */
  readonly xenSyms: string | undefined;
  /** Were the objects kept? Also false if only `xen-syms` was. */
  readonly built: boolean;
  readonly writable: boolean;
}

export interface OpenTreeOptions {
  /** The folder of `make O=…`, if `path` is the source. */
  readonly objects?: string;
  /** A `.config` to use instead of the tree's own. The tree then counts as not built. */
  readonly config?: string;
}

/** Files in `xen/` of a source tree, in every release. */
const LANDMARKS = ['Makefile', 'Rules.mk', 'common/kernel.c', 'include/xen/lib.h'] as const;

/** Maximum characters of a text file in a tree. */
const MOST_TEXT = 0x400_0000;

/**
 * Opens the top of a Xen source tree, its `xen/` folder, or a `make O=…` folder (since 4.17). Throws EUSAGE if it is none of these,
 * or has no configuration with live patching.
 */
export function openTree(path: string, options: OpenTreeOptions = {}): SourceTree {
  const { source, objects } = findFolders(path, options);
  const own = join(objects, '.config');
  const configFile = options.config ?? own;
  const configText = readText(configFile);
  if (configText === undefined) {
    throw new XspliceError(
      'EUSAGE',
      `${objects} has no .config`,
      'Give the .config of the running hypervisor with --config, or the tree that it was built in.',
    );
  }
  const config = parseConfig(configText);
  const arch = archOf(config);
  if (arch === undefined) {
    throw new XspliceError('EUSAGE', `${configFile} is not for an architecture with live patching`, ARCH_HINT);
  }
  if (!configEnabled(config, 'CONFIG_LIVEPATCH')) throw withoutLivepatch(configFile);
  const ownConfig = options.config === undefined || readText(own) === configText;
  const xenSyms = join(objects, 'xen-syms');
  return {
    top: dirname(source),
    source,
    objects,
    version: versionOf(source),
    arch,
    config,
    configText,
    xenSyms: ownConfig && existsSync(xenSyms) ? xenSyms : undefined,
    built: ownConfig && existsSync(join(objects, 'common/domctl.o')),
    writable: canWrite(objects),
  };
}

function findFolders(path: string, options: OpenTreeOptions): { source: string; objects: string } {
  if (!existsSync(path)) throw new XspliceError('EUSAGE', `${path}: no such file or directory`);
  const folder = realpathSync(path);
  for (const source of [folder, join(folder, 'xen')]) {
    if (lacking(source).length > 0 || basename(source) !== 'xen') continue;
    return { source, objects: options.objects === undefined ? source : objectsFolder(options.objects) };
  }
  // A `make O=…` folder has a link to the source, and a one-line Makefile.
  const link = join(folder, 'source');
  if (existsSync(link) && options.objects === undefined) {
    const source = realpathSync(link);
    if (lacking(source).length === 0 && source !== folder) return { source, objects: folder };
  }
  const best = existsSync(join(folder, 'xen')) ? join(folder, 'xen') : folder;
  const what = lacking(best);
  const why = what.length === 0 ? 'its folder is not named xen' : `${best} lacks ${what.join(', ')}`;
  const hint = 'Give the top of the tree, its folder xen, or the folder of make O=….';
  throw new XspliceError('EUSAGE', `${path} is not a Xen source tree: ${why}`, hint);
}

function objectsFolder(path: string): string {
  if (!existsSync(path)) throw new XspliceError('EUSAGE', `${path}: no such file or directory`);
  return realpathSync(resolve(path));
}

const lacking = (source: string): readonly string[] => LANDMARKS.filter((name) => !existsSync(join(source, name)));

const ARCH_HINT = 'It needs one of CONFIG_X86_64, CONFIG_ARM_64 and CONFIG_ARM_32.';

/** The configuration option of each architecture. */
const ARCH_OPTIONS: readonly (readonly [string, XenArch])[] = [
  ['CONFIG_X86_64', 'x86_64'],
  ['CONFIG_ARM_64', 'arm64'],
  ['CONFIG_ARM_32', 'arm32'],
];

const archOf = (config: XenConfig): XenArch | undefined =>
  ARCH_OPTIONS.find(([option]) => configEnabled(config, option))?.[1];

function withoutLivepatch(configFile: string): XspliceError {
  return new XspliceError(
    'EUSAGE',
    `${configFile} has no CONFIG_LIVEPATCH=y: that hypervisor cannot load live patches`,
    'Build and boot one with CONFIG_LIVEPATCH=y first, or give the .config of the running hypervisor.',
  );
}

/** Reads the version from xen/Makefile; `unknown` if it is missing. */
function versionOf(source: string): string {
  const text = readText(join(source, 'Makefile')) ?? '';
  const value = (name: string): string => new RegExp(`^export ${name}\\s*[?:]?=\\s*(\\S*)`, 'm').exec(text)?.[1] ?? '';
  const extra = value('XEN_EXTRAVERSION').replace(/\$\(.*$/, '');
  const version = `${value('XEN_VERSION')}.${value('XEN_SUBVERSION')}${extra}`;
  return version.startsWith('.') ? 'unknown' : version;
}

/** Reads a text file as a byte string; `undefined` if it cannot. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').slice(0, MOST_TEXT);
  } catch {
    return undefined;
  }
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
