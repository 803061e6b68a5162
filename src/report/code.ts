import type { CodeLine } from '../documents/index.ts';
import { cell, rightCell, table } from './columns.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** Formats the bytes of a line, separated by spaces. */
const bytesText = ({ bytes }: CodeLine): string => (bytes.match(/../g) ?? []).join(' ');

const placeOf = ({ offset, address }: CodeLine): string =>
  offset === undefined ? (address ?? '').replace(/^0x/, '') : `+0x${offset.toString(16)}`;

/**
 * The code around a place: where, bytes, and what they say. Lines that are meant have `>` in the margin, and `^` under the bytes that are
 * meant; with colours these are red, too.
 */
export function codeBlockLines(code: readonly CodeLine[], style: Style, indent: string): string[] {
  const loud = (text: string): string => style.bold(style.red(text));
  const rows = table(
    code.map((line) => [
      cell(line.marked === null ? ' ' : '>'),
      rightCell(placeOf(line)),
      cell(bytesText(line)),
      cell(line.text === null ? '' : displayText(line.text)),
    ]),
    indent,
  );
  // Where the bytes begin in a line, which is as wide as the longest place makes it.
  const column = indent.length + 3 + Math.max(...code.map((line) => placeOf(line).length)) + 2;
  return code.flatMap((line, i) => {
    const text = rows[i] ?? '';
    if (line.marked === null) return [style.dim(text)];
    const { from, to } = line.marked;
    const at = column + 3 * from;
    const end = column + 3 * to - 1;
    const carets = Array.from({ length: to - from }, () => '^^').join(' ');
    return [`${text.slice(0, at)}${loud(text.slice(at, end))}${text.slice(end)}`, `${' '.repeat(at)}${loud(carets)}`];
  });
}
