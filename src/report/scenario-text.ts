import type { ObservedValue, ScenarioMismatch, ScenarioStep } from '../documents/index.ts';
import { displayText } from './display-text.ts';

/** Describes a step: `apply hello`. A byte string. */
export const stepTitle = ({ step, name }: ScenarioStep): string => (name === null ? step : `${step} ${name}`);

/** Says how a step ended, unless it plainly succeeded. */
export function stepOutcome({ step, outcome, rc, errno }: ScenarioStep): string {
  if (outcome === 'died') return 'panic';
  if (outcome === 'differs') return 'not as it should be';
  if (outcome === 'stopped-at-hook') return 'not carried out';
  if (rc === null) return '';
  if (step === 'list') return rc < 0 ? (errno ?? `rc ${rc}`) : `${rc} listed`;
  if (rc >= 0) return '';
  return errno === null ? `rc ${rc}` : `${errno} (${rc})`;
}

/** Formats a value as lines; a dash if there is none. */
function valueLines(value: ObservedValue): string[] {
  if (value === null) return ['-'];
  if (typeof value !== 'object') return [displayText(String(value))];
  return value.length === 0 ? ['(nothing)'] : value.map((line) => displayText(line));
}

/** Shows what was expected and what came, one below the other. The text is safe to show. */
export function mismatchLines({ field, expected, came }: ScenarioMismatch): string[] {
  const side = (title: string, value: ObservedValue): string[] =>
    valueLines(value).map((line, i) => `${(i === 0 ? title : '').padEnd(10)}${line}`);
  const indent = (line: string): string => `  ${line}`;
  return [displayText(field), ...side('expected', expected).map(indent), ...side('came', came).map(indent)];
}
