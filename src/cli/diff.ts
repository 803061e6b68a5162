import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { StaticChoice } from '../diff/index.ts';
import { documentJson, renderDiff } from '../report/index.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples } from './context.ts';
import type { DiffRun, LinkRequest } from './diff-run.ts';
import type { Engine, LintRoom } from './engine.ts';
import { EXIT } from './io.ts';
import { checkedName, linkerChoice } from './payload-options.ts';
import { startProgress } from './progress.ts';
import { addHostOptions, requireImage } from './simulation-options.ts';
import { styleFor, wantsColor } from './style.ts';
import { buildId, staticChoices, texts } from './values.ts';

/** What commander makes of the options. */
interface DiffFlags extends OutputOptions {
  readonly xen?: string;
  readonly release?: string;
  readonly cpu?: string;
  readonly output?: string;
  readonly link?: boolean;
  readonly name?: string;
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  readonly ld?: string;
  readonly crossPrefix?: string;
  readonly debugFile?: string;
  readonly allowLayout?: readonly string[];
  readonly static?: readonly StaticChoice[];
  readonly rule?: readonly string[];
  readonly keep?: boolean;
  readonly explain?: boolean;
}

/** Options that need `--link`. */
const LINKED_ONLY = {
  depends: '--depends',
  xenDepends: '--xen-depends',
  debugFile: '--debug-file',
  rule: '--rule',
  keep: '--keep',
} as const;

/** Returns the payload's name: as given, or from the output file, or from the patched object. */
const nameOf = ({ name, output }: DiffFlags, patched: string, payloadName: Engine['payloadName']): string =>
  checkedName(name ?? payloadName(output ?? patched));

function linkRequest(flags: DiffFlags, { parseRuleLevels, RULES }: LintRoom): LinkRequest | null {
  const { depends, xenDepends, rule = [] } = flags;
  if (flags.link !== true) {
    const given = Object.entries(LINKED_ONLY).find(([key]) => flags[key as keyof typeof LINKED_ONLY] !== undefined);
    if (given === undefined) return null;
    throw new XspliceError('EUSAGE', `${given[1]} needs --link`, 'add --link, or remove it');
  }
  return {
    levels: parseRuleLevels(rule, RULES),
    ...(depends !== undefined && { depends }),
    ...(xenDepends !== undefined && { xenDepends }),
  };
}

async function runOf(
  [orig, patched]: readonly [string, string],
  flags: DiffFlags,
  context: Context,
  progress: DiffRun['progress'],
): Promise<DiffRun> {
  const { release, cpu, output, debugFile, keep, allowLayout, static: statics } = flags;
  const engine = await context.engine();
  return {
    orig,
    patched,
    xen: requireImage(flags),
    name: nameOf(flags, patched, engine.payloadName),
    link: linkRequest(flags, await engine.lint()),
    linker: linkerChoice(flags, context.io.cwd),
    keep: keep === true,
    allowedLayouts: allowLayout ?? [],
    statics: statics ?? [],
    simulation: { ...(release !== undefined && { release }), ...(cpu !== undefined && { cpu }) },
    progress,
    ...(output !== undefined && { out: output }),
    ...(debugFile !== undefined && { debugFile }),
  };
}

/** `xsplice diff ORIG PATCHED --xen XEN-SYMS` */
export function addDiff(program: Command, context: Context): void {
  const command = program
    .command('diff')
    .summary('compare objects before and after a patch; make a payload')
    .description(
      'Compare objects compiled before and after a source change. Lists the functions that changed and why, and the changes that no live patch ' +
        'can carry, with a way out. With --output, writes the changed functions as an object; with --link, as a payload, after verifying it on a ' +
        'simulated host: load, apply, revert, lint. If that fails, removes what an earlier run left there.',
    )
    .argument('<orig>', 'object before the change, or a folder of objects')
    .argument('<patched>', 'object after the change, or a folder with the same paths')
    .addHelpText(
      'after',
      examples([
        ['xsplice diff before/domctl.o after/domctl.o --xen xen-syms', 'See what a patch changes'],
        [
          'xsplice diff before/ after/ --xen xen-syms --link -o xsa-444.livepatch',
          'Make a payload from all objects that changed',
        ],
        ['xsplice diff before/ after/ --xen xen-syms --explain', 'See why each remaining function counts as unchanged'],
        [
          'xsplice diff before/ after/ --xen xen-syms --json |\n        jq -r \'.functions[] | select(.status == "changed").name\'',
          'List the changed functions',
        ],
      ]),
    );
  addHostOptions(command)
    .option('-o, --output <file>', 'object to write, or with --link the payload')
    .option('--link', 'link a payload with notes and build-id, and verify it')
    .option('--name <name>', 'name of the payload (default: from the file)')
    .option('--depends <id>', 'build-id that must be on top of the stack (default: that of xen-syms)', buildId)
    .option('--xen-depends <id>', 'build-id of the hypervisor (default: that of xen-syms)', buildId)
    .option(
      '--static <after=before>',
      'which static variable is which: FILE#AFTER=BEFORE, both by their symbols, or FILE#AFTER=new; repeatable',
      staticChoices,
    )
    .option('--allow-layout <struct>', 'allow the layout of this structure to change; repeatable', texts)
    .option('--rule <id=level>', 'set a lint rule to off, warn or error; repeatable', texts)
    .option('--debug-file <file>', 'also write the payload with debug information, for debuggers')
    .option('--keep', 'keep a refused payload as FILE.refused')
    .option('--ld <path>', 'linker (default: ld for the architecture)')
    .option('--cross-prefix <prefix>', 'prefix of ld, like CROSS_COMPILE of the build')
    .option('--explain', 'also list the functions that did not change');
  addOutputOptions(command).action(async (orig: string, patched: string, flags: DiffFlags) => {
    const { io } = context;
    const progress = startProgress(io);
    try {
      const run = await runOf([orig, patched], flags, context, progress.show);
      const { runDiff } = await import('./diff-run.ts');
      const document = await runDiff(run, context);
      progress.clear();
      const style = styleFor(wantsColor(flags.color, io.isTTY, io.env), io.columns);
      io.stdout(
        flags.json === true ? documentJson(document) : renderDiff(document, style, { explain: flags.explain === true }),
      );
      context.exit(document.verdict === 'refused' ? EXIT.refused : EXIT.success);
    } finally {
      progress.clear();
    }
  });
}
