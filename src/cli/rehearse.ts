import { type Command, Option } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { RehearsalReport } from '../documents/index.ts';
import { hasError, renderRehearsal } from '../report/index.ts';
import type { SimulationOptions } from '../run/index.ts';
import type { XenArch } from '../xen/index.ts';
import { archOption } from './arch-option.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import type { QemuRehearsalOptions } from './engine.ts';
import { readImage, readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import type { ScenarioFormat } from './rehearse-scenarios.ts';
import { areScenarios } from './scenario-arguments.ts';
import type { SimulationFlags } from './simulation-options.ts';
import { addHostOptions, addMachineOptions, requireImage, simulationOptions } from './simulation-options.ts';
import { jobCount, seconds, texts } from './values.ts';

type RehearseOptions = SimulationFlags &
  OutputOptions & {
    readonly example?: string;
    readonly on: 'sim' | 'qemu';
    readonly arch?: XenArch;
    readonly xenImage?: string;
    readonly bootTimeout?: number;
    readonly format?: ScenarioFormat;
    readonly root?: string;
    readonly jobs?: number;
    /** As it was written. */
    readonly call?: readonly string[];
  };

/** Options that a real hypervisor has no equivalent for. */
const SIMULATED_ONLY = ['release', 'cpu', 'late', 'stuck', 'debug', 'example'] as const;

/** Returns the options of `--on qemu`. Throws an XspliceError (EUSAGE) for an option that only the simulator has. */
function qemuOptions(options: RehearseOptions, simulation: SimulationOptions): QemuRehearsalOptions {
  const given = SIMULATED_ONLY.find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new XspliceError('EUSAGE', `--${given} works on the simulator only`, 'remove it, or remove --on qemu');
  }
  const { arch, xen, xenImage, bootTimeout } = options;
  if ((xen === undefined) !== (xenImage === undefined)) {
    const hint = 'give both, of the same build; or neither, for the default Xen';
    throw new XspliceError('EUSAGE', '--on qemu needs --xen-image and --xen together', hint);
  }
  return {
    ...simulation,
    ...(arch !== undefined && { arch }),
    ...(xenImage !== undefined && { xenImage }),
    ...(xen !== undefined && { xenSyms: xen }),
    ...(bootTimeout !== undefined && { bootTimeout }),
  };
}

/** Throws an XspliceError (EUSAGE) if the simulator gets an option that only `--on qemu` has. */
function refuseQemuOptions({ xenImage, arch }: RehearseOptions): void {
  const given = xenImage !== undefined ? '--xen-image' : arch !== undefined ? '--arch' : null;
  if (given === null) return;
  const hint = given === '--arch' ? 'the simulator takes the architecture from xen-syms' : undefined;
  throw new XspliceError('EUSAGE', `${given} needs --on qemu`, hint);
}

/** Returns where the image and the payloads come from. Throws an XspliceError (EUSAGE) if that is missing or given twice. */
function source(files: readonly string[], options: RehearseOptions): { example: string } | { xen: string } {
  if (options.example !== undefined) {
    if (files.length > 0 || options.xen !== undefined) {
      throw new XspliceError('EUSAGE', '--example includes its payload and hypervisor: remove PAYLOAD and --xen');
    }
    return { example: options.example };
  }
  if (files.length === 0) {
    throw new XspliceError('EUSAGE', 'missing PAYLOAD', 'see xsplice rehearse --help for examples');
  }
  return { xen: requireImage(options) };
}

/** Throws an XspliceError (EUSAGE) if payloads are given with an option for scenarios. */
function refuseScenarioOptions({ format, root, jobs }: RehearseOptions): void {
  const given =
    format === 'junit' ? '--format junit' : root !== undefined ? '--root' : jobs !== undefined ? '--jobs' : null;
  if (given !== null) throw new XspliceError('EUSAGE', `${given} works with scenarios (.yaml files) only`);
}

/** Scenarios in place of payloads. */
async function runScenarios(files: readonly string[], options: RehearseOptions, context: Context): Promise<void> {
  const { example, replace, call, on, arch, xen, xenImage, bootTimeout, root, jobs, color } = options;
  if (example !== undefined)
    throw new XspliceError('EUSAGE', '--example cannot be combined with scenarios: remove one of them');
  if (replace !== undefined) {
    throw new XspliceError(
      'EUSAGE',
      '--replace cannot be combined with scenarios',
      'use the step "- replace: NAME" in the scenario',
    );
  }
  if (call !== undefined) {
    throw new XspliceError(
      'EUSAGE',
      '--call cannot be combined with scenarios',
      'use the step "- call: { function: NAME }" in the scenario',
    );
  }
  const { progress: _, ...overrides } = simulationOptions(options, () => undefined);
  if (on === 'qemu') qemuOptions(options, overrides);
  else refuseQemuOptions(options);
  const { rehearseScenarios } = await import('./rehearse-scenarios.ts');
  const common = {
    format: options.format ?? (options.json === true ? 'json' : 'text'),
    color,
    ...(root !== undefined && { root }),
    ...(jobs !== undefined && { jobs }),
    overrides,
  } as const;
  if (on === 'sim') {
    await rehearseScenarios(files, { ...common, ...(xen !== undefined && { xen }), qemu: null }, context);
    return;
  }
  const qemu = {
    ...(arch !== undefined && { arch }),
    ...(xenImage !== undefined && { xenImage }),
    ...(xen !== undefined && { xenSyms: xen }),
    ...(bootTimeout !== undefined && { bootTimeout }),
  };
  await rehearseScenarios(files, { ...common, qemu }, context);
}

