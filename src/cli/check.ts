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

/** Up to this many payloads, starting threads costs more than it saves. */
const FEW = 3;

/** `xsplice check PAYLOAD… --xen XEN-SYMS…` */
export function addCheck(program: Command, context: Context): void {
  const command = program
    .command('check')
    .summary('predict whether Xen accepts a payload, and lint it')
    .description(
      "Predict whether a hypervisor accepts payloads, and lint them. Runs Xen's own checks in Xen's order and prints the errno and console lines " +
        'of the real host; then reports what Xen does not check (see xsplice rules). Checks every payload against every hypervisor.',
    )
    .argument('<payload...>', 'livepatch files, or folders to search for *.livepatch')
    .option(
      '--xen <xen-syms>',
      'xen-syms of the exact build that runs, or a folder to search for xen-syms*; repeatable',
      paths,
    )
    .addOption(new Option('--format <format>', 'output format (default: text)').choices(CHECK_FORMATS))
    .option('--rule <id=level>', 'set a lint rule to off, warn or error; repeatable', texts)
    .option('--jobs <n>', 'threads (default: one per CPU)', jobCount)
    .addHelpText(
      'after',
      examples([
        ['xsplice check xsa-444.livepatch --xen xen-syms', 'Check a payload against the build that runs'],
        ['xsplice check *.livepatch --xen xen-syms --release 4.18.0', 'Check several by the rules of another release'],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=off', 'Turn a rule off'],
        [
          'xsplice check payloads/ --xen builds/',
          'Check every payload in a folder against every hypervisor in another',
        ],
        ['xsplice check payloads/ --xen xen-syms --format sarif', 'Report to code scanning as SARIF'],
        ["xsplice check --json x.livepatch --xen xen-syms | jq '.payloads[].verdict'", 'Read the verdict in a script'],
      ]),
    );
  addOutputOptions(addRulesOptions(command)).action(async (files: string[], options: CheckOptions) => {
    const { io } = context;
    if (options.json === true && options.format !== undefined && options.format !== 'json') {
      throw new XspliceError('EUSAGE', `--json conflicts with --format ${options.format}`, 'use one of them');
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
    context.exit(holds ? EXIT.success : EXIT.refused);
  } finally {
    progress.clear();
  }
}
