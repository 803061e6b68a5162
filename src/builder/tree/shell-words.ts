/** A command of a shell script: its words, quotes and backslashes resolved. */
export interface SimpleCommand {
  readonly words: readonly string[];
  /** Does it read from, or write to, what the words do not say: a redirection, a pipe, a substitution, a pattern? */
  readonly plain: boolean;
}

/** Longest script that is looked at, in characters; real commands have about two thousand. */
const MOST_CHARACTERS = 0x10_0000;

/** What ends a word or a command outside of quotes; all of it keeps a command from being plain, but for the first row. */
const ENDS = new Set([';', '&', '\n']);
const UNPLAIN = new Set(['|', '<', '>', '(', ')', '`', '$', '*', '?', '[', '{', '}', '~', '!']);

/** Characters that stand for themselves: most of a command, so they are taken many at a time. */
const ORDINARY = /[\w\-+=:,./@%^]+/y;

/** State of the reader: the word that is being read, and what is done. */
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

  /** Is a word being read? */
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
 * The commands of a shell script, split at `;`, `&&` and line ends as POSIX says (Shell Command Language, 2.2 and 2.3),
 * without a shell: nothing is run or expanded. What a shell would expand or redirect makes its command not plain. `undefined`
 * where a quote is not closed or the text is too long.
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
      // A backslash at the end of a line joins the lines.
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

/** Reads to the closing quote, whose place it returns. */
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
