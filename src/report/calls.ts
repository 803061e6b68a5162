import type { ReportedCall } from '../documents/index.ts';
import { type Cell, cell, counted, table, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** Most columns for a function and its arguments. */
const NAME_WIDTH = 48;

/** Most names of entered functions that are shown. */
const MOST_ENTERED = 8;

/** Formats a return value: text in quotes, small numbers as a signed decimal int, others in hex. */
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

/** Lists the functions that were entered, and how much of the payloads' functions was executed. */
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

/** Renders one line per call, with the functions that it entered below it. */
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
