import type { Severity } from '../base/index.ts';
import type { CheckMatrix } from '../documents/index.ts';
import { checkResults, onHypervisors, worstFirst } from './check-results.ts';
import { counted } from './columns.ts';
import { displayText } from './display-text.ts';
import { placeText } from './findings.ts';

/**
 * Lines that GitHub's runner makes annotations of. Source: GitHub, workflow commands for GitHub Actions; escapes: actions/toolkit,
 * packages/core/src/command.ts (`escapeData`, `escapeProperty`).
 */

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };

const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** Returns a path as the runner has it: without `./`. */
const pathOf = (file: string): string => displayText(file.replace(/^(?:\.\/+)+/, ''));

/**
 * A check as workflow commands, worst first: GitHub shows ten errors, ten warnings and ten notices of a step. The last line is for the reader of
 * the log.
 */
export function renderGithub(matrix: CheckMatrix): string {
  const lines = worstFirst(checkResults(matrix)).map((result) => {
    const { payload, finding } = result;
    const { rule, severity, message, where, source } = finding;
    const file = pathOf(source?.file ?? matrix.payloads[payload]?.file ?? '');
    const properties: (readonly [string, string])[] = [['file', file]];
    if (source !== undefined) properties.push(['line', String(source.line)]);
    if (source?.column !== undefined) properties.push(['col', String(source.column)]);
    properties.push(['title', rule]);
    const place = placeText(where);
    const text = `${displayText(message)}${onHypervisors(result, matrix)}${place === '' ? '' : `\n${place}`}`;
    const head = properties.map(([key, value]) => `${key}=${escapeProperty(value)}`).join(',');
    return `::${COMMANDS[severity]} ${head}::${escapeData(text)}\n`;
  });
  const { payloads, hypervisors, cells } = matrix;
  const well = cells.filter(({ verdict }) => verdict === 'accepted').length;
  const size = `${counted(payloads.length, 'payload')} on ${counted(hypervisors.length, 'hypervisor')}`;
  return `${lines.join('')}${size}: ${well} of ${cells.length} accepted\n`;
}
