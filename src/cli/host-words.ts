/**
 * Parses the words after `xsplice host` like `xen-livepatch` of the host's release.
 * Source: tools/misc/xen-livepatch.c, main.
 */

/** Commands of `xen-livepatch`, in the order in which it looks up abbreviations. */
const TOOL_COMMANDS = ['help', 'list', 'upload', 'load', 'apply', 'revert', 'unload', 'replace'] as const;

export const HOST_COMMANDS = [...TOOL_COMMANDS, 'inspect'] as const;

export type HostCommand = (typeof HOST_COMMANDS)[number];

/** Number of arguments of each command; flags follow them. */
const OWN_WORDS: Readonly<Record<HostCommand, number>> = {
  help: 0,
  list: 0,
  upload: 2,
  load: 1,
  apply: 1,
  revert: 1,
  unload: 1,
  replace: 1,
  inspect: 0,
};

/** Commands that take no flags. The others report unknown flags themselves. */
const EXACT: readonly HostCommand[] = ['list', 'upload', 'inspect'];

/** Minor version of Xen in which `xen-livepatch` gained each feature. */
export const TOOL_SINCE = {
  /** Flags of actions, `--nodeps`; lists with metadata (b274989b61, 5083e0ff93). */
  flags: 14,
  /** `--force` (62a72092a5); abbreviations were dropped (fb2716a191). */
  force: 19,
} as const;

export type Words =
  /** Print the help and exit with `status`. */
  | { readonly kind: 'help'; readonly status: 0 | 1 }
  | { readonly kind: 'unknown'; readonly word: string }
  | {
      readonly kind: 'command';
      readonly command: Exclude<HostCommand, 'help'>;
      readonly args: readonly string[];
      readonly force: boolean;
      readonly json: boolean;
    };

function commandNamed(word: string, minor: number): HostCommand | undefined {
  const exact = HOST_COMMANDS.find((name) => name === word);
  if (exact !== undefined || minor >= TOOL_SINCE.force) return exact;
  // strncmp over the length of the word: an empty word matches the first command.
  return TOOL_COMMANDS.find((name) => name.startsWith(word));
}

/**
 * Parses the words. `--json`, which `xen-livepatch` does not have, comes before the command or after its arguments. `minor`
 * is the minor version of the toolstack.
 */
export function readWords(words: readonly string[], minor: number): Words {
  let at = 0;
  let force = false;
  let json = false;
  for (; at < words.length; at++) {
    if (words[at] === '--json') json = true;
    else if (words[at] === '--force' && !force && minor >= TOOL_SINCE.force) force = true;
    else break;
  }
  const [word, ...rest] = words.slice(at);
  if (word === undefined) return { kind: 'help', status: force ? 1 : 0 };
  const command = commandNamed(word, minor);
  if (command === undefined) return { kind: 'unknown', word };
  if (command === 'help') return { kind: 'help', status: 0 };
  const own = OWN_WORDS[command];
  const args = rest.filter((arg, i) => i < own || arg !== '--json');
  json ||= args.length < rest.length;
  const exactly = EXACT.includes(command) || minor < TOOL_SINCE.flags;
  if (exactly ? args.length !== own : args.length < own) return { kind: 'help', status: 1 };
  return { kind: 'command', command, args, force, json };
}
