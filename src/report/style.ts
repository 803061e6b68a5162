/** Mark-up for renderers, which know nothing of terminals. Each function keeps the width of its text. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  /** Width for tables, in columns. Lines that quote something may be longer. */
  readonly width: number;
}

const same = (text: string): string => text;

/** No mark-up: for pipes, files and tests. */
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same, width: 110 };
