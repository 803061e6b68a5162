import type { Result, Section, Timing } from './measure.ts';

/** Four digits, with a thousands separator where the number is large. */
const number = (value: number): string =>
  value >= 10_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(4)));

const timingCells = ({ work, median, lower, upper, samples }: Timing): string[] => [
  work,
  `${median.toFixed(2)} ms`,
  `${lower.toFixed(2)} … ${upper.toFixed(2)}`,
  `${samples} samples`,
];

const resultCells = ({ what, value, unit, aim, reached }: Result): string[] => [
  what,
  `${number(value)} ${unit}`,
  `${aim.bound} ${number(aim.value)}`,
  reached ? 'reached' : 'MISSED',
];

/** Rows of cells, the first column to the left and the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column)))).join('  '),
  );
}

/** All sections as one table: medians with their quartiles, then what has an aim. */
export function tableOf(sections: readonly Section[]): string {
  const blocks = sections.map(({ timings, results }) => [...timings.map(timingCells), ...results.map(resultCells)]);
  const lines = aligned(blocks.flat());
  let text = '';
  let at = 0;
  for (const [index, { title }] of sections.entries()) {
    const end = at + (blocks[index]?.length ?? 0);
    text += `\n${title}\n`;
    for (const line of lines.slice(at, end)) text += `  ${line}\n`;
    at = end;
  }
  return text;
}
