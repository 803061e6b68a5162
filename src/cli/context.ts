import type { Command } from 'commander';
import { Option } from 'commander';
import type { ReportDocument, Style } from '../report/index.ts';
import { documentJson } from '../report/index.ts';
import type { Engine } from './engine.ts';
import type { CliIo } from './io.ts';
import type { ColorWhen } from './style.ts';
import { styleFor, wantsColor } from './style.ts';

/** Passed to the `add…` function of each command: the process, and the simulator, loaded on demand. */
export interface Context {
  readonly io: CliIo;
  readonly engine: () => Promise<Engine>;
  /** Sets the exit status. */
  readonly exit: (status: number) => void;
}

/** Values of the options that {@link addOutputOptions} adds. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly color: ColorWhen;
}

/** Adds `--color`. */
export const addColorOption = (command: Command): Command =>
  command.addOption(
    new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']).default('auto'),
  );

/** Adds `--json` and `--color`. */
export const addOutputOptions = (command: Command): Command =>
  addColorOption(command.option('--json', 'print JSON (schemas: docs/*.schema.json)'));

/** Prints a document as JSON or as text, as `options` say. */
export function printReport<D extends ReportDocument>(
  document: D,
  render: (document: D, style: Style) => string,
  options: OutputOptions,
  io: CliIo,
): void {
  if (options.json) io.stdout(documentJson(document));
  else io.stdout(render(document, styleFor(wantsColor(options.color, io.isTTY, io.env), io.columns)));
}

/** Returns the `Examples:` section of a help text. Each row has a command line and what it is for. */
export const examples = (rows: readonly (readonly [command: string, what: string])[]): string =>
  `\nExamples:\n${rows.map(([command, what]) => `  ${what}:\n    $ ${command}`).join('\n')}`;
