import type { Command } from 'commander';
import { Option } from 'commander';
import type { ReportDocument, Style } from '../report/index.ts';
import { documentJson } from '../report/index.ts';
import type { Engine } from './engine.ts';
import type { CliIo } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

/** What each command's `add…` function gets: the process, and the work when it is needed. */
export interface Context {
  readonly io: CliIo;
  readonly engine: () => Promise<Engine>;
  /** The command says how it ended. */
  readonly exit: (status: number) => void;
}

/** Options of every command that reports. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly color: ColorWhen;
}

/** Adds `--color`. */
export const addColorOption = (command: Command): Command =>
  command.addOption(
    new Option('--color <when>', 'colours in the text').choices(['auto', 'always', 'never']).default('auto'),
  );

/** Adds `--json` and `--color`. */
export const addOutputOptions = (command: Command): Command =>
  addColorOption(command.option('--json', 'print a JSON document (see docs/*.schema.json)'));

/** Prints a document as asked for. */
export function printReport<D extends ReportDocument>(
  document: D,
  render: (document: D, style: Style) => string,
  options: OutputOptions,
  io: CliIo,
): void {
  if (options.json) io.stdout(documentJson(document));
  else io.stdout(render(document, styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
}

/** Text for `addHelpText('after', …)`: what to type, and what for. */
export const examples = (rows: readonly (readonly [command: string, what: string])[]): string =>
  `\nExamples:\n${rows.map(([command, what]) => `  ${what}:\n    $ ${command}`).join('\n')}`;
