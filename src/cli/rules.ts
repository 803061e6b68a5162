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

/** The page of a rule, from `docs/rules/`, which is two folders up from this file in the sources as in dist/. Throws an XspliceError (EFILE). */
export function pageOf(id: string): string {
  try {
    return readFileSync(join(dirname(import.meta.filename), '../../docs/rules', `${id}.md`), 'utf8');
  } catch {
    throw new XspliceError('EFILE', `the page of the rule ${id} is missing`, 'install xsplice anew');
  }
}

/** `xsplice rules [ID]` */
export function addRules(program: Command, context: Context): void {
  const command = program
    .command('rules')
    .summary('list the rules that check holds payloads to, or explain one')
    .description('List the rules that check holds payloads to beyond what Xen itself refuses, or explain one of them.')
    .argument('[id]', 'the rule to explain')
    .addHelpText(
      'after',
      examples([
        ['xsplice rules', 'List them'],
        ['xsplice rules branch-into-patch', 'What is wrong, why, and how to fix it'],
        ['xsplice check x.livepatch --xen xen-syms --rule debug-sections=error', 'Make a rule stricter'],
      ]),
    );
  addColorOption(command).action(async (id: string | undefined, options: { readonly color: ColorWhen }) => {
    const { io } = context;
    const { RULES, ruleById } = await (await context.engine()).lint();
    if (id === undefined) {
      io.stdout(renderRules(RULES, styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
    } else io.stdout(pageOf(ruleById(id, RULES).id));
    context.exit(EXIT.holds);
  });
}
