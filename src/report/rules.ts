import type { Severity } from '../base/index.ts';
import { cell, table } from './columns.ts';
import type { Style } from './style.ts';

/** What a list of rules shows of each. */
export interface ListedRule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
}

/** The rules for the terminal, one a line: id, default severity, title. */
export function renderRules(rules: readonly ListedRule[], style: Style): string {
  const color = { error: style.red, warning: style.yellow, note: (text: string) => text };
  const lines = table(
    rules.map(({ id, severity, title }) => [cell(id, style.bold), cell(severity, color[severity]), cell(title)]),
  );
  return `${lines.join('\n')}\n`;
}
