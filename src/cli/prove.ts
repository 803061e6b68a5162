import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import { renderProof } from '../report/index.ts';
import type { Context, OutputOptions } from './context.ts';
import { addOutputOptions, examples, printReport } from './context.ts';
import { EXIT } from './io.ts';
import { requireImage } from './simulation-options.ts';

interface ProveFlags extends OutputOptions {
  readonly before?: string;
  readonly after?: string;
  readonly xen?: string;
  readonly release?: string;
}

function required(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new XspliceError(
    'EUSAGE',
    `missing ${option}`,
    'give the objects before and after the patch: files, or folders with the same paths',
  );
}

/** `xsplice prove PAYLOAD --before DIR --after DIR --xen XEN-SYMS` */
export function addProve(program: Command, context: Context): void {
  const command = program
    .command('prove')
    .summary('prove that a payload is the patch')
    .description(
      'Prove that a host with the payload applied is the same program as the patched hypervisor, as far as the compiled objects tell. Compares code ' +
        'instruction by instruction, follows every reference, and pairs variables one to one. Whatever made the payload does not matter. What cannot ' +
        'be understood is not proved.',
    )
    .argument('<payload>', 'livepatch file')
    .option('--before <path>', 'object before the patch, or a folder of objects')
    .option('--after <path>', 'object after the patch, or a folder with the same paths')
    .option('--xen <xen-syms>', 'xen-syms of the exact build that runs')
    .option('--release <release>', 'follow the rules of this release (default: that of xen-syms)')
    .addHelpText(
      'after',
      examples([
        [
          'xsplice prove x.livepatch --before before/ --after after/ --xen xen-syms',
          'Prove a payload that any tool made',
        ],
      ]),
    );
  addOutputOptions(command).action(async (payload: string, flags: ProveFlags) => {
    const { io } = context;
    const { before, after, release } = flags;
    const { runProve } = await import('./prove-run.ts');
    const document = await runProve(
      {
        payload,
        before: required(before, '--before'),
        after: required(after, '--after'),
        xen: requireImage(flags),
        ...(release !== undefined && { release }),
      },
      io.cwd,
    );
    printReport(document, renderProof, flags, io);
    context.exit(document.verdict === 'proved' ? EXIT.success : EXIT.refused);
  });
}
