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
  list                   what is loaded, in which state, with which metadata
  upload NAME FILE       hand a payload to the hypervisor, which checks it
  apply NAME [--nodeps]  patch; --nodeps: against the hypervisor's build-id alone
  revert NAME            take the patch back
  replace NAME           revert all others and apply this one, in one go
  unload NAME            forget a payload that is not applied
  load FILE [--nodeps]   upload under the file's name without its extension, apply, and unload where that fails
  inspect                the hypervisor's version and build-id, the list, and what its console key x prints
  help                   print this

Grammar, output and exit status are those of xen-livepatch: 0 done; 2 try again (EAGAIN, EBUSY); 1 anything else, and
also where this is no Xen host, for which xen-livepatch has 0. What the hypervisor's console says to a refusal follows.
With the tools of Xen 4.18 and older, commands may be abbreviated, and there is no --force.`;

/** The host that this process runs on. The room that knows it is loaded now. */
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
 * `xsplice host …`
 *
 * @param source how to get at the host; tests give a simulated one.
 */
export function addHost(program: Command, context: Context, source: () => Promise<HostSource> = realHost): void {
  const { io } = context;
  const verb = new Argument('[command]', 'what to do; see below');
  // Offered by the shell's completion, but not checked by commander: the words are `xen-livepatch`'s to judge.
  verb.argChoices = [...HOST_COMMANDS];
  const command = program
    .command('host')
    .summary('patch the Xen host that this runs on, as xen-livepatch does')
    .description('Patch the Xen host that this runs on: the verbs of xen-livepatch, with its grammar and output.')
    .usage('[--json] [--force] <command> [arguments]')
    .addArgument(verb)
    .argument('[words...]', 'names, files and flags of the command')
    .option('--json', 'print a JSON document; also behind the arguments of a command')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText(
      'after',
      COMMANDS +
        examples([
          ['sudo xsplice host load xsa-444.livepatch', 'Upload and apply'],
          ['sudo xsplice host inspect', 'See what is patched'],
          ['sudo xsplice host list --json | jq .payloads', 'List for a program'],
        ]),
    );
  command.action(async (_verb: string | undefined, _words: string[], options: { readonly json?: boolean }) => {
    const help = () => command.outputHelp({ error: true });
    const { runHost } = await import('./host-run.ts');
    try {
      context.exit(await runHost(command.args, { json: options.json === true, help }, io, await source()));
    } catch (error) {
      if (!(error instanceof XspliceError)) throw error;
      // Status 2 would have scripts try again.
      const { red } = styleFor(wantsColor('auto', io.stderrIsTTY, io.env), io.columns);
      io.stderr(`xsplice: ${red('error:')} ${displayText(error.message)}\n`);
      if (error.hint !== undefined) io.stderr(`xsplice: ${displayText(error.hint)}\n`);
      context.exit(1);
    }
  });
}
