import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
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
import { buildId, texts } from './values.ts';

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
  readonly rule?: readonly string[];
  readonly keep?: boolean;
  readonly explain?: boolean;
}

/** Options that mean something for a linked payload alone. */
const LINKED_ONLY = {
  depends: '--depends',
  xenDepends: '--xen-depends',
  debugFile: '--debug-file',
  rule: '--rule',
  keep: '--keep',
} as const;

/** A payload's name, as given, or that of the file that it goes to. */
const nameOf = ({ name, output }: DiffFlags, patched: string, payloadName: Engine['payloadName']): string =>
  checkedName(name ?? payloadName(output ?? patched));

function linkRequest(flags: DiffFlags, { parseRuleLevels, RULES }: LintRoom): LinkRequest | null {
  const { depends, xenDepends, rule = [] } = flags;
  if (flags.link !== true) {
    const given = Object.entries(LINKED_ONLY).find(([key]) => flags[key as keyof typeof LINKED_ONLY] !== undefined);
    if (given === undefined) return null;
    throw new XspliceError('EUSAGE', `${given[1]} is for a linked payload`, 'add --link');
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
  const { release, cpu, output, debugFile, keep, allowLayout } = flags;
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
    .summary('what changed between objects before and after a patch, and the payload that carries it')
    .description(
      'Compare objects that were compiled before and after a change of the source: which functions changed, and why; what no live patch can ' +
        'carry, and what to do about it. With --output the changed functions become an object, and with --link a payload, which is loaded, ' +
        'applied, reverted and linted on a simulated host before it is called built. After the run OUT is there only if it was built.',
    )
    .argument('<orig>', 'the object before the change, or a folder of objects')
    .argument('<patched>', 'the object after the change, or a folder: the same paths in both are pairs')
    .addHelpText(
      'after',
      examples([
        ['xsplice diff before/domctl.o after/domctl.o --xen xen-syms', 'See what a patch changes'],
        [
          'xsplice diff before/ after/ --xen xen-syms --link -o xsa-444.livepatch',
          'Make a payload of all objects that a patch changes',
        ],
        ['xsplice diff before/ after/ --xen xen-syms --explain', 'See why each function counts as unchanged'],
        [
          'xsplice diff before/ after/ --xen xen-syms --json | jq -r \'.functions[] | select(.status == "changed").name\'',
          'List the changed functions',
        ],
      ]),
    );
  addHostOptions(command)
    .option('-o, --output <file>', 'where the payload goes, or without --link its object')
    .option('--link', 'link a payload, with its notes and a build-id, and verify it')
    .option('--name <name>', 'the name of the payload (default: that of the file)')
    .option('--depends <id>', 'the build-id that has to be on top of the stack (default: that of xen-syms)', buildId)
    .option('--xen-depends <id>', 'the build-id of the hypervisor (default: that of xen-syms)', buildId)
    .option('--allow-layout <struct>', 'a structure whose changed layout you answer for; may be repeated', texts)
    .option('--rule <id=level>', 'off, warn or error for a rule of lint; may be repeated', texts)
    .option('--debug-file <file>', 'where the payload with its debug information goes, for debuggers')
    .option('--keep', 'keep a payload that was refused, as OUT.refused')
    .option('--ld <path>', 'the linker (default: ld of the architecture)')
    .option('--cross-prefix <prefix>', 'what stands in front of ld, as CROSS_COMPILE of the build')
    .option('--explain', 'list the functions that did not change, too');
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
      context.exit(document.verdict === 'refused' ? EXIT.refused : EXIT.holds);
    } finally {
      progress.clear();
    }
  });
}
