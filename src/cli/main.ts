import { CommanderError } from 'commander';
import { XspliceError } from '../base/index.ts';
import { displayText } from '../report/index.ts';
import type { Engine } from './engine.ts';
import type { CliIo } from './io.ts';
import { EXIT } from './io.ts';
import { loadEngine } from './load-engine.ts';
import { createProgram } from './program.ts';
import { styleFor, wantsColor } from './style.ts';
import { VERSION } from './version.ts';

function printError(message: string, hint: string | undefined, io: CliIo): void {
  const { red } = styleFor(wantsColor('auto', io.stderrIsTTY, io.env), io.columns);
  io.stderr(`xsplice: ${red('error:')} ${displayText(message)}\n`);
  if (hint !== undefined) io.stderr(`xsplice: ${displayText(hint)}\n`);
}

/** What an error means for the shell, after telling the user. */
function statusOf(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message. Help and version that were asked for have exit code 0.
    return error.exitCode === 0 ? EXIT.holds : EXIT.usage;
  }
  if (error instanceof XspliceError) {
    printError(error.message, error.hint, io);
    return EXIT.usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  printError(`this is a bug in xsplice: ${message}`, 'XSPLICE_DEBUG=1 shows where', io);
  if ((io.env['XSPLICE_DEBUG'] ?? '') !== '' && error instanceof Error) io.stderr(`${error.stack ?? ''}\n`);
  return EXIT.usage;
}

/**
 * Runs one command line and gives the exit status. Never throws, never ends the process, prints through `io` only.
 *
 * @param argv the arguments alone, without node and script.
 * @param engine how to get at the simulator; tests give their own.
 */
export async function main(
  argv: readonly string[],
  io: CliIo,
  engine: () => Promise<Engine> = loadEngine,
): Promise<number> {
  let status: number = EXIT.holds;
  const context = {
    io,
    engine,
    exit: (wanted: number) => {
      status = wanted;
    },
  };
  try {
    const program = createProgram(context, VERSION);
    if (argv.length === 0) {
      io.stderr(program.helpInformation({ error: true }));
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    return statusOf(error, io);
  }
}
