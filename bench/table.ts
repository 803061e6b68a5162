import type { Result, Section, Timing } from './measure.ts';

/** Formats four digits, with a thousands separator if needed. */
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

/** Aligns rows of cells: the first column left, the others right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column)))).join('  '),
  );
}

/** Formats all sections as one table: medians with quartiles, then results with an aim. */
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
