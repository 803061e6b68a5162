import { Command } from 'commander';
import { addBuild } from './build.ts';
import { addCheck } from './check.ts';
import { addCompletion } from './completion.ts';
import { addConform } from './conform.ts';
import type { Context } from './context.ts';
import { addDiff } from './diff.ts';
import { addHost } from './host.ts';
import { addInspect } from './inspect.ts';
import { addExamples } from './list-examples.ts';
import { addRehearse } from './rehearse.ts';
import { addReleases } from './releases.ts';
import { addRules } from './rules.ts';
import { styleFor, wantsColor } from './style.ts';

/** The whole command line. It prints through the context only, and never ends the process. */
export function createProgram(context: Context, version: string): Command {
  const { io } = context;
  const program = new Command('xsplice')
    .description("Carry a Xen live patch through its whole life, under the hypervisor's own rules.")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help on a command')
    .showSuggestionAfterError(true)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      getOutHelpWidth: () => styleFor(false, io.columns ?? 100).width,
      getErrHelpWidth: () => styleFor(false, io.columns ?? 100).width,
      getOutHasColors: () => wantsColor('auto', io.isTTY, io.env),
      getErrHasColors: () => wantsColor('auto', io.stderrIsTTY, io.env),
      outputError: (text, write) => {
        const { red } = styleFor(wantsColor('auto', io.stderrIsTTY, io.env), io.columns);
        write(text.replace(/^error:/, () => `xsplice: ${red('error:')}`));
      },
    })
    .addHelpText(
      'after',
      '\nExit status: 0 it holds; 1 it was refused, a finding is an error, or a step did not go as expected;\n' +
        '2 the command line or the environment is wrong.',
    );
  addInspect(program, context);
  addCheck(program, context);
  addRehearse(program, context);
  addConform(program, context);
  addBuild(program, context);
  addDiff(program, context);
  addHost(program, context);
  addReleases(program, context);
  addRules(program, context);
  addExamples(program, context);
  addCompletion(program, context);
  return program;
}
