import type { Argument, Command, Option } from 'commander';

/** An option as the completion scripts need it. */
export interface CompletedOption {
  /** All spellings: `-h`, `--help`. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** The values to offer; undefined if the value is free or a file. */
  readonly values: readonly string[] | undefined;
  readonly isFile: boolean;
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** True if its arguments are files. */
  readonly takesFiles: boolean;
  /** The words that its argument may be. */
  readonly words: readonly string[];
}

export interface CompletionModel {
  readonly program: string;
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

/** Values that commander does not know, by long option: releases, presets, examples. */
export type Candidates = Readonly<Record<string, readonly string[]>>;

/** Placeholders of options that take a file. */
const FILE_PLACEHOLDER = /<(?:xen-syms|file|path|dir)(?:\.{3})?>/;

const optionOf = (option: Option, candidates: Candidates): CompletedOption => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined),
  description: option.description,
  takesValue: option.required || option.optional,
  values: option.argChoices ?? candidates[option.long ?? ''],
  isFile: FILE_PLACEHOLDER.test(option.flags),
});

const optionsOf = (command: Command, candidates: Candidates): CompletedOption[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .map((option) => optionOf(option, candidates));

/** Names of non-variadic arguments that are files. */
const FILE_ARGUMENTS: ReadonlySet<string> = new Set(['orig', 'patched']);

const takesFile = (argument: Argument): boolean => argument.variadic || FILE_ARGUMENTS.has(argument.name());

function commandOf(command: Command, candidates: Candidates): CompletedCommand {
  const words = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  return {
    name: command.name(),
    description: command.summary() || command.description(),
    options: optionsOf(command, candidates),
    takesFiles: words.length === 0 && command.registeredArguments.some(takesFile),
    words,
  };
}

/** Derives the completion model from the program, so that the scripts always know every command and option. */
export function completionModel(program: Command, candidates: Candidates): CompletionModel {
  const commands = program.createHelp().visibleCommands(program);
  const names = commands.map((command) => command.name());
  return {
    program: program.name(),
    options: optionsOf(program, candidates),
    commands: commands.map((command) => {
      const model = commandOf(command, candidates);
      return model.name === 'help' ? { ...model, takesFiles: false, words: names } : model;
    }),
  };
}
