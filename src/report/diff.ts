import type { DiffDocument, DiffVerdict, FirstDifference, FunctionReport } from '../documents/index.ts';
import { counted, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import type { Style } from './style.ts';

/** How much of a diff is shown. */
export interface DiffDetail {
  /** Show unchanged functions too, each with the reason, and where line numbers differ. */
  readonly explain?: boolean;
  /** Lines directly below the verdict. */
  readonly lines?: readonly string[];
}

const HEADS: Readonly<Record<DiffVerdict, { readonly word: string; readonly mark: 'green' | 'red' | 'yellow' }>> = {
  built: { word: 'BUILT', mark: 'green' },
  unchanged: { word: 'UNCHANGED', mark: 'yellow' },
  refused: { word: 'REFUSED', mark: 'red' },
};

/** Returns the word for a verdict at the start of a line. */
export function verdictText(verdict: DiffVerdict, style: Style): string {
  const { word, mark } = HEADS[verdict];
  return style.bold(style[mark](word));
}

/** Says what the verdict is about, behind it. */
function about({ verdict, payload, verified, functions, refusals }: DiffDocument): string {
  const count = functions.filter(({ status }) => status === 'changed').length;
  if (verdict === 'refused') return counted(refusals.length, 'reason');
  if (verdict === 'unchanged') return 'nothing that a live patch would carry';
  const file = payload === null ? 'nothing written' : `${displayText(payload.file)}, ${counted(payload.bytes, 'byte')}`;
  const held = verified === null ? ', not linked and not verified' : '';
  return `${counted(count, 'changed function')}, ${file}${held}`;
}

/** Returns the lines below the verdict: what verified the payload, and the file. */
function underVerdict({ payload, debug, verified }: DiffDocument, detail: DiffDetail, style: Style): string[] {
  const lines: string[] = [...(detail.lines ?? [])];
  if (verified !== null) {
    const id = verified.buildId === null ? 'without a build-id' : `build-id ${verified.buildId}`;
    lines.push(`loaded, applied, reverted and linted on a simulated Xen ${displayText(verified.release)}, ${id}`);
  }
  if (payload !== null) lines.push(`sha256 ${payload.sha256}`);
  if (debug !== null) lines.push(`debug information in ${displayText(debug.file)}, ${counted(debug.bytes, 'byte')}`);
  return lines.map((line) => style.dim(`  ${line}`));
}

/** Columns in front of an offset: the widest are those of six hex digits. */
const offsetText = (offset: number | null): string => (offset === null ? '' : `+0x${offset.toString(16)}`).padEnd(8);

/** Shows both versions of the place, one below the other. */
function differenceLines(difference: FirstDifference, style: Style): string[] {
  const { orig, patched, origOffset, patchedOffset, source } = difference;
  const line = (sign: string, offset: number | null, text: string | null): string =>
    `      ${sign} ${offsetText(offset)} ${text === null ? '(nothing)' : displayText(text)}`.trimEnd();
  return [
    ...(source === null ? [] : [`${style.dim('    -->')} ${displayText(source)}`]),
    style.red(line('-', origOffset, orig)),
    style.green(line('+', patchedOffset, patched)),
  ];
}

/** The order of functions: what matters most comes first. */
const TOLD = ['changed', 'new', 'removed', 'line-only'] as const;

const STATUS_WIDTH = Math.max(...[...TOLD, 'unchanged'].map((status) => status.length));

function functionLines(report: FunctionReport, { explain }: DiffDetail, style: Style): string[] {
  const { name, object, status, reason, firstDifference } = report;
  const shown = truncateMiddle(displayText(name), style.width - STATUS_WIDTH - 4);
  const loud = status === 'changed' ? style.bold : (text: string): string => text;
  const lines = [
    `  ${status.padEnd(STATUS_WIDTH)}  ${loud(shown)}  ${style.dim(displayText(object))}`,
    `    ${displayText(reason)}`,
  ];
  // What differs in a line number is no news.
  const shows = firstDifference !== null && (status !== 'line-only' || explain === true);
  return shows ? [...lines, ...differenceLines(firstDifference, style)] : lines;
}

function functionsBlock({ functions, objects }: DiffDocument, detail: DiffDetail, style: Style): string[] {
  const explain = detail.explain === true;
  const told = TOLD.flatMap((status) => functions.filter((each) => each.status === status));
  const same = functions.filter(({ status }) => status === 'unchanged');
  const lines = told.flatMap((each) => functionLines(each, detail, style));
  if (explain) lines.push(...same.flatMap((each) => functionLines(each, detail, style)));
  const rest = [
    ...(same.length > 0 && !explain
      ? [`${counted(same.length, 'function is', 'functions are')} unchanged (--explain lists them)`]
      : []),
    ...(objects.identical > 0 && objects.compared > 1
      ? [`${objects.identical} of ${objects.compared} objects are the same, byte for byte`]
      : []),
  ];
  lines.push(...rest.map((line) => style.dim(`  ${line}`)));
  return lines.length === 0 ? [] : ['', style.bold('functions'), ...lines];
}

/** Renders a diff below its verdict: the functions with their first differences, remarks, and the reasons why it cannot be built. */
export function diffBody(document: DiffDocument, style: Style, detail: DiffDetail): string[] {
  const { remarks, refusals } = document;
  const lines = functionsBlock(document, detail, style);
  if (remarks.length > 0) lines.push('', ...remarks.flatMap((remark) => findingLines(remark, style)));
  if (refusals.length > 0) lines.push('', ...refusals.flatMap((refusal) => findingLines(refusal, style)));
  return lines;
}

/** Renders a diff for the terminal: the verdict and its details. */
export function renderDiff(document: DiffDocument, style: Style, detail: DiffDetail = {}): string {
  const lines = [
    `${verdictText(document.verdict, style)}  ${about(document)}`,
    ...underVerdict(document, detail, style),
    ...diffBody(document, style, detail),
  ];
  return `${lines.join('\n')}\n`;
}
