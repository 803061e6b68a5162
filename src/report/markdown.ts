import type { CheckMatrix, MatrixCell } from '../documents/index.ts';
import { cellFindings, cellText, matrixHolds, shortBuildId, xenLabel } from './check-results.ts';
import { codeBlockLines } from './code.ts';
import { counted } from './columns.ts';
import { displayText } from './display-text.ts';
import { placeText, sourceText } from './findings.ts';
import { PLAIN } from './style.ts';

/** GitHub accepts comments of 65 536 characters. The report says what it leaves out. */
const MOST_CHARACTERS = 60_000;

/** Characters with a meaning in GitHub's Markdown, between or within words, or in HTML. */
const ACTIVE = /[&<>"'`*_~[\](){}\\|#@!$:.]/g;

/** GitHub looks for user names and issue numbers behind these, in the rendered text. An HTML comment in between prevents that. */
const CALLS = new Set(['@', '#']);

/** Escapes Markdown, HTML, addresses and user names: every such character becomes a character reference. */
const escaped = (text: string): string =>
  displayText(text).replace(ACTIVE, (character) => {
    const written = `&#${character.charCodeAt(0)};`;
    return CALLS.has(character) ? `${written}<!-- -->` : written;
  });

/** Formats a name as code, in which GitHub mentions nobody. */
const code = (text: string): string => `<code>${escaped(text)}</code>`;

/** Puts lines into a code block. Its fence is longer than any in the lines. */
function fenced(lines: readonly string[]): string[] {
  const longest = Math.max(0, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [`${fence}text`, ...lines, fence];
}

const SIGNS: Readonly<Record<MatrixCell['verdict'], string>> = { accepted: '✅', refused: '❌', unsafe: '💥' };

function tableLines(matrix: CheckMatrix): string[] {
  const { hypervisors, payloads, cells } = matrix;
  const heads = hypervisors.map((xen) => `Xen ${escaped(xen.release)}<br>${code(shortBuildId(xen.buildId))}`);
  const rows = payloads.map(({ file }, p) => {
    const of = hypervisors.map((_, x) => cells[p * hypervisors.length + x]);
    const texts = of.map((cell) =>
      cell === undefined ? '' : `${SIGNS[cell.verdict]} ${cellText(cell)}${cell.named ? ' ◆' : ''}`,
    );
    return `| ${[code(file), ...texts].join(' | ')} |`;
  });
  const legend = cells.some(({ named }) => named) ? ['', '◆ the payload names this build.'] : [];
  return [`| payload | ${heads.join(' | ')} |`, `|${' --- |'.repeat(heads.length + 1)}`, ...rows, ...legend];
}

function detailLines(matrix: CheckMatrix, cell: MatrixCell): string[] {
  const file = matrix.payloads[cell.payload]?.file ?? '';
  const findings = cellFindings(cell, file);
  const xen = matrix.hypervisors[cell.xen];
  if (xen === undefined || (findings.length === 0 && cell.verdict === 'accepted')) return [];
  const lines = ['', `<details><summary>${code(file)} on ${escaped(xenLabel(xen))}: ${cellText(cell)}</summary>`, ''];
  for (const { rule, severity, message, where, source, code: shown } of findings) {
    const place = [placeText(where), source === undefined ? '' : sourceText(source)].filter((part) => part !== '');
    lines.push(
      `- **${severity}** ${code(rule)}: ${escaped(message)}${place.map((part) => `<br>${code(part)}`).join('')}`,
    );
    if (shown !== undefined) lines.push('', ...fenced(codeBlockLines(shown, PLAIN, '')), '');
  }
  if (cell.console.length > 0) lines.push('', ...fenced(cell.console.map(displayText)));
  return [...lines, '', '</details>'];
}

/** Renders a check as a comment in GitHub's Markdown: the matrix and the details of each cell, as far as they fit into a comment. */
export function renderMarkdown(matrix: CheckMatrix): string {
  const { payloads, hypervisors, cells } = matrix;
  const size = `${counted(payloads.length, 'payload')} on ${counted(hypervisors.length, 'hypervisor')}`;
  const well = cells.filter(({ verdict }) => verdict === 'accepted').length;
  const head = `### xsplice check: ${matrixHolds(matrix) ? 'holds' : 'does not hold'}`;
  let text = `${head}\n\n${size}: ${well} of ${cells.length} accepted.\n\n`;
  const table = `${tableLines(matrix).join('\n')}\n`;
  if (text.length + table.length > MOST_CHARACTERS) {
    return `${text}The matrix is too large for a comment: \`xsplice check --format text\` shows it.\n`;
  }
  text += table;
  let left = 0;
  for (const cell of cells) {
    const details = detailLines(matrix, cell);
    const block = details.length === 0 ? '' : `${details.join('\n')}\n`;
    if (text.length + block.length > MOST_CHARACTERS) left++;
    else text += block;
  }
  return left === 0 ? text : `${text}\n${counted(left, 'cell')} more: \`xsplice check --format text\` shows them.\n`;
}
