import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import { hasError, renderRehearsal } from '../report/index.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { readImage, readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import type { SimulationFlags } from './simulation-options.ts';
import { addHostOptions, addMachineOptions, requireImage, simulationOptions } from './simulation-options.ts';

type RehearseOptions = SimulationFlags & OutputOptions & { readonly example?: string };

/** Where the image and the payloads come from. Throws an XspliceError (EUSAGE) where that is not said, or said twice. */
function source(files: readonly string[], options: RehearseOptions): { example: string } | { xen: string } {
  if (options.example !== undefined) {
    if (files.length > 0 || options.xen !== undefined) {
      throw new XspliceError('EUSAGE', '--example brings its own payload and hypervisor: leave out PAYLOAD and --xen');
    }
    return { example: options.example };
  }
  if (files.length === 0) {
    throw new XspliceError('EUSAGE', 'which payload? PAYLOAD is missing', 'xsplice rehearse --help has examples');
  }
  return { xen: requireImage(options) };
}

/** `xsplice rehearse PAYLOAD… --xen XEN-SYMS` */
export function addRehearse(program: Command, context: Context): void {
  const command = program
    .command('rehearse')
    .summary('take payloads through their whole life on a simulated host')
    .description(
      'Take payloads through their whole life on a simulated host: upload, apply, verify, revert, verify, apply again where Xen allows it, unload. ' +
        'Several payloads are a stack: uploaded and applied in the order given, reverted in reverse order.',
    )
    .argument('[payload...]', 'livepatch files')
    .addHelpText(
      'after',
      examples([
        ['xsplice rehearse xsa-444.livepatch --xen xen-syms', 'Rehearse a payload'],
        ['xsplice rehearse first.livepatch second.livepatch --xen xen-syms', 'Rehearse a stack of payloads'],
        ['xsplice rehearse x.livepatch --xen xen-syms --cpus 8 --late 3=40ms', 'Let a CPU come too late'],
        ['xsplice rehearse --example hello --release 4.18.0', 'See an embedded example panic the host'],
      ]),
    );
  addMachineOptions(addHostOptions(command)).option(
    '--example <name>',
    'an embedded example, in place of PAYLOAD and --xen',
  );
  addOutputOptions(command).action(async (files: string[], options: RehearseOptions) => {
    const { io } = context;
    const progress = startProgress(io);
    const simulation = simulationOptions(options, progress.show);
    const from = source(files, options);
    const engine = await context.engine();
    const { image, payloads } =
      'example' in from
        ? await engine.example(from.example)
        : { image: readImage(from.xen, io.cwd), payloads: readPayloads(files, io.cwd, engine.payloadName) };
    try {
      const report = await engine.rehearsePayloads(image, payloads, simulation);
      progress.clear();
      printReport(report, renderRehearsal, options, io);
      context.exit(report.verdict === 'passed' && !hasError(report.findings) ? EXIT.holds : EXIT.refused);
    } finally {
      progress.clear();
    }
  });
}
