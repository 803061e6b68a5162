import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { StaticChoice } from '../diff/index.ts';
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
import { buildId, jobCount, paths, staticChoices, texts } from './values.ts';

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
  readonly static?: readonly StaticChoice[];
  readonly debugFile?: string;
  readonly ld?: string;
  readonly crossPrefix?: string;
  readonly keep?: boolean;
  readonly jobs?: number;
  readonly explain?: boolean;
}

/** Options that describe a single hypervisor. */
const OF_ONE_BASE = {
  xen: '--xen',
  config: '--config',
  pristine: '--pristine',
  depends: '--depends',
  xenDepends: '--xen-depends',
  release: '--release',
} as const;

const usage = (message: string, hint?: string): XspliceError => new XspliceError('EUSAGE', message, hint);

/** Throws an XspliceError (EUSAGE) if an option for a single base is given. `reason` says why there is no single base. */
function refuseOfOneBase(flags: BuildFlags, reason: string): void {
  const given = Object.entries(OF_ONE_BASE).find(([key]) => flags[key as keyof typeof OF_ONE_BASE] !== undefined);
  if (given !== undefined)
    throw usage(`${given[1]} works with a single base only, and ${reason}`, 'set it for each base in a manifest');
}

/** Returns the bases that the command line names. Throws an XspliceError (EUSAGE) if bases or patches are missing, or given twice. */
function basesOf(flags: BuildFlags): readonly BaseRequest[] {
  const { source, base = [], manifest, patch = [] } = flags;
  if (manifest !== undefined) {
    if (source !== undefined || base.length > 0) throw usage('--manifest lists the bases: remove --source and --base');
    if (patch.length > 0) throw usage('--manifest lists the patches: remove --patch');
    refuseOfOneBase(flags, 'there is a manifest');
    return [];
  }
  if (source !== undefined && base.length > 0) throw usage('--source and --base mean the same: use one of them');
  const sources = source === undefined ? base : [source];
  if (sources.length === 0) throw usage('missing --source TREE', 'see xsplice build --help for examples');
  if (patch.length === 0)
    throw usage('missing --patch FILE', 'FILE is a unified diff, a mail, or a mailbox with a series');
  if (sources.length > 1) refuseOfOneBase(flags, `there are ${sources.length}`);
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
  const { manifest, patch, name, output, debugFile, rule, allowLayout, static: statics, keep, jobs } = flags;
  return {
    patches: patch ?? [],
    bases: basesOf(flags),
    linker: linkerChoice(flags, cwd),
    allowedLayouts: allowLayout ?? [],
    statics: statics ?? [],
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
  built: EXIT.success,
  unchanged: EXIT.success,
  refused: EXIT.refused,
  error: EXIT.usage,
};

/** `xsplice build --source TREE --patch FILE -o OUT` */
export function addBuild(program: Command, context: Context): void {
  const command = program
    .command('build')
    .summary('build a live patch from a source tree and source patches')
    .description(
      'Build a live patch from source patches. Compiles the affected objects before and after the patches, with the compile commands of the ' +
        'original build; puts the functions that changed into a payload; and verifies the payload on a simulated host: load, apply, revert, lint. ' +
        'Never writes to the source tree; a tree without a build is built once, in the cache. Writes the output only if the payload passes, and ' +
        'otherwise removes what an earlier run left there.',
    )
    .addHelpText(
      'after',
      examples([
        [
          'xsplice build --source xen --patch xsa-444.patch -o xsa-444.livepatch',
          'Build a live patch for the hypervisor built in this tree',
        ],
        [
          'xsplice build --source xen --xen /usr/lib/debug/xen-syms \\\n        --patch series.mbox -o fix.livepatch',
          'Build a mailed series for a hypervisor installed elsewhere',
        ],
        [
          'xsplice build --base 4.17.5-1 --base 4.17.5-2 --patch fix.patch \\\n        -o payloads',
          'Build for several hypervisors, into payloads/BUILD-ID/fix.livepatch',
        ],
        [
          'xsplice build --manifest bases.yaml -o payloads --json',
          'Build what a manifest lists, and print JSON for scripts',
        ],
        ['xsplice build --source xen --patch fix.patch', 'See what a patch changes, and whether it can be built'],
      ]),
    )
    .option('--source <dir>', 'Xen source tree with its .config and, if kept, its build')
    .option(
      '--base <dir>',
      'like --source, or a folder with a tree and its xen-syms; repeat it for several hypervisors',
      paths,
    )
    .option('--manifest <file>', 'read patches and bases from a YAML file (see docs/building.md)')
    .option('--patch <file...>', 'source patches, in order: diffs, mails or mailboxes', paths)
    .option('-o, --output <file>', 'payload to write; a folder if there are several bases')
    .option('--xen <xen-syms>', 'xen-syms of the running hypervisor (default: that of the tree)')
    .option('--config <file>', '.config of the hypervisor (default: that of the tree)')
    .option('--pristine <file...>', 'patches that the running hypervisor has and the tree lacks', paths)
    .option('--name <name>', 'name of the payload (default: from the first patch)')
    .option('--depends <id>', 'build-id that must be on top of the stack (default: that of xen-syms)', buildId)
    .option('--xen-depends <id>', 'build-id of the hypervisor (default: that of xen-syms)', buildId)
    .option('--release <release>', 'follow the rules of this release (default: that of xen-syms)')
    .option(
      '--static <after=before>',
      'which static variable is which: FILE#AFTER=BEFORE, both by their symbols, or FILE#AFTER=new; repeatable',
      staticChoices,
    )
    .option('--allow-layout <struct>', 'allow the layout of this structure to change; repeatable', texts)
    .option('--rule <id=level>', 'set a lint rule to off, warn or error; repeatable', texts)
    .option('--debug-file <file>', 'also write the payload with debug information, for debuggers')
    .option('--ld <path>', 'linker (default: ld for the architecture)')
    .option('--cross-prefix <prefix>', 'CROSS_COMPILE prefix, for building a tree and for ld')
    .option('--keep', 'keep the compiled objects, and print where')
    .option('--jobs <n>', 'compilers to run in parallel (default: one per CPU)', jobCount)
    .option('--explain', 'also list the functions that did not change');
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
