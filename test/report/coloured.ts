import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { PLAIN, type Style } from '../../src/report/index.ts';

const code = (on: number, off: number) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`;

/** A style with colours, as wide as the plain one. */
export const COLOURED: Style = {
  bold: code(1, 22),
  dim: code(2, 22),
  red: code(31, 39),
  green: code(32, 39),
  yellow: code(33, 39),
  width: PLAIN.width,
};

/** Tests a document's text: it is as approved, the same in colour, and clean. `render` gives it in a style. */
export function testText(name: string, render: (style: Style) => string): void {
  const text = render(PLAIN);

  it('is as it was approved', async () => {
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('keeps its columns in colour', () => {
    const coloured = render(COLOURED);
    expect(coloured).not.toBe(text);
    expect(stripVTControlCharacters(coloured)).toBe(text);
  });

  it('has no blanks at line ends, no control character, and ends with one line feed', () => {
    expect(text).not.toMatch(/[ \t]$/m);
    expect(text.replaceAll('\n', '')).toMatch(/^\P{C}+$/u);
    expect(text).toMatch(/[^\n]\n$/);
  });
}
