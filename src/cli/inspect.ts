import type { Command } from 'commander';
import { hasError, renderInspect } from '../report/index.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { readPayloads } from './files.ts';
import { EXIT } from './io.ts';

type InspectFlags = OutputOptions & { readonly disassemble?: boolean };

/** `xsplice inspect PAYLOAD…` */
export function addInspect(program: Command, context: Context): void {
  const command = program
    .command('inspect')
    .summary('show what a payload contains')
    .description(
      'Show what a payload contains: functions, hooks, dependencies, sections and the pages they go to, relocations, metadata.',
    )
    .argument('<payload...>', 'livepatch files')
    .option('--disassemble', 'disassemble replacement functions and hooks')
    .addHelpText(
      'after',
      examples([
        ['xsplice inspect xsa-444.livepatch', 'Inspect a payload'],
        ['xsplice inspect xsa-444.livepatch --disassemble', 'Include its code'],
        [
          "xsplice inspect --json x.livepatch | jq -r '.payloads[].functions[].name'",
          'List the functions that it replaces',
        ],
      ]),
    );
  addOutputOptions(command).action(async (files: string[], options: InspectFlags) => {
    const engine = await context.engine();
    const payloads = readPayloads(files, context.io.cwd, engine.payloadName);
    const code = options.disassemble ? { disassembler: await engine.disassembler() } : {};
    const report = engine.inspectPayloads(payloads, code);
    printReport(report, renderInspect, options, context.io);
    context.exit(report.payloads.some((payload) => hasError(payload.findings)) ? EXIT.refused : EXIT.success);
  });
}
