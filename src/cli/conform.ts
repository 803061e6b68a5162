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
    .summary('hold the simulator against a real Xen in QEMU')
    .description(
      'Take the same steps on the simulator and on a real Xen in QEMU, and compare errno, states, console lines, lists, addresses, live code ' +
        'and panics after each. Each case has two hosts that were just booted. ' +
        'Or the steps of scenarios: files that end in .yaml or .yml, and folders of them.',
    )
    .argument('[case...]', 'cases to run, by name or with a * in it (default: all), or scenarios')
    .option('--list', 'name the cases')
    .addOption(archOption(''))
    .option('--xen-image <file>', "a hypervisor in place of Debian's: its xen.gz")
    .option('--xen-syms <file>', 'the xen-syms that was built with it')
    .option('--boot-timeout <seconds>', 'most seconds until the real host is up', seconds)
    .option('--root <dir>', 'the folder that scenarios may read files from (default: that of each scenario)')
    .addHelpText(
      'after',
      examples([
        ['xsplice conform', 'Run all cases on Debian’s Xen'],
        ['xsplice conform stack-of-three "nop-*"', 'Run some of them'],
        ['xsplice conform scenarios/', 'Run a folder of scenarios'],
        ['xsplice conform --arch arm64', 'Run those that are not of x86 alone on a Xen for arm64'],
        ['xsplice conform --xen-image xen.gz --xen-syms xen-syms', 'Use a hypervisor of your own'],
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
      if (root !== undefined) throw new XspliceError('EUSAGE', '--root is for scenarios, files that end in .yaml');
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
      context.exit(report.differences.length === 0 ? EXIT.holds : EXIT.refused);
    }
  });
}

/** The named cases in their own order; all that run on the architecture where none is named. Throws an XspliceError (EUSAGE) for a name that fits none. */
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
      const what = elsewhere ? `case ${name} is not one for ${arch}` : `there is no case ${name}`;
      throw new XspliceError('EUSAGE', what, 'xsplice conform --list names them');
    }
    for (const each of found) wanted.add(each);
  }
  return cases.filter((each) => wanted.has(each));
}

const patternOf = (name: string): RegExp =>
  new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
