import type { Command } from 'commander';
import { hasError, renderCheck } from '../report/index.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { readImage, readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import type { SimulationFlags } from './simulation-options.ts';
import { addHostOptions, requireImage, simulationOptions } from './simulation-options.ts';
import { texts } from './values.ts';

/** `xsplice check PAYLOAD… --xen XEN-SYMS` */
export function addCheck(program: Command, context: Context): void {
  const command = program
    .command('check')
    .summary('would this hypervisor take the payload, and is it safe?')
    .description(
      "Would this hypervisor take the payload, and is it safe? Xen's own checks in Xen's order, with the errno and the console lines of the real host; then what Xen does not check: see `xsplice rules`.",
    )
    .argument('<payload...>', 'livepatch files')
    .option('--rule <id=level>', 'off, warn or error for a rule of lint; may be repeated', texts)
    .addHelpText(
      'after',
      examples([
        ['xsplice check xsa-444.livepatch --xen xen-syms', 'Check a payload against the build that is running'],
        [
          'xsplice check *.livepatch --xen xen-syms --release 4.18.0',
          'Check several under the rules of another release',
        ],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=off', 'Leave a rule out'],
        ["xsplice check --json x.livepatch --xen xen-syms | jq '.payloads[].verdict'", 'Use it in a script'],
      ]),
    );
  addOutputOptions(addHostOptions(command)).action(
    async (files: string[], options: SimulationFlags & OutputOptions & { readonly rule?: readonly string[] }) => {
      const { io } = context;
      const progress = startProgress(io);
      const simulation = simulationOptions(options, progress.show);
      const xen = requireImage(options);
      const engine = await context.engine();
      const { parseRuleLevels, RULES } = await engine.lint();
      const levels = parseRuleLevels(options.rule ?? [], RULES);
      const image = readImage(xen, io.cwd);
      const payloads = readPayloads(files, io.cwd, engine.payloadName);
      try {
        const report = await engine.checkPayloads(image, payloads, { ...simulation, levels });
        progress.clear();
        printReport(report, renderCheck, options, io);
        const holds = report.payloads.every((entry) => entry.verdict === 'accepted' && !hasError(entry.findings));
        context.exit(holds ? EXIT.holds : EXIT.refused);
      } finally {
        progress.clear();
      }
    },
  );
}
