import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { BuildVerdict } from '../documents/index.ts';
import { documentJson, renderBuild } from '../report/index.ts';
import type { BaseRequest, BuildRun } from './build-run.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples } from './context.ts';
import { interruptible } from './interruptible.ts';
import { EXIT } from './io.ts';
import { linkerChoice } from './payload-options.ts';
import { startProgress } from './progress.ts';
import { styleFor, wantsColor } from './style.ts';
import { buildId, jobCount, paths, texts } from './values.ts';

/** What commander makes of the options. */
interface BuildFlags extends OutputOptions {
  readonly source?: string;
  readonly base?: readonly string[];
  readonly manifest?: string;
  readonly patch?: readonly string[];
  readonly output?: string;
  readonly xen?: string;
  readonly config?: string;
  readonly pristine?: readonly string[];
  readonly name?: string;
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  readonly release?: string;
  readonly rule?: readonly string[];
  readonly allowLayout?: readonly string[];
  readonly debugFile?: string;
  readonly ld?: string;
  readonly crossPrefix?: string;
  readonly keep?: boolean;
  readonly jobs?: number;
  readonly explain?: boolean;
}

/** Options that say what one hypervisor is. */
const OF_ONE_BASE = {
  xen: '--xen',
  config: '--config',
  pristine: '--pristine',
  depends: '--depends',
  xenDepends: '--xen-depends',
  release: '--release',
} as const;

const usage = (message: string, hint?: string): XspliceError => new XspliceError('EUSAGE', message, hint);

/** Throws where an option of a single base is given, and there is none. */
function refuseOfOneBase(flags: BuildFlags, what: string): void {
  const given = Object.entries(OF_ONE_BASE).find(([key]) => flags[key as keyof typeof OF_ONE_BASE] !== undefined);
  if (given !== undefined)
    throw usage(`${given[1]} is for a single base, and there ${what}`, 'a manifest says it for each base');
}

/** The bases of the command line. Throws an XspliceError (EUSAGE) where it is not said, or said twice, what to build and for what. */
function basesOf(flags: BuildFlags): readonly BaseRequest[] {
  const { source, base = [], manifest, patch = [] } = flags;
  if (manifest !== undefined) {
    if (source !== undefined || base.length > 0)
      throw usage('--manifest names the bases: leave out --source and --base');
    if (patch.length > 0) throw usage('--manifest names the patches: leave out --patch');
    refuseOfOneBase(flags, 'is a manifest');
    return [];
  }
  if (source !== undefined && base.length > 0) throw usage('--source and --base are the same thing: give one of them');
  const sources = source === undefined ? base : [source];
  if (sources.length === 0)
    throw usage('which hypervisor? --source TREE is missing', 'xsplice build --help has examples');
  if (patch.length === 0)
    throw usage('which patch? --patch FILE is missing', 'a unified diff, a mail, or a mailbox with a series');
  if (sources.length > 1) refuseOfOneBase(flags, 'are several');
  const { xen, config, pristine = [], depends, xenDepends, release } = flags;
  return sources.map((folder) => ({
    name: folder,
    source: folder,
    pristine,
    ...(xen !== undefined && { xen }),
    ...(config !== undefined && { config }),
    ...(depends !== undefined && { depends }),
    ...(xenDepends !== undefined && { xenDepends }),
    ...(release !== undefined && { release }),
  }));
}

function runOf(flags: BuildFlags, cwd: string, progress: BuildRun['progress']): BuildRun {
  const { manifest, patch, name, output, debugFile, rule, allowLayout, keep, jobs } = flags;
  return {
    patches: patch ?? [],
    bases: basesOf(flags),
    linker: linkerChoice(flags, cwd),
    allowedLayouts: allowLayout ?? [],
    rules: rule ?? [],
    keep: keep === true,
    jobs: jobs ?? availableParallelism(),
    progress,
    ...(manifest !== undefined && { manifest }),
    ...(name !== undefined && { name }),
    ...(output !== undefined && { out: output }),
    ...(debugFile !== undefined && { debugFile }),
  };
}

