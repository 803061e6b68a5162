import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import { displayText } from '../report/index.ts';
import { type Context, examples } from './context.ts';
import type { HostSource } from './host-run.ts';
import { HOST_COMMANDS, TOOL_SINCE } from './host-words.ts';
import { styleFor, wantsColor } from './style.ts';

const COMMANDS = `
Commands:
  list                   list payloads with state and metadata
  upload NAME FILE       upload a payload; the hypervisor checks it
  apply NAME [--nodeps]  apply it; --nodeps: depend on the hypervisor only
  revert NAME            revert it
  replace NAME           revert all others and apply this one, in one step
  unload NAME            remove a payload that is not applied
  load FILE [--nodeps]   upload and apply FILE, named after the file without its
                         extension; unload it again if applying fails
  inspect                print version and build-id of the hypervisor, the list,
                         and what its console key x prints
  help                   print this help

Grammar, output and exit status are those of xen-livepatch: 0 success, 2 try
again (EAGAIN, EBUSY), 1 any other failure. Unlike xen-livepatch, xsplice exits
with 1 on a machine that is not a Xen host, and prints the hypervisor's console
lines after a refusal. With the tools of Xen 4.18 and older, commands can be
abbreviated and --force does not exist.
`;

/** Loads `targets/` and returns the host that this process runs on. */
async function realHost(): Promise<HostSource> {
  const { adviceFor, installedLibraries, withHost } = await import('../targets/index.ts');
  return {
    minor: installedLibraries()[0]?.minor ?? TOOL_SINCE.force,
    withHost: (work) =>
      withHost({}, (target) =>
        work({
          target,
          minor: target.minor,
          advice: (errno) => adviceFor(errno, { path: target.library, minor: target.minor }),
          identity: async () => ({ version: await target.version(), buildId: await target.buildId() }),
          dump: () => target.dump(),
        }),
      ),
    sleep: (ms) => sleep(ms),
  };
}

/**
 * Adds `xsplice host`.
 *
 * @param source returns the host; tests pass a simulated one.
 */
export function addHost(program: Command, context: Context, source: () => Promise<HostSource> = realHost): void {
  const { io } = context;
  const verb = new Argument('[command]', 'see the list below');
  // For shell completion. Commander must not check the words: that follows xen-livepatch.
  verb.argChoices = [...HOST_COMMANDS];
  const command = program
    .command('host')
    .summary('patch this Xen host, with the interface of xen-livepatch')
    .description('Patch the Xen host that xsplice runs on. Same commands, grammar and output as xen-livepatch.')
    .usage('[--json] [--force] <command> [arguments]')
    .addArgument(verb)
    .argument('[words...]', 'arguments of the command')
    .option('--json', 'print JSON; can also follow the arguments of a command')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText(
      'after',
      COMMANDS +
        examples([
          ['sudo xsplice host load xsa-444.livepatch', 'Upload and apply'],
          ['sudo xsplice host inspect', 'See what runs and what is loaded'],
          ['sudo xsplice host list --json | jq .payloads', 'List payloads as JSON'],
        ]),
    );
  command.action(async (_verb: string | undefined, _words: string[], options: { readonly json?: boolean }) => {
    const help = () => command.outputHelp({ error: true });
    const { runHost } = await import('./host-run.ts');
    try {
      context.exit(await runHost(command.args, { json: options.json === true, help }, io, await source()));
    } catch (error) {
      if (!(error instanceof XspliceError)) throw error;
      // Status 2 would make scripts retry.
      const { red } = styleFor(wantsColor('auto', io.stderrIsTTY, io.env), io.columns);
      io.stderr(`xsplice: ${red('error:')} ${displayText(error.message)}\n`);
      if (error.hint !== undefined) io.stderr(`xsplice: ${displayText(error.hint)}\n`);
      context.exit(1);
    }
  });
}
