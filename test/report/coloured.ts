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
