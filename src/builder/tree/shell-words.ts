/** A shell command: its words, with quotes and backslashes resolved. */
export interface SimpleCommand {
  readonly words: readonly string[];
  /** False if the command has a redirection, pipe, substitution or pattern. */
  readonly plain: boolean;
}

/** Maximum script length in characters; real commands have about two thousand. */
const MOST_CHARACTERS = 0x10_0000;

/** Characters that end a word or command outside quotes. All but the first row make a command not plain. */
const ENDS = new Set([';', '&', '\n']);
const UNPLAIN = new Set(['|', '<', '>', '(', ')', '`', '$', '*', '?', '[', '{', '}', '~', '!']);

/** Literal characters, matched many at a time: most of a command. */
const ORDINARY = /[\w\-+=:,./@%^]+/y;

/** Reader state: the current word, and the finished commands. */
class Reader {
  readonly commands: SimpleCommand[] = [];
  #words: string[] = [];
  #word: string | undefined;
  #plain = true;

  add(text: string): void {
    this.#word = (this.#word ?? '') + text;
  }

  unplain(): void {
    this.#plain = false;
  }

  /** Is a word in progress? */
  get inWord(): boolean {
    return this.#word !== undefined;
  }

  endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }

  endCommand(): void {
    this.endWord();
    if (this.#words.length > 0 || !this.#plain) this.commands.push({ words: this.#words, plain: this.#plain });
    this.#words = [];
    this.#plain = true;
  }
}

/**
 * Splits a shell script into commands at `;`, `&&` and line ends, by POSIX rules (Shell Command Language, 2.2 and 2.3). Runs and
 * expands nothing; expansions and redirections make a command not plain. `undefined` for an unclosed quote or a script that is too
 * long.
 */
export function shellCommands(script: string): readonly SimpleCommand[] | undefined {
  if (script.length > MOST_CHARACTERS) return undefined;
  const reader = new Reader();
  for (let i = 0; i < script.length; i++) {
    ORDINARY.lastIndex = i;
    const run = ORDINARY.exec(script)?.[0];
    if (run !== undefined) {
      reader.add(run);
      i += run.length - 1;
      continue;
    }
    const c = script.charAt(i);
    if (c === "'") {
      const end = script.indexOf("'", i + 1);
      if (end < 0) return undefined;
      reader.add(script.slice(i + 1, end));
      i = end;
    } else if (c === '"') {
      const end = readDoubleQuotes(script, i + 1, reader);
      if (end === undefined) return undefined;
      i = end;
    } else if (c === '\\') {
      i++;
      // A final backslash joins two lines.
      if (script.charAt(i) !== '\n') reader.add(script.charAt(i));
    } else if (ENDS.has(c)) {
      reader.endCommand();
    } else if (c === ' ' || c === '\t') {
      reader.endWord();
    } else if (c === '#' && !reader.inWord) {
      const end = script.indexOf('\n', i);
      i = end < 0 ? script.length : end - 1;
    } else {
      if (UNPLAIN.has(c)) reader.unplain();
      reader.add(c);
    }
  }
  reader.endCommand();
  return reader.commands;
}

/** Reads to the closing quote and returns its index. */
function readDoubleQuotes(script: string, start: number, reader: Reader): number | undefined {
  reader.add('');
  for (let i = start; i < script.length; i++) {
    const c = script.charAt(i);
    if (c === '"') return i;
    if (c === '\\' && '$`"\\\n'.includes(script.charAt(i + 1))) {
      i++;
      if (script.charAt(i) !== '\n') reader.add(script.charAt(i));
      continue;
    }
    if (c === '$' || c === '`') reader.unplain();
    reader.add(c);
  }
  return undefined;
}
