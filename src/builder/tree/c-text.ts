/**
 * Are two versions of a C source equal to a compiler: the same tokens on the same lines, whatever comments and white space? Line
 * numbers follow `#line`, so `__LINE__` is equal too. False if in doubt.
 *
 * Comments become blanks after lines are joined: translation phase 3 of the C standard (5.1.1.2).
 */
export function sameCode(before: string, after: string): boolean {
  if (before === after) return true;
  const a = numberedLines(before);
  const b = numberedLines(after);
  return a !== undefined && b !== undefined && a.length === b.length && a.every((line, i) => line === b[i]);
}

/** Marks the end of a line that a comment continues on the next. */
const JOINED = '\0';

/** Returns the non-empty lines with their numbers; `undefined` if a comment or string is not closed. */
function numberedLines(text: string): readonly string[] | undefined {
  if (text.includes(JOINED)) return undefined;
  const plain = withoutComments(text);
  if (plain === undefined) return undefined;
  const lines: string[] = [];
  let number = 1;
  let continued = false;
  for (const raw of plain.split('\n')) {
    // Outside directives, a line continued by a comment equals two lines.
    const inDirective: boolean = continued || /^[ \0]*#/.test(raw);
    continued = inDirective && /[\\\0]\s*$/.test(raw);
    const line = inDirective ? raw : raw.replaceAll(JOINED, '');
    const directive = /^\s*#\s*line\s+(\d{1,9})\s*$/.exec(line);
    if (directive !== null) {
      number = Number(directive[1]);
      continue;
    }
    const squeezed = line.trim();
    if (squeezed !== '' && squeezed !== JOINED) lines.push(`${number} ${squeezed}`);
    number++;
  }
  return lines;
}

/** Start of a comment, string, character or white space. A backslash at the end of a line stays. */
const PIECES = /\/\/|\/\*|"|'|[ \t\f\v\r]+/g;

/** Replaces comments and runs of white space by one blank each, and keeps line ends inside comments. */
function withoutComments(text: string): string | undefined {
  let result = '';
  let at = 0;
  PIECES.lastIndex = 0;
  for (let match = PIECES.exec(text); match !== null; match = PIECES.exec(text)) {
    const [piece] = match;
    result += text.slice(at, match.index);
    const end = endOf(piece, text, match.index);
    if (end === undefined) return undefined;
    if (piece === '"' || piece === "'") result += text.slice(match.index, end);
    else {
      const lines = piece === '/*' ? text.slice(match.index, end).replace(/[^\n]+/g, '') : '';
      result += `${result.endsWith(' ') ? '' : ' '}${lines.replaceAll('\n', `${JOINED}\n`)}`;
    }
    at = end;
    PIECES.lastIndex = end;
  }
  return result + text.slice(at);
}

/** Returns the end of the piece at `start`. */
function endOf(piece: string, text: string, start: number): number | undefined {
  if (piece === '/*') {
    const end = text.indexOf('*/', start + 2);
    return end < 0 ? undefined : end + 2;
  }
  if (piece === '//') {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    // A joined line continues the comment: rare, so let the compiler decide.
    return text.charAt(end - 1) === '\\' ? undefined : end;
  }
  if (piece !== '"' && piece !== "'") return start + piece.length;
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === piece) return i + 1;
    if (c === '\\') i++;
    // An apostrophe in `#error` text or assembly: let the compiler decide.
    else if (c === '\n') return undefined;
  }
  return undefined;
}
