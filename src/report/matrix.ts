import type { CheckMatrix, CheckVerdict, MatrixCell } from '../documents/index.ts';
import { cellText, shortBuildId, xenLabel } from './check-results.ts';
import { type Cell, cell, counted, table, textWidth, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import type { Style } from './style.ts';

const VERDICTS: readonly CheckVerdict[] = ['accepted', 'refused', 'unsafe'];

const mark = (verdict: CheckVerdict, style: Style): ((text: string) => string) =>
  verdict === 'accepted' ? style.green : (text) => style.bold(style.red(text));

/** Most columns of a cell: `refused EOPNOTSUPP *` and two spaces. */
const CELL_WIDTH = 22;

/** Marks a cell whose payload names the build. */
const NAMED = ' *';

/** Lays out payloads as rows and hypervisors as columns; in several tables if the columns do not fit. */
function tableLines(matrix: CheckMatrix, style: Style): string[] {
  const { hypervisors, payloads, cells } = matrix;
  const most = Math.max(Math.floor(style.width / 2), 24);
  const names = payloads.map(({ file }) => truncateMiddle(displayText(file), most));
  const room = style.width - Math.max(7, ...names.map(textWidth));
  const perBlock = Math.max(Math.floor(room / CELL_WIDTH), 1);
  const lines: string[] = [];
  for (let first = 0; first < hypervisors.length; first += perBlock) {
    const shown = hypervisors.slice(first, first + perBlock);
    const rows: Cell[][] = [
      [cell('payload', style.dim), ...shown.map(({ release }) => cell(displayText(release), style.bold))],
      [cell(''), ...shown.map(({ buildId }) => cell(shortBuildId(buildId), style.dim))],
      ...names.map((name, p) => [
        cell(name),
        ...shown.map((_, i) => {
          const of = cells[p * hypervisors.length + first + i];
          return of === undefined ? cell('') : cell(cellText(of) + (of.named ? NAMED : ''), mark(of.verdict, style));
        }),
      ]),
    ];
    if (first > 0) lines.push('');
    lines.push(...table(rows));
  }
  if (cells.some(({ named }) => named)) lines.push('', style.dim('* the payload names this build'));
  return lines;
}

/** Renders the details of one payload, merging what is the same on several hypervisors. */
function detailLines(matrix: CheckMatrix, payload: number, style: Style): string[] {
  const groups = new Map<string, { readonly cell: MatrixCell; readonly on: string[] }>();
  for (const of of matrix.cells) {
    const xen = matrix.hypervisors[of.xen];
    if (of.payload !== payload || xen === undefined) continue;
    if (of.verdict === 'accepted' && of.findings.length === 0) continue;
    const key = JSON.stringify([of.verdict, of.errno, of.console, of.findings]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { cell: of, on: [xenLabel(xen)] });
    else known.on.push(xenLabel(xen));
  }
  const { file = '', dependsOn = null } = matrix.payloads[payload] ?? {};
  const below = dependsOn === null ? undefined : matrix.payloads[dependsOn]?.file;
  return [...groups.values()].flatMap(({ cell: of, on }) => {
    const { verdict, console, findings } = of;
    const stands = below === undefined ? '' : style.dim(` (on top of ${displayText(below)})`);
    const lines = [
      '',
      `${style.bold(displayText(file))}${stands} on ${on.join(', ')}: ${mark(verdict, style)(cellText(of))}`,
    ];
    lines.push(...console.map((line) => style.dim(`    ${displayText(line)}`)));
    if (verdict === 'refused' && console.length === 0) lines.push(style.dim('    (Xen prints nothing)'));
    return [...lines, ...findings.flatMap((finding) => findingLines(finding, style, '  '))];
  });
}

/** Renders a check on several hypervisors for the terminal: the matrix, the details of its cells, and the totals. */
export function renderMatrix(matrix: CheckMatrix, style: Style): string {
  const { hypervisors, payloads, cells } = matrix;
  const sums = VERDICTS.map((verdict) => ({ verdict, count: cells.filter((each) => each.verdict === verdict).length }));
  const sum = sums
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => mark(verdict, style)(`${count} ${verdict}`));
  const lines = [
    ...tableLines(matrix, style),
    ...payloads.flatMap((_, p) => detailLines(matrix, p, style)),
    '',
    `${counted(payloads.length, 'payload')} on ${counted(hypervisors.length, 'hypervisor')}: ${sum.join(', ')}`,
  ];
  return `${lines.join('\n')}\n`;
}
