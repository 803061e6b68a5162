import { architectureOf } from '../arch/index.ts';
import type { RehearsalFunction, RehearsalPanic, RehearsalReport, RehearsalStep } from '../documents/index.ts';
import { callLines } from './calls.ts';
import type { Cell } from './columns.ts';
import { asPointer, cell, counted, table, textWidth, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import { PLAIN, type Style } from './style.ts';

type Digits = 8 | 16;

/** Returns how many digits a pointer has. */
const digitsOf = ({ xen }: RehearsalReport): Digits => (architectureOf(xen.arch)?.elf.pointerSize === 4 ? 8 : 16);

/** Most digits shown of a function's bytes, with two dots: a jump has 10 digits, NOPs up to 62. */
const BYTES_WIDTH = 30;

/** Shortens a name in the middle if it would push the columns behind it out of the style's width. */
const shortName = (name: string, style: Style): string =>
  truncateMiddle(displayText(name), Math.max(style.width - 78, 24));

/** Marks in the margin how a step went. */
function stepMark({ outcome, passed }: RehearsalStep, style: Style): Cell {
  if (outcome === 'died') return cell('PANIC', (t) => style.bold(style.red(t)));
  if (outcome === 'stopped-at-hook') return cell('STOP', style.yellow);
  return passed ? cell('ok', style.green) : cell('FAIL', style.red);
}

/** Says how a step ended; empty if it succeeded. */
function stepResult(step: RehearsalStep): string {
  if (step.rc === null || step.rc >= 0) return '';
  return step.errno === null ? `rc ${step.rc}` : `${step.errno} (${step.rc})`;
}

function placementText(step: RehearsalStep, previous: string | undefined, digits: Digits): string {
  if (step.payload === null) return '';
  const { text, rw, ro, pages } = step.payload;
  const placement = `text ${asPointer(text, digits)}  rw ${asPointer(rw, digits)}  ro ${asPointer(ro, digits)}`;
  return text === previous ? '' : `${placement}  ${counted(pages, 'page')}`;
}

/** Indent of console lines, and of what does not fit behind a step. */
const INDENT = '          ';

/** Renders one line per step: how it went, the operation, the payload, its state and its errno. */
const stepHeads = (report: RehearsalReport, style: Style): string[] =>
  table(
    report.steps.map((step) => [
      stepMark(step, style),
      cell(step.step, style.bold),
      cell(shortName(step.name, style)),
      cell(step.state ?? (step.outcome === 'died' ? '?' : '-')),
      cell(stepResult(step), style.red),
    ]),
    ' ',
  );

function stepLines(report: RehearsalReport, style: Style): string[] {
  const heads = stepHeads(report, style);
  // Mark-up takes no columns on the screen: what is measured is the text without it.
  const plain = stepHeads(report, { ...PLAIN, width: style.width });
  const placed = new Map<string, string>();
  return report.steps.flatMap((step, i) => {
    const placement = placementText(step, placed.get(step.name), digitsOf(report));
    if (step.payload === null) placed.delete(step.name);
    else placed.set(step.name, step.payload.text);
    const fits = textWidth(`${plain[i]}  ${placement}`) <= style.width;
    const lines =
      placement === '' ? [`${heads[i]}`] : fits ? [`${heads[i]}  ${placement}`] : [`${heads[i]}`, INDENT + placement];
    for (const line of step.console) lines.push(style.dim(INDENT + displayText(line)));
    if (step.note !== undefined) lines.push(`        ${style.yellow('note:')} ${displayText(step.note)}`);
    return lines;
  });
}

function functionRows(row: RehearsalFunction, digits: Digits, style: Style): Cell[][] {
  const nop = /^0x0*$/.test(row.newAddr);
  const place = row.patchOffset === 0 ? 'at its start' : `at +${row.patchOffset}, behind ENDBR64`;
  const changed = row.before !== row.after;
  return [
    [
      cell(shortName(row.name, style), style.bold),
      cell(`${asPointer(row.oldAddr, digits)} (${row.oldSize})`),
      cell('->'),
      cell(nop ? `NOP (${row.newSize})` : `${asPointer(row.newAddr, digits)} (${row.newSize})`),
    ],
    [
      cell(`  ${place}`, style.dim),
      cell(truncateMiddle(row.before, BYTES_WIDTH)),
      cell(changed ? '->' : ''),
      cell(changed ? truncateMiddle(row.after, BYTES_WIDTH) : ''),
    ],
  ];
}

function functionLines(report: RehearsalReport, style: Style): string[] {
  if (report.functions.length === 0) return [];
  const digits = digitsOf(report);
  const rows = report.functions.flatMap((row) => functionRows(row, digits, style));
  return ['', style.bold('functions'), ...table(rows, '  ')];
}

function panicLines(panic: RehearsalPanic, style: Style): string[] {
  const bar = style.red('|');
  return [
    '',
    style.red('+--- the host would show '.padEnd(78, '-')),
    ...panic.screen.map((line) => `${bar} ${displayText(line)}`.trimEnd()),
    style.red('+'.padEnd(78, '-')),
  ];
}

const outcome = (word: string, parts: readonly string[], style: Style): string =>
  `${style.bold(style.red(word))} ${parts.filter((part) => part !== '').join(': ')}`.trimEnd();

/** Renders the last line: the verdict, and the step that decided it. */
function verdictLine(report: RehearsalReport, style: Style): string {
  const steps = counted(report.steps.length, 'step');
  const culprit = report.steps.find(({ passed }) => !passed);
  const at = culprit === undefined ? '' : `${culprit.step} of ${shortName(culprit.name, style)}`;
  const why = culprit === undefined ? '' : stepResult(culprit);
  switch (report.verdict) {
    case 'passed':
      return `${style.bold(style.green('PASSED'))} ${steps}, ${counted(report.functions.length, 'function')}`;
    case 'refused':
      return outcome('REFUSED', [at, why], style);
    case 'panicked':
      return outcome('PANICKED', [at, displayText(report.panic?.message ?? '')], style);
    case 'failed':
      return outcome(
        'FAILED',
        [at, culprit?.outcome === 'stopped-at-hook' ? 'not carried out, so nothing is proven' : why],
        style,
      );
  }
}

/** Renders a rehearsal for the terminal: the host, the steps with what Xen printed, the functions, the panic screen, findings and verdict. */
export function renderRehearsal(report: RehearsalReport, style: Style): string {
  const { release, buildId, arch } = report.xen;
  const lines = [
    `${style.bold(`Xen ${displayText(release)}`)} ${arch}, ${buildId === null ? 'no build-id' : `build-id ${buildId}`}`,
    '',
    ...stepLines(report, style),
    ...functionLines(report, style),
    ...callLines(report.calls, style),
  ];
  if (report.panic !== null) lines.push(...panicLines(report.panic, style));
  if (report.findings.length > 0) lines.push('', ...report.findings.flatMap((finding) => findingLines(finding, style)));
  lines.push('', verdictLine(report, style));
  return `${lines.join('\n')}\n`;
}
