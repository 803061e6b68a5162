import type { Command } from 'commander';
import { renderReleases } from '../report/index.ts';
import type { Context } from './context.ts';
import { addColorOption, examples } from './context.ts';
import { EXIT } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

const LEGEND = `
Columns:
  sysctl            interface version of the toolstack's hypercall
  payload           version of struct livepatch_func; v2 brought expectations, metadata, and hooks around the actions
  state in          where Xen keeps what it knows of a patched function
  writable          while patching: W1 all (CR0.WP off), W2 all and CET off, W3 text, W4 text and rodata
  ENDBR64           at the start of a patched function
  Xen id            .livepatch.xen_depends: compared first thing at upload, late, or not asked for
  bad alternatives  what comes of an entry that makes no sense
  calls in          the section with optimised indirect calls
  trap              the instruction of a bug frame`;

/** `xsplice releases` */
export function addReleases(program: Command, context: Context): void {
  const command = program
    .command('releases')
    .summary('list the releases of Xen that are known, and how they differ')
    .description('List the releases of Xen that are known, and how they differ. --release takes these.')
    .addHelpText('after', LEGEND + examples([['xsplice releases | grep 4.18', 'Look one up']]));
  addColorOption(command).action(async (options: { readonly color: ColorWhen }) => {
    const { io } = context;
    const engine = await context.engine();
    io.stdout(renderReleases(engine.releases(), styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
    context.exit(EXIT.holds);
  });
}
