/** Where a directive may go in a C file. One element per line, for the place before the line. */
export interface CLines {
  /** 1 if a directive may precede the line: not in a comment, a continued line, or before a `(`. */
  readonly open: Uint8Array;
  /** Open parentheses, outside directives. */
  readonly depth: Int32Array;
  /** Open conditionals (`#if`) before the line. */
  readonly level: Int32Array;
  /** The line's conditional directive. */
  readonly conditional: readonly (Conditional | undefined)[];
}

/** The three kinds of lines in a conditional. */
export type Conditional = 'if' | 'else' | 'endif';

const CONDITIONAL = /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b/;

/** An open conditional, with the number of open parentheses at its start and at the end of each branch. */
interface Group {
  readonly start: number;
  least: number;
  whole: boolean;
}

/** State of the scan. As for cpp, strings and character constants end with their line. */
type Inside = 'code' | 'comment' | 'line-comment' | '"' | "'";

/** Scans C, a header, or preprocessed assembly, as far as needed to place directives. */
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
    // Functions begin and end at the first column, so a miscounted parenthesis ends there.
    if (fresh && (line.startsWith('{') || line.startsWith('}'))) state.depth = 0;
    depth[i] = state.depth;
    continued = isContinued(line);
    scanLine(line, state, continued);
    firsts.push(state.first);
  }
  // A name with its parenthesis on a later line is a macro call.
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
  /** First character of the line that is neither blank nor comment. */
  first: string;
}

const kindOf = (word: string): Conditional => (word === 'endif' ? 'endif' : word.startsWith('el') ? 'else' : 'if');

/** Does a backslash continue the line? gcc allows blanks after it. */
function isContinued(line: string): boolean {
  let end = line.length - 1;
  while (end >= 0 && ' \t\f\v\r\n'.includes(line[end] ?? '')) end--;
  return line[end] === '\\';
}

/**
 * Counts parentheses through a conditional. Each branch starts with those open before it; after it, the branch with the fewest
 * counts. Those of a branch of prose (`#if 0`) may be unbalanced.
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
