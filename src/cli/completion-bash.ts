import type { CompletedOption, CompletionModel } from './completion-model.ts';

/** Quotes a word list as one bash word. */
const quote = (words: readonly string[]): string => `'${words.join(' ').replaceAll("'", `'\\''`)}'`;

const allFlags = (options: readonly CompletedOption[]): string[] => options.flatMap((option) => option.flags);

/** Returns `case` branches for option values: `'rehearse --color')`. Free values get no completion. */
function valueCases(command: string, options: readonly CompletedOption[]): string[] {
  return options
    .filter((option) => option.takesValue)
    .map((option) => {
      const pattern = option.flags.map((flag) => `'${command} ${flag}'`).join('|');
      if (option.values !== undefined) return `    ${pattern}) _xsplice_words ${quote(option.values)}; return ;;`;
      return option.isFile ? `    ${pattern}) return ;;` : `    ${pattern}) _xsplice_nothing; return ;;`;
    });
}

/**
 * Returns a completion script for bash 4 or later. If `COMPREPLY` stays empty, readline completes file names itself
 * (`complete -o default`) and quotes them correctly.
 */
export function bashCompletion(model: CompletionModel): string {
  const names = model.commands.map((command) => command.name);
  const flagCases = model.commands.map((command) => {
    const flags = quote(allFlags(command.options));
    return `    ${command.name}) flags=${flags}; words=${quote(command.words)}; files=${command.takesFiles ? 1 : ''} ;;`;
  });
  return `# bash completion for ${model.program}: eval "$(${model.program} completion bash)"

_xsplice_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); _xsplice_nothing; }
_xsplice_nothing() { compopt +o default 2>/dev/null || true; }

_xsplice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' i
  local flags=${quote(allFlags(model.options))} words=${quote(names)} files=''
  COMPREPLY=()
  # Bash splits --option=value into three words.
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $prev == '=' && $COMP_CWORD -gt 1 ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    ${names.join('|')}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$command $prev" in
${model.commands.flatMap((command) => valueCases(command.name, command.options)).join('\n')}
  esac
  case $command in
${flagCases.join('\n')}
  esac
  if [[ $cur == -* ]]; then _xsplice_words "$flags"
  elif [[ -z $files ]]; then _xsplice_words "$words"; fi
}

complete -o default -F _xsplice ${model.program}
`;
}
