/** What a line's place in a C file allows, seen before the line is read. One element per line. */
export interface CLines {
  /** 1 where a directive may stand before the line: not in a comment, in a line that a backslash continues, or before a `(`. */
  readonly open: Uint8Array;
  /** Parentheses that are open, outside of directives. */
  readonly depth: Int32Array;
  /** Conditionals (`#if`) that are open before the line. */
  readonly level: Int32Array;
  /** What the line does to conditionals. */
  readonly conditional: readonly (Conditional | undefined)[];
}

/** The three kinds of line that a conditional is made of. */
export type Conditional = 'if' | 'else' | 'endif';

const CONDITIONAL = /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b/;

/** A conditional that is open, and how many parentheses were open at its start and at the ends of its branches. */
interface Group {
  readonly start: number;
  least: number;
  whole: boolean;
}

/** In what the scan is. Strings and character constants end with their line at the latest, as they do for cpp. */
type Inside = 'code' | 'comment' | 'line-comment' | '"' | "'";

/** Reads C, a header, or assembly that goes through cpp, as far as it takes to know where a directive does no harm. */
export function scanC(lines: readonly string[]): CLines {
  const open = new Uint8Array(lines.length);
  const depth = new Int32Array(lines.length);
  const level = new Int32Array(lines.length);
  const conditional: (Conditional | undefined)[] = [];
  const firsts: string[] = [];
  const groups: Group[] = [];
  const state: ScanState = { inside: 'code', depth: 0, directive: false, first: '' };
  let continued = false;
  for (const [i, line] of lines.entries()) {
    const fresh = !continued && state.inside !== 'comment';
    open[i] = fresh ? 1 : 0;
    level[i] = groups.length;
    if (fresh) state.directive = /^[ \t\f\v]*#/.test(line);
    const word = fresh && state.directive ? CONDITIONAL.exec(line)?.[1] : undefined;
    conditional.push(word === undefined ? undefined : kindOf(word));
    if (word !== undefined) state.depth = throughConditional(word, groups, state.depth);
    // A function begins and ends at the first column: a parenthesis that was miscounted does not outlive it.
    if (fresh && (line.startsWith('{') || line.startsWith('}'))) state.depth = 0;
    depth[i] = state.depth;
    continued = isContinued(line);
    scanLine(line, state, continued);
    firsts.push(state.first);
  }
  // A name and, on a later line, its parenthesis are the call of a macro.
  let next = '';
  for (let i = lines.length - 1; i >= 0; i--) {
    next = firsts[i] || next;
    if (next === '(') open[i] = 0;
  }
  return { open, depth, level, conditional };
}

interface ScanState {
  inside: Inside;
  depth: number;
  directive: boolean;
  /** The line's first character that is neither blank nor comment. */
  first: string;
}

const kindOf = (word: string): Conditional => (word === 'endif' ? 'endif' : word.startsWith('el') ? 'else' : 'if');

/** gcc takes a backslash that only blanks part from the line's end as a continuation, too. */
function isContinued(line: string): boolean {
  let end = line.length - 1;
  while (end >= 0 && ' \t\f\v\r\n'.includes(line[end] ?? '')) end--;
  return line[end] === '\\';
}

/**
 * Each branch of a conditional begins with the parentheses that were open before it. After it as many are open as after the
 * branch with the fewest: in a branch that is prose (`#if 0`) they need not match.
 */
function throughConditional(word: string, groups: Group[], depth: number): number {
  if (kindOf(word) === 'if') {
    groups.push({ start: depth, least: Number.POSITIVE_INFINITY, whole: false });
    return depth;
  }
  const group = groups.at(-1);
  if (group === undefined) return depth;
  group.least = Math.min(group.least, depth);
  if (word === 'else') group.whole = true;
  if (word !== 'endif') return group.start;
  groups.pop();
  return group.whole ? group.least : Math.min(group.least, group.start);
}

function scanLine(line: string, state: ScanState, continued: boolean): void {
  state.first = '';
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? '';
    const pair = character + (line[i + 1] ?? '');
    if (state.inside === 'comment') {
      if (pair === '*/') {
        state.inside = 'code';
        i++;
      }
    } else if (state.inside === 'code') {
      if (pair === '/*' || pair === '//') {
        state.inside = pair === '/*' ? 'comment' : 'line-comment';
        i++;
      } else codeCharacter(character, state);
    } else if (state.inside !== 'line-comment') {
      if (character === '\\') i++;
      else if (character === state.inside) state.inside = 'code';
    }
  }
  if (state.inside !== 'comment' && !continued) state.inside = 'code';
}

function codeCharacter(character: string, state: ScanState): void {
  if (state.first === '' && !' \t\f\v\r\n'.includes(character)) state.first = character;
  if (character === '"' || character === "'") state.inside = character;
  else if (state.directive) return;
  else if (character === '(') state.depth++;
  else if (character === ')' && state.depth > 0) state.depth--;
}
