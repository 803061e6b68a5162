import type { ReportedCall } from '../documents/index.ts';
import { type Cell, cell, counted, table, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** Columns that a function and its arguments may take. */
const NAME_WIDTH = 48;

/** Names of entered functions that are shown. */
const MOST_ENTERED = 8;

/** What a call returned: text in quotes, small numbers in decimal with their sign as an int, others in hex. */
export function returnedText({ returned: { int, string } }: ReportedCall): string {
  if (int === null) return 'did not return';
  if (string !== null) return JSON.stringify(displayText(string));
  if (typeof int === 'string') {
    const value = BigInt.asIntN(64, BigInt(int));
    return value < 0n && value >= -4095n ? String(value) : int;
  }
  const short = BigInt.asIntN(32, BigInt(int));
  if (int <= 0xffff_ffff && short < 0n && short >= -4095n) return String(short);
  return int < 0x1_0000 ? String(int) : `0x${int.toString(16)}`;
}

/** Which functions were entered, and how much of those of payloads was carried out. */
function detail({ entered, coverage }: ReportedCall): string[] {
  const lines: string[] = [];
  const names = (entered ?? []).slice(0, MOST_ENTERED).map(displayText);
  const more = (entered?.length ?? 0) - names.length;
  if (names.length > 0) lines.push(`entered ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
  for (const { symbol, size, covered } of coverage) {
    const share = size === 0 ? '' : ` (${Math.floor((100 * covered) / size)} %)`;
    lines.push(`${displayText(symbol)}: ${covered} of ${size} bytes carried out${share}`);
  }
  return lines;
}

/** One line per call, with what it entered below it. */
export function callLines(calls: readonly ReportedCall[], style: Style): string[] {
  if (calls.length === 0) return [];
  const rows = calls.map((call): Cell[] => [
    cell(truncateMiddle(displayText(call.function), NAME_WIDTH), style.bold),
    cell(call.when),
    cell(returnedText(call)),
    cell(call.instructions === null ? '' : counted(call.instructions, 'instruction'), style.dim),
  ]);
  const lines = table(rows, '  ');
  return [
    '',
    style.bold('calls'),
    ...calls.flatMap((call, i) => [lines[i] as string, ...detail(call).map((line) => style.dim(`    ${line}`))]),
  ];
}
