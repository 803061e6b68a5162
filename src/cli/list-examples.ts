import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { examples } from './context.ts';
import type { ListedExample } from './engine.ts';
import { fileError } from './files.ts';
import { EXIT } from './io.ts';

/** Aligns columns. The last column is not padded. */
function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(width(i)))).join('  ');
  return rows.map((row) => `${line(row)}\n`).join('');
}

const rowOf = ({ name, arch, verdict, title }: ListedExample): string[] => [name, arch, verdict, title];

function write(folder: string, cwd: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) {
    const path = resolve(cwd, folder, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    } catch (error) {
      throw fileError(path, error);
    }
  }
}

/** `xsplice examples [NAME…]` */
export function addExamples(program: Command, context: Context): void {
  program
    .command('examples')
    .summary('list the embedded examples, or write them to files')
    .description(
      'List the embedded example payloads: name, architecture, what Xen 4.18.1 answers, and what the payload is. With --write, write them and ' +
        'their miniature hypervisors to files.',
    )
    .argument('[name...]', 'examples (default: all)')
    .option('--write <dir>', 'write to this folder')
    .addHelpText(
      'after',
      examples([
        ['xsplice examples | grep arm64', 'List the examples for arm64'],
        ['xsplice examples arm64/hello --write .', 'Write one example and its hypervisor to files'],
      ]),
    )
    .action(async (names: string[], { write: folder }: { readonly write?: string }) => {
      const { io } = context;
      const engine = await context.engine();
      const listed = await engine.listExamples(names);
      if (folder !== undefined) {
        const files = await engine.exampleFiles(listed);
        write(folder, io.cwd, files);
        io.stdout([...files.keys()].map((name) => `${name}\n`).join(''));
      } else io.stdout(table(listed.map(rowOf)));
      context.exit(EXIT.success);
    });
}
