/** What Xen's build stores beside a target: its command and dependencies. */
export interface CommandFile {
  /** Name in make: `common/domctl.o`. */
  readonly target: string;
  /** The shell script that made it. */
  readonly script: string;
  /** The source, if `fixdep` recorded it. */
  readonly source: string | undefined;
  /** All files that the compiler read, under its names, without the source and the configuration. */
  readonly dependencies: readonly string[];
}

/**
 * Parses a `.NAME.cmd` file: make syntax, written by `if_changed` of scripts/Kbuild.include and by tools/fixdep. `undefined` for
 * another format. Resolves make's escapes: `$$` is a dollar, `$(pound)` a hash.
 */
export function readCommandFile(text: string): CommandFile | undefined {
  const lines = text.split('\n');
  const first = /^cmd_(\S+) := ?(.*)$/.exec(lines[0] ?? '');
  if (first === null) return undefined;
  const script = unescapeMake(first[2] as string);
  if (script === undefined) return undefined;
  const target = first[1] as string;
  let source: string | undefined;
  const dependencies: string[] = [];
  let inDependencies = false;
  for (const line of lines) {
    if (line.startsWith(`source_${target} := `)) source = line.slice(`source_${target} := `.length).trim();
    if (line.startsWith(`deps_${target} := `)) inDependencies = true;
    else if (!line.startsWith(' ')) inDependencies = false;
    else if (inDependencies) addDependency(line, dependencies);
  }
  return { target, script, source, dependencies };
}

/** Reads a list line: a path, or `$(wildcard include/config/…)`, which stands for a configuration option. */
function addDependency(line: string, dependencies: string[]): void {
  const path = line.replace(/\\$/, '').trim();
  if (path !== '' && !path.startsWith('$(')) dependencies.push(path);
}

function unescapeMake(text: string): string | undefined {
  let known = true;
  const plain = text.replace(/\$(\(pound\)|.|$)/g, (_, what: string) => {
    if (what === '$') return '$';
    if (what === '(pound)') return '#';
    known = false;
    return '';
  });
  return known ? plain : undefined;
}

/**
 * Returns the files in a compiler's dependency file (`-MMD -MF`), without targets: `target: file file \`, with `\ ` for a blank and
 * `$$` for a dollar. Rules without prerequisites, from `-MP`, add nothing.
 */
export function readDependencyFile(text: string): readonly string[] {
  const files = new Set<string>();
  for (const rule of text.replaceAll('\\\n', ' ').split('\n')) {
    const colon = /:(\s|$)/.exec(rule);
    if (colon === null) continue;
    for (const word of rule.slice(colon.index + 1).match(/(?:\\.|[^\s\\])+/g) ?? []) {
      files.add(word.replace(/\\(.)/g, '$1').replaceAll('$$', '$'));
    }
  }
  return [...files];
}
