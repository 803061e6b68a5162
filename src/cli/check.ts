import { type Command, Option } from 'commander';
import { XspliceError } from '../base/index.ts';
import { CHECK_FORMATS, type CheckFormat, hasError, renderCheck } from '../report/index.ts';
import { findHypervisors, findPayloads, hasFolder } from './check-arguments.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { readImage, readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import type { SimulationFlags } from './simulation-options.ts';
import { addRulesOptions, requireImage, simulationOptions } from './simulation-options.ts';
import { jobCount, paths, texts } from './values.ts';

type CheckOptions = Omit<SimulationFlags, 'xen'> &
  OutputOptions & {
    readonly xen?: readonly string[];
    readonly format?: CheckFormat;
    readonly jobs?: number;
    /** As they were written. */
    readonly rule?: readonly string[];
  };

/** So many payloads are checked sooner here than with what threads need. */
const FEW = 3;

/** `xsplice check PAYLOAD… --xen XEN-SYMS…` */
export function addCheck(program: Command, context: Context): void {
  const command = program
    .command('check')
    .summary('would this hypervisor take the payload, and is it safe?')
    .description(
      "Would this hypervisor take the payload, and is it safe? Xen's own checks in Xen's order, with the errno and the console lines of the real host; then what Xen does not check: see `xsplice rules`. " +
        'Several payloads on several hypervisors make a matrix.',
    )
    .argument('<payload...>', 'livepatch files, and folders of files that end in .livepatch')
    .option(
      '--xen <xen-syms>',
      "the hypervisor's xen-syms, of exactly the build that is running, or a folder of them; may be repeated",
      paths,
    )
    .addOption(new Option('--format <format>', 'what is printed (default: text)').choices(CHECK_FORMATS))
    .option('--rule <id=level>', 'off, warn or error for a rule of lint; may be repeated', texts)
    .option('--jobs <n>', 'threads (default: the number of processors)', jobCount)
    .addHelpText(
      'after',
      examples([
        ['xsplice check xsa-444.livepatch --xen xen-syms', 'Check a payload against the build that is running'],
        [
          'xsplice check *.livepatch --xen xen-syms --release 4.18.0',
          'Check several under the rules of another release',
        ],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=off', 'Leave a rule out'],
        ['xsplice check payloads/ --xen builds/', 'Check a folder of payloads on a folder of hypervisors'],
        ['xsplice check payloads/ --xen xen-syms --format sarif', 'Report to code scanning'],
        ["xsplice check --json x.livepatch --xen xen-syms | jq '.payloads[].verdict'", 'Use it in a script'],
      ]),
    );
  addOutputOptions(addRulesOptions(command)).action(async (files: string[], options: CheckOptions) => {
    const { io } = context;
    if (options.json === true && options.format !== undefined && options.format !== 'json') {
      throw new XspliceError('EUSAGE', `--json and --format ${options.format} disagree`, 'give one of them');
    }
    const format = options.format ?? (options.json === true ? 'json' : 'text');
    const hypervisors = findHypervisors(requireImage(options), io.cwd);
    const payloads = findPayloads(files, io.cwd);
    const [xen] = hypervisors;
    const fromFolder = hasFolder(files, io.cwd);
    const plain = format === 'text' || format === 'json';
    if (plain && xen !== undefined && hypervisors.length === 1 && payloads.length <= FEW) {
      await checkFew(payloads, xen, { ...options, json: format === 'json', fromFolder }, context);
      return;
    }
    const { progress: _, ...host } = simulationOptions(options, () => undefined);
    const simulation = { ...host, fromFolder };
    const { checkMany } = await import('./check-many.ts');
    const { color, jobs, rule = [] } = options;
    const threads = jobs === undefined ? {} : { threads: jobs };
    await checkMany({ payloads, hypervisors, format, color, ...threads, simulation, settings: rule }, context);
  });
}

/** A few payloads on one hypervisor, at once. */
async function checkFew(
  files: readonly string[],
  xen: string,
  options: CheckOptions & { readonly fromFolder: boolean },
  context: Context,
): Promise<void> {
  const { io } = context;
  const progress = startProgress(io);
  const simulation = simulationOptions(options, progress.show);
  const engine = await context.engine();
  const { parseRuleLevels, RULES } = await engine.lint();
  const levels = parseRuleLevels(options.rule ?? [], RULES);
  const image = readImage(xen, io.cwd);
  const payloads = readPayloads(files, io.cwd, engine.payloadName);
  try {
    const report = await engine.checkPayloads(image, payloads, {
      ...simulation,
      levels,
      fromFolder: options.fromFolder,
    });
    progress.clear();
    printReport(report, renderCheck, options, io);
    const holds = report.payloads.every((entry) => entry.verdict === 'accepted' && !hasError(entry.findings));
    context.exit(holds ? EXIT.holds : EXIT.refused);
  } finally {
    progress.clear();
  }
}
