import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import { renderRules } from '../report/index.ts';
import type { Context } from './context.ts';
import { addColorOption, examples } from './context.ts';
import { EXIT } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

/** Reads the page of a rule from `docs/rules/`, two folders up both in the sources and in dist/. Throws an XspliceError (EFILE). */
export function pageOf(id: string): string {
  try {
    return readFileSync(join(dirname(import.meta.filename), '../../docs/rules', `${id}.md`), 'utf8');
  } catch {
    throw new XspliceError('EFILE', `cannot read docs/rules/${id}.md, the page of rule ${id}`, 'reinstall xsplice');
  }
}

/** `xsplice rules [ID]` */
export function addRules(program: Command, context: Context): void {
  const command = program
    .command('rules')
    .summary('list the lint rules, or explain one')
    .description('List the lint rules, which report what Xen itself does not refuse; or explain one rule.')
    .argument('[id]', 'rule to explain')
    .addHelpText(
      'after',
      examples([
        ['xsplice rules', 'List the rules'],
        ['xsplice rules branch-into-patch', 'Read what is wrong, why, and how to fix it'],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=error', 'Raise the severity of a rule'],
      ]),
    );
  addColorOption(command).action(async (id: string | undefined, options: { readonly color: ColorWhen }) => {
    const { io } = context;
    const { RULES, ruleById } = await (await context.engine()).lint();
    if (id === undefined) {
      io.stdout(renderRules(RULES, styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
    } else io.stdout(pageOf(ruleById(id, RULES).id));
    context.exit(EXIT.success);
  });
}
