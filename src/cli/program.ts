import { Command } from 'commander';
import { addBuild } from './build.ts';
import { addCheck } from './check.ts';
import { addCompletion } from './completion.ts';
import { addConform } from './conform.ts';
import { type Context, examples } from './context.ts';
import { addDiff } from './diff.ts';
import { addHost } from './host.ts';
import { addInspect } from './inspect.ts';
import { addExamples } from './list-examples.ts';
import { addProve } from './prove.ts';
import { addRehearse } from './rehearse.ts';
import { addReleases } from './releases.ts';
import { addRules } from './rules.ts';
import { styleFor, wantsColor } from './style.ts';

/** Columns of help texts. */
const HELP_WIDTH = 80;

/** Declares every command. Prints through `context.io` only and never exits the process. */
export function createProgram(context: Context, version: string): Command {
  const { io } = context;
  const program = new Command('xsplice')
    .description('Build, inspect, check, rehearse and apply Xen live patches.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError(true)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => wantsColor('auto', io.isTTY, io.env),
      getErrHasColors: () => wantsColor('auto', io.stderrIsTTY, io.env),
      outputError: (text, write) => {
        const { red } = styleFor(wantsColor('auto', io.stderrIsTTY, io.env), io.columns);
        write(text.replace(/^error:/, () => `xsplice: ${red('error:')}`));
      },
    })
    .addHelpText(
      'after',
      examples([
        ['xsplice rehearse --example hello', 'Try it without a payload of your own'],
        ['xsplice help check', 'Read about a command'],
      ]) +
        '\n\nExit status:\n' +
        '  0  success\n' +
        '  1  Xen refuses a payload, a finding is an error, or a step gave another result\n' +
        '     than expected\n' +
        '  2  usage error, or a file or tool that xsplice needs is missing or unusable',
    );
  addInspect(program, context);
  addCheck(program, context);
  addRehearse(program, context);
  addConform(program, context);
  addBuild(program, context);
  addDiff(program, context);
  addProve(program, context);
  addHost(program, context);
  addReleases(program, context);
  addRules(program, context);
  addExamples(program, context);
  addCompletion(program, context);
  return program;
}
