/**
 * Do two versions of a source in C say the same to a compiler: the same tokens on the same lines, whatever the comments and
 * the white space are? Lines count as `#line` numbers them, so `__LINE__` is the same as well. False where it cannot be told.
 *
 * That comments become blanks after lines are joined is translation phase 3 of the C standard (5.1.1.2).
 */
export function sameCode(before: string, after: string): boolean {
  if (before === after) return true;
  const a = numberedLines(before);
  const b = numberedLines(after);
  return a !== undefined && b !== undefined && a.length === b.length && a.every((line, i) => line === b[i]);
}

/** Stands at the end of a line that a comment continues on the next. */
const JOINED = '\0';

/** Each line that is not empty, with its number; `undefined` where a comment or a string is not closed. */
function numberedLines(text: string): readonly string[] | undefined {
  if (text.includes(JOINED)) return undefined;
  const plain = withoutComments(text);
  if (plain === undefined) return undefined;
  const lines: string[] = [];
  let number = 1;
  let continued = false;
  for (const raw of plain.split('\n')) {
    // Elsewhere than in a directive, a line that a comment continues is as good as two lines.
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

/** The start of a comment, a string, a character, or white space; a backslash at the end of a line is kept as it is. */
const PIECES = /\/\/|\/\*|"|'|[ \t\f\v\r]+/g;

/** Comments and runs of white space as one blank each, line ends inside comments kept. */
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

/** Where the piece that starts at `start` ends. */
function endOf(piece: string, text: string, start: number): number | undefined {
  if (piece === '/*') {
    const end = text.indexOf('*/', start + 2);
    return end < 0 ? undefined : end + 2;
  }
  if (piece === '//') {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    // A joined line continues the comment: rare enough to be left to the compiler.
    return text.charAt(end - 1) === '\\' ? undefined : end;
  }
  if (piece !== '"' && piece !== "'") return start + piece.length;
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === piece) return i + 1;
    if (c === '\\') i++;
    // An apostrophe in a text of `#error`, or in assembly: left to the compiler.
    else if (c === '\n') return undefined;
  }
  return undefined;
}
