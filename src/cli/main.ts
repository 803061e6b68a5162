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

/** Prints an error and returns its exit status. */
function statusOf(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message. Requested help and version have exit code 0.
    return error.exitCode === 0 ? EXIT.success : EXIT.usage;
  }
  if (error instanceof XspliceError) {
    printError(error.message, error.hint, io);
    return EXIT.usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  printError(`internal error: ${message}`, 'this is a bug in xsplice; set XSPLICE_DEBUG=1 for a stack trace', io);
  if ((io.env['XSPLICE_DEBUG'] ?? '') !== '' && error instanceof Error) io.stderr(`${error.stack ?? ''}\n`);
  return EXIT.usage;
}

/**
 * Runs one command line and returns the exit status. Never throws or exits the process; prints through `io` only.
 *
 * @param argv arguments without node and script.
 * @param engine loads the simulator; tests pass their own.
 */
export async function main(
  argv: readonly string[],
  io: CliIo,
  engine: () => Promise<Engine> = loadEngine,
): Promise<number> {
  let status: number = EXIT.success;
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
