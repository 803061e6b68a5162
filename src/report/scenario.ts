import type { ScenarioReport, ScenarioRun, ScenarioStep } from '../documents/index.ts';
import { type Cell, cell, counted, table } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import { mismatchLines, stepOutcome } from './scenario-text.ts';
import type { Style } from './style.ts';

/** Indent of console lines. */
const INDENT = '          ';

/** Marks in the margin how a step went. */
function mark(step: ScenarioStep, style: Style): Cell {
  if (!step.passed) return cell('FAIL', (text) => style.bold(style.red(text)));
  return step.panic === null ? cell('ok', style.green) : cell('ok', style.yellow);
}

/** Describes what a call returned. */
function callText(run: ScenarioRun, step: ScenarioStep): string {
  const call = step.call === null ? undefined : run.calls[step.call];
  if (call === undefined) return '';
  const { int, string } = call.returned;
  const result = string !== null ? `"${displayText(string)}"` : int === null ? 'does not return' : `returns ${int}`;
  return call.instructions === null ? result : `${result}, ${counted(call.instructions, 'instruction')}`;
}

function stepLines(run: ScenarioRun, style: Style): string[] {
  const heads = table(
    run.steps.map((step) => [
      mark(step, style),
      cell(step.step, style.bold),
      cell(displayText(step.name ?? '')),
      cell(step.state ?? ''),
      cell([stepOutcome(step), callText(run, step)].filter((part) => part !== '').join(' ')),
    ]),
    ' ',
  );
  return run.steps.flatMap((step, i) => [
    heads[i] ?? '',
    ...step.console.map((line) => style.dim(INDENT + displayText(line))),
    ...(step.panic?.screen ?? []).map((line) => style.dim(`${INDENT}${displayText(line)}`.trimEnd())),
    ...(step.note === undefined ? [] : [`        ${style.yellow('note:')} ${displayText(step.note)}`]),
  ]);
}

function surpriseLines(run: ScenarioRun, style: Style): string[] {
  if (run.surprise === null) return [];
  const { step, place, fields } = run.surprise;
  const lines = fields.flatMap((field) => mismatchLines(field)).map((line) => `    ${line}`);
  return [`  ${style.red('not as expected')} in step ${step}, ${displayText(place)}`, ...lines];
}

function errorLines(run: ScenarioRun, style: Style): string[] {
  if (run.error === null) return [];
  const { message, hint } = run.error;
  return [`  ${style.red('error:')} ${displayText(message)}`, ...(hint === null ? [] : [`  ${displayText(hint)}`])];
}

function verdictText({ verdict, steps, left }: ScenarioRun, style: Style): string {
  const count = counted(steps.length, 'step');
  const rest = left.length === 0 ? '' : `, ${left.length} not run`;
  if (verdict === 'passed') return `${style.bold(style.green('PASSED'))} ${count}`;
  return `${style.bold(style.red(verdict === 'failed' ? 'FAILED' : 'ERROR'))} ${count}${rest}`;
}

/** Renders one run for the terminal: its file and host, the steps with what Xen printed, and the step that did not go as expected. */
export function renderScenarioRun(run: ScenarioRun, style: Style): string {
  const { title, file, cell: place, xen } = run;
  const name = displayText(title === file ? file : `${title} (${file})`);
  const host = xen === null ? '' : `Xen ${displayText(xen.release)} ${xen.arch}`;
  const lines = [
    [style.bold(name), displayText(place), host].filter((part) => part !== '').join('  '),
    ...stepLines(run, style),
    ...surpriseLines(run, style),
    ...errorLines(run, style),
    ...run.findings.flatMap((finding) => findingLines(finding, style)),
    verdictText(run, style),
  ];
  return `${lines.join('\n')}\n`;
}

/** Renders the last line: how many runs went as expected. */
export function renderScenarioSum(runs: readonly ScenarioRun[], style: Style): string {
  const passed = runs.filter(({ verdict }) => verdict === 'passed').length;
  const all = counted(runs.length, 'scenario');
  if (passed === runs.length) return `${style.bold(style.green('PASSED'))} ${all}\n`;
  return `${style.bold(style.red('FAILED'))} ${runs.length - passed} of ${all}\n`;
}

/** Renders all runs for the terminal, and the totals. */
export const renderScenarios = (report: ScenarioReport, style: Style): string =>
  [
    ...report.scenarios.map((run) => `${renderScenarioRun(run, style)}\n`),
    renderScenarioSum(report.scenarios, style),
  ].join('');
