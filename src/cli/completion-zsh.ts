import type { CompletedCommand, CompletedOption, CompletionModel } from './completion-model.ts';

/** Quotes text with single quotes. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Escapes an `_arguments` description, in which brackets and colons are syntax. */
const described = (text: string): string => text.replace(/[[\]\\:]/g, (character) => `\\${character}`);

/** Returns the `_arguments` specifications of an option, one per spelling. */
function optionSpecs(option: CompletedOption): string[] {
  const description = `[${described(option.description)}]`;
  const values = option.values === undefined ? '' : `(${option.values.join(' ')})`;
  const action = option.isFile ? '_files' : values === '' ? ' ' : values;
  return option.flags.map((flag) => {
    // `*`: the option can be repeated, and its spellings do not exclude each other.
    if (!option.takesValue) return quote(`*${flag}${description}`);
    const equals = flag.startsWith('--') ? '=' : '';
    return quote(`*${flag}${equals}${description}:value:${action}`);
  });
}

function argumentSpecs(command: CompletedCommand): string[] {
  if (command.words.length > 0) return [quote(`1:word:(${command.words.join(' ')})`)];
  return command.takesFiles ? [quote('*:file:_files')] : [];
}

const commandCase = (command: CompletedCommand): string => {
  const specs = [...command.options.flatMap(optionSpecs), ...argumentSpecs(command)];
  return `    ${command.name})\n      _arguments -s ${specs.join(' \\\n        ')}\n      ;;`;
};

/** Returns a completion script for zsh that works both from a file in `fpath` and with `eval`. */
export function zshCompletion(model: CompletionModel): string {
  const commands = model.commands.map((command) => `    ${quote(`${command.name}:${described(command.description)}`)}`);
  return `#compdef ${model.program}
# zsh completion for ${model.program}: eval "$(${model.program} completion zsh)", or a file _${model.program} in $fpath

_xsplice() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _arguments -C ${[...model.options.flatMap(optionSpecs), `'1:command:->command'`, `'*::argument:->argument'`].join(' \\\n    ')}
  case $state in
  command)
    _describe -t commands command commands
    ;;
  argument)
    case $line[1] in
${model.commands.map(commandCase).join('\n')}
    esac
    ;;
  esac
}

if [[ $funcstack[1] == _${model.program} ]]; then
  _xsplice "$@"
elif (( $+functions[compdef] )); then
  compdef _xsplice ${model.program}
fi
`;
}
