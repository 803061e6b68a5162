import type { Command } from 'commander';
import { renderReleases } from '../report/index.ts';
import type { Context } from './context.ts';
import { addColorOption, examples } from './context.ts';
import { EXIT } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

const LEGEND = `
Columns:
  sysctl            XEN_SYSCTL_INTERFACE_VERSION
  payload           version of struct livepatch_func; v2 added expectations,
                    metadata, and hooks before and after each action
  state in          where Xen keeps the state of a patched function
  writable          what is writable while Xen patches: W1 everything (CR0.WP
                    off), W2 everything, with CET off too, W3 text, W4 text and
                    rodata
  ENDBR64           how Xen treats ENDBR64 at the start of a patched function
  Xen id            when Xen compares .livepatch.xen_depends: first thing at
                    upload, late, or never
  bad alternatives  what Xen does with an invalid alternative
  calls in          section of optimised indirect calls
  trap              instruction of a bug frame
`;

/** `xsplice releases` */
export function addReleases(program: Command, context: Context): void {
  const command = program
    .command('releases')
    .summary('list the supported Xen releases and how they differ')
    .description('List the supported Xen releases, which --release takes, and how their livepatch code differs.')
    .addHelpText('after', LEGEND + examples([['xsplice releases | grep 4.18', 'Look up one release']]));
  addColorOption(command).action(async (options: { readonly color: ColorWhen }) => {
    const { io } = context;
    const engine = await context.engine();
    io.stdout(renderReleases(engine.releases(), styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
    context.exit(EXIT.success);
  });
}
