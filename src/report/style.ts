/** How a renderer marks text up, so that it needs to know nothing of terminals. Each function keeps the text's width. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  /** Columns to lay tables out for. Lines that quote something may be longer. */
  readonly width: number;
}

const same = (text: string): string => text;

/** No mark-up: for pipes, files and tests. */
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same, width: 110 };
