import type { CheckMatrix } from '../documents/index.ts';
import { renderCheck } from './check.ts';
import { checkOf } from './check-results.ts';
import { renderGithub } from './github.ts';
import { documentJson } from './json.ts';
import { renderCheckJunit } from './junit-check.ts';
import { renderMarkdown } from './markdown.ts';
import { renderMatrix } from './matrix.ts';
import { type ReportContext, renderSarif } from './sarif.ts';
import type { Style } from './style.ts';

/** Output formats of a check. */
export const CHECK_FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'markdown'] as const;

export type CheckFormat = (typeof CHECK_FORMATS)[number];

/** Renders a check in one of the formats. With one hypervisor, text and JSON are those of `xsplice-check/1`, not of a matrix. */
export function renderChecked(matrix: CheckMatrix, format: CheckFormat, style: Style, context: ReportContext): string {
  const single = matrix.hypervisors.length === 1;
  switch (format) {
    case 'text':
      return single ? renderCheck(checkOf(matrix, 0), style) : renderMatrix(matrix, style);
    case 'json':
      return documentJson(single ? checkOf(matrix, 0) : matrix);
    case 'sarif':
      return renderSarif(matrix, context);
    case 'junit':
      return renderCheckJunit(matrix, context);
    case 'github':
      return renderGithub(matrix);
    case 'markdown':
      return renderMarkdown(matrix);
  }
}
