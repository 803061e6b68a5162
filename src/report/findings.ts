import type { Severity } from '../base/index.ts';
import type { DocumentFinding, DocumentPlace, SourceLine } from '../documents/index.ts';
import { codeBlockLines } from './code.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** Formats the known parts of a place: `file:section+0x10 (symbol) at 0x…`; empty if nothing is known. */
export function placeText(place: DocumentPlace): string {
  const parts: string[] = [];
  let position = place.file === undefined ? '' : displayText(place.file);
  if (place.section !== undefined) position += (position === '' ? '' : ':') + displayText(place.section);
  if (place.offset !== undefined) {
    // Behind a file alone a bare `+` would look like a part of its name.
    const separator = position === '' || place.section !== undefined ? '' : ':';
    position += `${separator}${place.offset < 0 ? '-' : '+'}0x${Math.abs(place.offset).toString(16)}`;
  }
  if (position !== '') parts.push(position);
  if (place.symbol !== undefined && place.symbol !== '') parts.push(`(${displayText(place.symbol)})`);
  if (place.address !== undefined) parts.push(`at ${place.address}`);
  return parts.join(' ');
}

const marks = (style: Style): Record<Severity, (text: string) => string> => ({
  error: (text) => style.bold(style.red(text)),
  warning: (text) => style.bold(style.yellow(text)),
  note: (text) => style.bold(text),
});

/** Formats a line of source: `common/livepatch.c:12:3`. */
export const sourceText = ({ file, line, column }: SourceLine): string =>
  `${displayText(file)}:${line}${column === undefined ? '' : `:${column}`}`;

/** Renders one finding: `error[rule] message`, and below it the place, if known, and the code there. */
export function findingLines(finding: DocumentFinding, style: Style, indent = ''): string[] {
  const head = marks(style)[finding.severity](`${finding.severity}[${finding.rule}]`);
  const lines = [`${indent}${head} ${displayText(finding.message)}`];
  const where = placeText(finding.where);
  if (where !== '') lines.push(`${indent}${style.dim('  -->')} ${where}`);
  if (finding.source !== undefined) lines.push(`${indent}${style.dim('  -->')} ${sourceText(finding.source)}`);
  if (finding.advice !== undefined) lines.push(`${indent}  ${style.bold('help:')} ${displayText(finding.advice)}`);
  if (finding.code !== undefined) lines.push(...codeBlockLines(finding.code, style, `${indent}    `));
  return lines;
}

/** Renders findings one per line, without mark-up: `place: severity[rule] message`, for logs and editors. */
export const renderFindingsOneLine = (findings: readonly DocumentFinding[]): string =>
  findings
    .map((finding) => {
      const where = placeText(finding.where);
      const place = where === '' ? '' : `${where}: `;
      return `${place}${finding.severity}[${finding.rule}] ${displayText(finding.message)}\n`;
    })
    .join('');

/** Is one of them an error? */
export const hasError = (findings: readonly DocumentFinding[]): boolean =>
  findings.some((finding) => finding.severity === 'error');
