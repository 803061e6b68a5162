import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { ConformCase } from '../conform/index.ts';
import type { ConformReport } from '../documents/index.ts';
import { renderCases, renderConformance, type StepText } from '../report/index.ts';
import type { XenArch } from '../xen/index.ts';
import { archOption } from './arch-option.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import { areScenarios } from './scenario-arguments.ts';
import { styleFor, wantsColor } from './style.ts';
import { seconds } from './values.ts';

interface ConformFlags extends OutputOptions {
  readonly arch?: XenArch;
  readonly list?: boolean;
  readonly xenImage?: string;
  readonly xenSyms?: string;
  /** Seconds. */
  readonly bootTimeout?: number;
  readonly root?: string;
}

/** `xsplice conform [CASE…]`, `xsplice conform SCENARIO…` */
export function addConform(program: Command, context: Context): void {
  const command = program
    .command('conform')
    .summary('compare the simulator with a real Xen in QEMU')
    .description(
      'Run the same steps on the simulator and on a real Xen in QEMU, and compare errno, states, console lines, lists, addresses, live code ' +
        'and panics after each step. Every case starts on two freshly booted hosts. ' +
        'Files that end in .yaml or .yml, and folders, are scenarios (see docs/scenarios.md).',
    )
    .argument('[case...]', 'cases to run, by name or pattern with * (default: all); or scenarios')
    .option('--list', 'list the cases')
    .addOption(archOption(''))
    .option('--xen-image <file>', "your own xen.gz in place of Debian's")
    .option('--xen-syms <file>', 'xen-syms of the same build as --xen-image')
    .option('--boot-timeout <seconds>', 'time limit for the boot of the real host (default: 180)', seconds)
    .option('--root <dir>', "folder that scenarios may read files from (default: each scenario's own)")
    .addHelpText(
      'after',
      examples([
        ['xsplice conform', "Run all cases against Debian's Xen"],
        ['xsplice conform stack-of-three "nop-*"', 'Run some of them'],
        ['xsplice conform scenarios/', 'Run a folder of scenarios'],
        ['xsplice conform --arch arm64', 'Run the cases that apply to arm64'],
        ['xsplice conform --xen-image xen.gz --xen-syms xen-syms', 'Use your own build of Xen'],
      ]),
    );
  addOutputOptions(command).action(async (names: string[], options: ConformFlags) => {
    const { io } = context;
    const { arch, xenImage, xenSyms, bootTimeout, root } = options;
    const progress = startProgress(io);
    const hosts = {
      ...(arch !== undefined && { arch }),
      ...(xenImage !== undefined && { xenImage }),
      ...(xenSyms !== undefined && { xenSyms }),
      ...(bootTimeout !== undefined && { timeout: 1000 * bootTimeout }),
      cwd: io.cwd,
      progress: progress.show,
    };
    try {
      if (options.list !== true && areScenarios(names, io.cwd, 'cases')) {
        const { conformScenarios } = await import('./conform-scenarios.ts');
        const { report, stepText } = await conformScenarios(names, root, hosts);
        finish(report, stepText);
        return;
      }
      if (root !== undefined) throw new XspliceError('EUSAGE', '--root works with scenarios (.yaml files) only');
      const engine = await context.engine();
      const { cases: all, stepText } = await engine.conformCases();
      const cases = chosen(all, names, arch);
      if (options.list) {
        io.stdout(renderCases(cases, styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
        return;
      }
      finish(await engine.conform(cases, hosts), stepText);
    } finally {
      progress.clear();
    }

    function finish(report: ConformReport, stepText: StepText): void {
      progress.clear();
      printReport(report, (document, style) => renderConformance(document, style, stepText), options, io);
      context.exit(report.differences.length === 0 ? EXIT.success : EXIT.refused);
    }
  });
}

/** Returns the named cases of the architecture in catalogue order; all if `names` is empty. Throws an XspliceError (EUSAGE) for a name without a match. */
function chosen(
  all: readonly ConformCase[],
  names: readonly string[],
  arch: XenArch = 'x86_64',
): readonly ConformCase[] {
  const cases = all.filter(({ only }) => only === undefined || only.includes(arch));
  if (names.length === 0) return cases;
  const wanted = new Set<ConformCase>();
  for (const name of names) {
    const fits = patternOf(name);
    const found = cases.filter((each) => fits.test(each.name));
    if (found.length === 0) {
      const elsewhere = all.some((each) => fits.test(each.name));
      const what = elsewhere ? `case ${name} does not run on ${arch}` : `unknown case ${name}`;
      throw new XspliceError('EUSAGE', what, 'see xsplice conform --list');
    }
    for (const each of found) wanted.add(each);
  }
  return cases.filter((each) => wanted.has(each));
}

const patternOf = (name: string): RegExp =>
  new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
