import type { CheckedPayload, CheckReport, CheckVerdict } from '../documents/index.ts';
import { cell, counted, table, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import type { Style } from './style.ts';

const VERDICTS: readonly CheckVerdict[] = ['accepted', 'refused', 'unsafe'];

const mark = (verdict: CheckVerdict, style: Style): ((text: string) => string) =>
  verdict === 'accepted' ? style.green : (text) => style.bold(style.red(text));

function detailLines(payload: CheckedPayload, style: Style): string[] {
  const lines = payload.console.map((line) => style.dim(`    ${displayText(line)}`));
  if (payload.verdict === 'refused' && payload.console.length === 0) {
    lines.push(style.dim('    (Xen prints nothing)'));
  }
  return [...lines, ...payload.findings.flatMap((finding) => findingLines(finding, style, '  '))];
}

/** Renders a check for the terminal: each file with its verdict, errno, console lines and findings; then the totals. */
export function renderCheck(report: CheckReport, style: Style): string {
  const heads = table(
    report.payloads.map((payload) => [
      cell(truncateMiddle(displayText(payload.file), style.width - 30), style.bold),
      cell(payload.verdict, mark(payload.verdict, style)),
      cell(payload.errno ?? '', style.red),
    ]),
  );
  const lines = report.payloads.flatMap((payload, i) => [heads[i] as string, ...detailLines(payload, style)]);
  if (report.payloads.length > 1) {
    const sums = VERDICTS.map((verdict) => ({
      verdict,
      count: report.payloads.filter((payload) => payload.verdict === verdict).length,
    })).filter(({ count }) => count > 0);
    const sum = sums.map(({ verdict, count }) => mark(verdict, style)(`${count} ${verdict}`)).join(', ');
    lines.push('', `${counted(report.payloads.length, 'payload')}: ${sum}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