const STATUS: Readonly<Record<BuildVerdict, number>> = {
  built: EXIT.holds,
  unchanged: EXIT.holds,
  refused: EXIT.refused,
  error: EXIT.usage,
};

/** `xsplice build --source TREE --patch FILE -o OUT` */
export function addBuild(program: Command, context: Context): void {
  const command = program
    .command('build')
    .summary('a source tree and a patch to a live patch that is verified')
    .description(
      'Build the live patch that source patches make for a hypervisor: what depends on them is compiled before and after, with the commands ' +
        'that the tree was built with, and what differs becomes a payload, which is loaded, applied, reverted and linted on a simulated host ' +
        'before it is called built. The tree is only read; one that is not built is built once, in the cache. After the run OUT is there only ' +
        'if it was built.',
    )
    .addHelpText(
      'after',
      examples([
        [
          'xsplice build --source xen --patch xsa-444.patch -o xsa-444.livepatch',
          'Build a live patch of the hypervisor that lies in its tree',
        ],
        [
          'xsplice build --source xen --xen /usr/lib/debug/xen-syms --patch series.mbox -o fix.livepatch',
          'Build for a hypervisor that lies elsewhere, from a series as it was mailed',
        ],
        [
          'xsplice build --base 4.17.5-1 --base 4.17.5-2 --patch fix.patch -o payloads',
          'Build for several hypervisors: payloads/BUILD-ID/fix.livepatch',
        ],
        [
          'xsplice build --manifest bases.yaml -o payloads --json',
          'Build what a manifest says, with a report for scripts',
        ],
        ['xsplice build --source xen --patch fix.patch', 'See what a patch changes, and whether it could be built'],
      ]),
    )
    .option('--source <dir>', 'the source tree of Xen, with its .config and, where it was kept, its build')
    .option(
      '--base <dir>',
      'the same, or a folder that holds one with its xen-syms; repeated for several hypervisors',
      paths,
    )
    .option('--manifest <file>', 'patches and bases from a YAML file')
    .option('--patch <file...>', 'patches, as they were posted, in their order', paths)
    .option('-o, --output <file>', 'where the payload goes; for several bases the folder')
    .option('--xen <xen-syms>', 'the xen-syms that runs (default: that of the tree)')
    .option('--config <file>', 'the .config of the hypervisor (default: that of the tree)')
    .option('--pristine <file...>', 'patches that the running hypervisor has, and the tree not', paths)
    .option('--name <name>', 'the name of the payload (default: that of the first patch)')
    .option('--depends <id>', 'the build-id that has to be on top of the stack (default: that of xen-syms)', buildId)
    .option('--xen-depends <id>', 'the build-id of the hypervisor (default: that of xen-syms)', buildId)
    .option('--release <release>', 'follow the rules of this release (default: what xen-syms says)')
    .option('--allow-layout <struct>', 'a structure whose changed layout you answer for; may be repeated', texts)
    .option('--rule <id=level>', 'off, warn or error for a rule of lint; may be repeated', texts)
    .option('--debug-file <file>', 'where the payload with its debug information goes, for debuggers')
    .option('--ld <path>', 'the linker (default: ld of the architecture)')
    .option('--cross-prefix <prefix>', 'CROSS_COMPILE for a tree that has to be built, and for ld')
    .option('--keep', 'keep what was compiled, and say where')
    .option('--jobs <n>', 'compilers that run at once (default: the number of processors)', jobCount)
    .option('--explain', 'list the functions that did not change, too');
  addOutputOptions(command).action(async (flags: BuildFlags) => {
    const { io } = context;
    const progress = startProgress(io);
    try {
      const run = runOf(flags, io.cwd, progress.show);
      const { runBuild } = await import('./build-run.ts');
      const document = await interruptible((signal) => runBuild(run, context, signal));
      progress.clear();
      const style = styleFor(wantsColor(flags.color, io.isTTY, io.env), io.columns);
      const detail = { explain: flags.explain === true };
      io.stdout(flags.json === true ? documentJson(document) : renderBuild(document, style, detail));
      context.exit(STATUS[document.verdict]);
    } finally {
      progress.clear();
    }
  });
}
