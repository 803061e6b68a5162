import type { Command } from 'commander';
import { Argument } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { completionModel } from './completion-model.ts';
import { zshCompletion } from './completion-zsh.ts';
import type { Context } from './context.ts';
import { examples } from './context.ts';
import { EXIT } from './io.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion } as const;

/** `xsplice completion bash|zsh` */
export function addCompletion(program: Command, context: Context): void {
  program
    .command('completion')
    .summary('print a completion script for your shell')
    .description(
      'Print a completion script for your shell. It knows the commands and options of this version of xsplice.',
    )
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      examples([
        ['eval "$(xsplice completion bash)"', 'Enable completion in this shell'],
        ['echo \'eval "$(xsplice completion zsh)"\' >> ~/.zshrc', 'Enable it in every zsh (after compinit)'],
      ]),
    )
    .action(async (shell: keyof typeof SHELLS) => {
      const engine = await context.engine();
      const candidates = {
        '--release': engine.releases().map((release) => release.version),
        '--cpu': engine.cpuPresets(),
        '--example': await engine.exampleNames(),
      };
      context.io.stdout(SHELLS[shell](completionModel(program, candidates)));
      context.exit(EXIT.success);
    });
}
