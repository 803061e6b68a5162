import type { ConformCase } from '../conform/index.ts';
import type { ConformReport, ObservedValue } from '../documents/index.ts';
import { cell, counted, table } from './columns.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** Formats a value as lines; a dash if there is none. */
function valueLines(value: ObservedValue): string[] {
  if (value === null) return ['-'];
  if (typeof value !== 'object') return [displayText(String(value))];
  return value.length === 0 ? ['(nothing)'] : value.map((line) => displayText(line));
}

/** Shows both sides, one below the other; of long lists, only the lines that differ. */
function sides(simulated: ObservedValue, real: ObservedValue, style: Style): string[] {
  const [left, right] = [valueLines(simulated), valueLines(real)];
  const only = (lines: string[], other: string[]) => {
    const kept = lines.filter((line, i) => line !== other[i]);
    return kept.length === 0 ? ['(fewer lines)'] : kept;
  };
  const side = (title: string, lines: string[]) =>
    lines.map((line, i) => `    ${(i === 0 ? title : '').padEnd(11)}${line}`);
  return [...side('simulated', only(left, right)).map(style.red), ...side('real', only(right, left)).map(style.green)];
}

/** Describes a step of a case. Steps are counted from 1. */
export type StepText = (name: string, step: number) => string;

/** Renders a conformance run for the terminal: every difference with both sides, then the totals. */
export function renderConformance(report: ConformReport, style: Style, stepText: StepText): string {
  const lines: string[] = [];
  let last = '';
  for (const { case: name, step, field, simulated, real } of report.differences) {
    const place = `${style.bold(displayText(name))}, step ${step}: ${displayText(stepText(name, step))}`;
    if (place !== last) lines.push(place);
    last = place;
    lines.push(`  ${displayText(field)}`, ...sides(simulated, real, style));
  }
  if (lines.length > 0) lines.push('');
  const { cases, agreed } = report;
  const word = agreed === cases ? style.green('AGREED') : style.red('DIFFERENT');
  const sum = agreed === cases ? counted(cases, 'case') : `${cases - agreed} of ${counted(cases, 'case')}`;
  return `${lines.map((line) => `${line}\n`).join('')}${style.bold(word)} ${sum}\n`;
}

/** Lists the cases and what they do, for `--list`. */
export const renderCases = (cases: readonly ConformCase[], style: Style): string =>
  table(cases.map(({ name, steps }) => [cell(name, style.bold), cell(counted(steps.length, 'step'), style.dim)]))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
