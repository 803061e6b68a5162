import type { Command } from 'commander';
import { parseRuleId } from '../base/index.ts';
import { renderRules, rulePage } from '../report/index.ts';
import type { Context } from './context.ts';
import { addColorOption, examples } from './context.ts';
import { EXIT } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

/** `xsplice rules [ID]` */
export function addRules(program: Command, context: Context): void {
  const command = program
    .command('rules')
    .summary('list everything that can be reported, or explain one id')
    .description(
      'List the id of everything that xsplice reports: lint rules, refusals of Xen, problems with patches and builds; or explain one id.',
    )
    .argument('[id]', 'id to explain')
    .addHelpText(
      'after',
      examples([
        ['xsplice rules', 'List all ids'],
        ['xsplice rules branch-into-patch', 'Read what is wrong, why, and how to fix it'],
        ['xsplice rules wrong-xen', 'The same for a refusal of Xen'],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=error', 'Raise the severity of a rule'],
      ]),
    );
  addColorOption(command).action((id: string | undefined, options: { readonly color: ColorWhen }) => {
    const { io } = context;
    const style = styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns);
    io.stdout(id === undefined ? renderRules(style) : rulePage(parseRuleId(id), { width: style.width }));
    context.exit(EXIT.success);
  });
}