/** `xsplice rehearse PAYLOAD… --xen XEN-SYMS`, `xsplice rehearse SCENARIO…` */
export function addRehearse(program: Command, context: Context): void {
  const command = program
    .command('rehearse')
    .summary('upload, apply, revert and unload payloads on a simulated host')
    .description(
      'Take payloads through their life cycle on a simulated host: upload, apply, verify, revert, verify, apply again if Xen allows it, unload. ' +
        'Several payloads form a stack: uploaded and applied in the order given, reverted in reverse order. ' +
        'Files that end in .yaml or .yml, and folders, are scenarios (see docs/scenarios.md).',
    )
    .argument('[payload...]', 'livepatch files, or scenarios')
    .addHelpText(
      'after',
      examples([
        ['xsplice rehearse xsa-444.livepatch --xen xen-syms', 'Rehearse a payload'],
        ['xsplice rehearse first.livepatch second.livepatch --xen xen-syms', 'Rehearse a stack of payloads'],
        [
          'xsplice rehearse x.livepatch --xen xen-syms --cpus 8 --late 3=40ms',
          'Delay a CPU until the rendezvous times out',
        ],
        ['xsplice rehearse --example hello --release 4.18.0', 'Watch an embedded example panic the host'],
        ['xsplice rehearse scenarios/ --xen xen-syms --format junit', 'Run a folder of scenarios in CI'],
        [
          'xsplice rehearse x.livepatch --xen xen-syms \\\n        --call \'xen_extra_version() = "-fixed"\'',
          'Check what the patched function returns',
        ],
        ['xsplice rehearse x.livepatch --on qemu', "Rehearse on Debian's Xen in QEMU"],
        ['xsplice rehearse x.livepatch --on qemu --arch arm64', 'Rehearse on Xen for arm64 in QEMU'],
      ]),
    );
  addMachineOptions(addHostOptions(command)).option(
    '--example <name>',
    'use an embedded example instead of PAYLOAD and --xen',
  );
  command
    .addOption(
      new Option('--on <stage>', 'the simulator, or a real Xen in QEMU').choices(['sim', 'qemu']).default('sim'),
    )
    .addOption(archOption('with --on qemu: '))
    .option('--xen-image <xen>', 'with --on qemu: your own xen or xen.gz, of the same build as --xen')
    .option(
      '--call <function(…)>',
      'call a function before, while and after the payload is applied; append "= RESULT" to state what the patched function must return; repeatable',
      texts,
    )
    .option('--boot-timeout <seconds>', 'with --on qemu: time limit for the boot (default: 180)', seconds)
    .addOption(
      new Option('--format <format>', 'output format; junit for scenarios only (default: text)').choices([
        'text',
        'json',
        'junit',
      ]),
    )
    .option('--root <dir>', "folder that scenarios may read files from (default: each scenario's own)")
    .option('--jobs <n>', 'scenarios to run in parallel (default: one per CPU)', jobCount);
  addOutputOptions(command).action(async (files: string[], given: RehearseOptions) => {
    const { io } = context;
    if (given.json === true && given.format !== undefined && given.format !== 'json') {
      throw new XspliceError('EUSAGE', `--json conflicts with --format ${given.format}`, 'use one of them');
    }
    const options: RehearseOptions = given.format === 'json' ? { ...given, json: true } : given;
    if (areScenarios(files, io.cwd, 'payloads')) {
      await runScenarios(files, options, context);
      return;
    }
    refuseScenarioOptions(options);
    const progress = startProgress(io);
    const plan = options.call ?? [];
    const calls =
      plan.length === 0 ? undefined : await context.engine().then(({ plannedCall }) => plan.map(plannedCall));
    const simulation = {
      ...simulationOptions(options, progress.show),
      ...(calls !== undefined && { calls }),
    };
    if (options.on === 'qemu') {
      const qemu = qemuOptions(options, simulation);
      if (files.length === 0) throw new XspliceError('EUSAGE', 'missing PAYLOAD');
      const engine = await context.engine();
      const payloads = readPayloads(files, io.cwd, engine.payloadName);
      await finish(() => engine.rehearseOnQemu(payloads, qemu));
      return;
    }
    refuseQemuOptions(options);
    const from = source(files, options);
    const engine = await context.engine();
    const { image, payloads } =
      'example' in from
        ? await engine.example(from.example)
        : { image: readImage(from.xen, io.cwd), payloads: readPayloads(files, io.cwd, engine.payloadName) };
    await finish(() => engine.rehearsePayloads(image, payloads, simulation));

    async function finish(rehearse: () => Promise<RehearsalReport>): Promise<void> {
      try {
        const report = await rehearse();
        progress.clear();
        printReport(report, renderRehearsal, options, io);
        context.exit(report.verdict === 'passed' && !hasError(report.findings) ? EXIT.success : EXIT.refused);
      } finally {
        progress.clear();
      }
    }
  });
}
