import { CATALOGUE, type CatalogueEntry, isRuleId, RULE_GROUPS, type RuleId } from '../catalogue/index.ts';
import { type Cell, cell, table, textWidth } from './columns.ts';
import type { Style } from './style.ts';

/** Columns of the pages in docs/. */
const PAGE_WIDTH = 100;

/** Returns the catalogue for the terminal: a heading for each group, then each id with its severity and title. */
export function renderRules(style: Style): string {
  const color = { error: style.red, warning: style.yellow, note: (text: string) => text };
  const ids = RULE_GROUPS.flatMap(({ rules }) => rules);
  const longest = (texts: readonly string[]): number => Math.max(...texts.map(textWidth));
  const room = style.width - longest(ids) - longest(ids.map((id) => CATALOGUE[id].severity)) - GAPS;
  const rowsOf = (id: RuleId): Cell[][] => {
    const { severity, title } = CATALOGUE[id];
    const [first = '', ...more] = wrapped(title, room);
    return [
      [cell(id, style.bold), cell(severity, color[severity]), cell(first)],
      ...more.map((line) => [cell(''), cell(''), cell(line)]),
    ];
  };
  const rows = RULE_GROUPS.map(({ rules }) => rules.flatMap(rowsOf));
  const lines = table(rows.flat(), '  ');
  return RULE_GROUPS.map(({ title, about }, i) =>
    [
      style.bold(title),
      ...wrapped(about, style.width).map((line) => style.dim(line)),
      ...lines.splice(0, rows[i]?.length),
      '',
    ].join('\n'),
  ).join('\n');
}

/** Columns of the indent and of the space between the three columns. */
const GAPS = 6;

interface PageOptions {
  /** What the program prints of it. */
  readonly transcript?: string;
  /** Columns; those of the pages in docs/ by default. */
  readonly width?: number;
}

/** Returns what the catalogue says of an id, as Markdown. */
export function rulePage(id: RuleId, { transcript, width = PAGE_WIDTH }: PageOptions = {}): string {
  const entry: CatalogueEntry = CATALOGUE[id];
  const { title, severity, what, why, advice, more, source } = entry;
  const group = RULE_GROUPS.find(({ rules }) => rules.includes(id));
  const section = (heading: string, ...texts: readonly (string | undefined)[]): string[] => {
    const paragraphs = texts.flatMap((text) => text?.split('\n\n') ?? []);
    return paragraphs.length === 0
      ? []
      : [`## ${heading}`, ...paragraphs.map((text) => wrapped(text, width).join('\n'))];
  };
  const blocks = [
    `# ${id}`,
    wrapped(`**${severity}** (${group?.title ?? ''}): ${title}`, width).join('\n'),
    ...section('What', what),
    ...section('Why', why),
    ...(transcript === undefined ? [] : ['## How it looks', `\`\`\`\n${transcript}\`\`\``]),
    ...section('How to fix it', advice, more),
    ...section('Source', source),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** What the catalogue calls the findings of an id; ids of another version of the program stand for themselves. */
export const ruleTitle = (id: string): string => (isRuleId(id) ? CATALOGUE[id].title : id);

/** Breaks a paragraph at blanks, into lines of at most so many columns. Words that are longer stay whole. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
