import { type Command, Option } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { CheckMatrix } from '../documents/index.ts';
import type { RuleLevels } from '../lint/index.ts';
import {
  CHECK_FORMATS,
  type CheckFormat,
  matrixHolds,
  type ReportedRule,
  renderChecked,
  rulePage,
  ruleTitle,
} from '../report/index.ts';
import { toByteString } from './byte-string.ts';
import { findHypervisors, findPayloads, hasFolder } from './check-arguments.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples } from './context.ts';
import type { LintRoom } from './engine.ts';
import { readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import type { SimulationFlags } from './simulation-options.ts';
import { addRulesOptions, requireImage, simulationOptions } from './simulation-options.ts';
import { styleFor, wantsColor } from './style.ts';
import { jobCount, paths as pathList, texts } from './values.ts';
import { VERSION } from './version.ts';

type CheckOptions = Omit<SimulationFlags, 'xen'> &
  OutputOptions & {
    readonly xen?: readonly string[];
    readonly format?: CheckFormat;
    readonly jobs?: number;
    /** As they were written. */
    readonly rule?: readonly string[];
  };

/** Most cells of a matrix. */
const MOST_CELLS = 100_000;

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
      pathList,
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
  addOutputOptions(addRulesOptions(command)).action((files: string[], options: CheckOptions) =>
    check(files, options, context),
  );
}

/** Runs the command. Throws an XspliceError. */
async function check(files: readonly string[], options: CheckOptions, context: Context): Promise<void> {
  const { io } = context;
  const { json = false, color, jobs, rule = [] } = options;
  if (json && options.format !== undefined && options.format !== 'json') {
    throw new XspliceError('EUSAGE', `--json conflicts with --format ${options.format}`, 'use only one of them');
  }
  const format = options.format ?? (json ? 'json' : 'text');
  const hypervisors = findHypervisors(requireImage(options), io.cwd);
  const paths = findPayloads(files, io.cwd);
  if (paths.length * hypervisors.length > MOST_CELLS) {
    const many = `${paths.length} payloads × ${hypervisors.length} hypervisors exceed the limit of ${MOST_CELLS} checks`;
    throw new XspliceError('EUSAGE', many, `check fewer payloads or hypervisors at a time`);
  }
  const { progress: _, ...settings } = simulationOptions(options, () => undefined);
  const engine = await context.engine();
  const lint = await engine.lint();
  const levels = lint.parseRuleLevels(rule, lint.RULES);
  // Read first, so that a missing file is reported before anything runs.
  const payloads = readPayloads(paths, io.cwd, engine.payloadName);
  const progress = startProgress(io);
  let matrix: CheckMatrix;
  try {
    matrix = await engine.checkMatrix({
      paths,
      payloads,
      hypervisors,
      cwd: io.cwd,
      ...(jobs !== undefined && { threads: jobs }),
      options: { ...settings, levels, fromFolder: hasFolder(files, io.cwd) },
      progress: progress.show,
    });
  } finally {
    progress.clear();
  }
  const exitStatus = matrixHolds(matrix) ? EXIT.success : EXIT.refused;
  const rules = rulesRun(lint, levels, format);
  const style = styleFor(wantsColor(color, io.isTTY, io.env), io.columns);
  const run = { rules, cwd: toByteString(io.cwd), version: VERSION, exitStatus };
  io.stdout(renderChecked(matrix, format, style, run));
  context.exit(exitStatus);
}

/** Lists the rules that were run, for reports; with their pages if the format has room for them. */
const rulesRun = ({ RULES, severityOf }: LintRoom, levels: RuleLevels, format: CheckFormat): ReportedRule[] =>
  RULES.flatMap((rule) => {
    const { id } = rule;
    const severity = severityOf(rule, levels);
    if (severity === 'off') return [];
    return [{ id, title: ruleTitle(id), severity, ...(format === 'sarif' && { help: rulePage(id) }) }];
  });
