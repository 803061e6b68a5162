/** Aligned columns, and text cut to fit into one. */

/** Counts the columns of a string: one per code point, even for wide and combining characters. */
export const textWidth = (text: string): number => [...text].length;

/** Returns `text` if it fits into `width` columns; otherwise its start and end with `..` between them. */
export function truncateMiddle(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const room = Math.max(width - 2, 2);
  const head = Math.ceil(room / 2);
  return `${characters.slice(0, head).join('')}..${characters.slice(characters.length - (room - head)).join('')}`;
}

/** One cell: its text, and the mark-up that is applied once the text is padded. */
export interface Cell {
  readonly text: string;
  readonly mark?: (text: string) => string;
  readonly right?: boolean;
}

/** A cell without mark-up. */
export const cell = (text: string | number, mark?: (text: string) => string): Cell =>
  mark === undefined ? { text: String(text) } : { text: String(text), mark };

/** A right-aligned cell. */
export const rightCell = (text: string | number): Cell => ({ text: String(text), right: true });

function padded({ text, right, mark }: Cell, width: number, last: boolean): string {
  const blanks = ' '.repeat(Math.max(width - textWidth(text), 0));
  const marked = mark === undefined || text === '' ? text : mark(text);
  if (right) return blanks + marked;
  return last ? marked : marked + blanks;
}

/** Lays out rows as lines: two spaces between columns, each column as wide as its widest cell, no spaces at line ends. */
export function table(rows: readonly (readonly Cell[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((item, i) => {
      widths[i] = Math.max(widths[i] ?? 0, textWidth(item.text));
    });
  }
  return rows.map((row) => {
    let last = row.length - 1;
    while (last > 0 && row[last]?.text === '') last--;
    const cells = row.slice(0, last + 1);
    return (indent + cells.map((item, i) => padded(item, widths[i] ?? 0, i === last)).join('  ')).trimEnd();
  });
}

/** `1 page`, `2 pages`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** Formats an address of a document (`0x…`) as Xen prints pointers: no `0x`, padded to the architecture's width. */
export const asPointer = (address: string, digits = 16): string => address.replace(/^0x/, '').padStart(digits, '0');
