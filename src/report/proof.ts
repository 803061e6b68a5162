import type { ProofDocument } from '../documents/index.ts';
import { cell, counted, table } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import type { Style } from './style.ts';

/** Renders a proof: the verdict, the functions that run in the payload or are not proved, and the findings. */
export function renderProof(document: ProofDocument, style: Style): string {
  const { verdict, payload, xen, objects, functions, findings } = document;
  const proved = verdict === 'proved';
  const word = style.bold(proved ? style.green('PROVED') : style.red('NOT PROVED'));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const about = proved
    ? `the host with ${displayText(payload.file)} is the patched hypervisor`
    : counted(errors, 'reason');
  const shown = functions.filter(({ runs, proved: fine }) => runs === 'payload' || !fine);
  const rows = shown.map(({ name, object, runs, proved: fine }) => [
    cell(fine ? 'proved' : 'not proved', fine ? style.green : style.red),
    cell(displayText(name)),
    cell(displayText(object)),
    cell(runs === 'payload' ? 'runs in the payload' : 'runs as it was', style.dim),
  ]);
  const lines = [
    `${word}  ${about}`,
    style.dim(
      `  Xen ${displayText(xen.release)}, ${counted(objects.compared, 'object')} (${objects.identical} identical), ${counted(functions.length, 'function')} compared`,
    ),
    ...(rows.length === 0 ? [] : ['', ...table(rows, '  ')]),
    ...findings.flatMap((finding) => ['', ...findingLines(finding, style)]),
  ];
  return `${lines.join('\n')}\n`;
}
