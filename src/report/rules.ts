import { CATALOGUE, type CatalogueEntry, isRuleId, RULE_GROUPS, type RuleId } from '../catalogue/index.ts';
import { cell, table, textWidth } from './columns.ts';
import type { Style } from './style.ts';

/** Columns of the pages. */
const WIDTH = 100;

/** Returns the catalogue for the terminal: a heading for each group, and a line for each id with its severity and title. */
export function renderRules(style: Style): string {
  const color = { error: style.red, warning: style.yellow, note: (text: string) => text };
  const rows = RULE_GROUPS.flatMap(({ rules }) => rules).map((id) => {
    const { severity, title } = CATALOGUE[id];
    return [cell(id, style.bold), cell(severity, color[severity]), cell(title)];
  });
  const lines = table(rows, '  ');
  return RULE_GROUPS.map(({ title, about, rules }) =>
    [
      style.bold(title),
      ...wrapped(about, style.width).map((line) => style.dim(line)),
      ...lines.splice(0, rules.length),
      '',
    ].join('\n'),
  ).join('\n');
}

/** Returns what the catalogue says of an id, as Markdown. `transcript` shows what the program prints of it. */
export function rulePage(id: RuleId, transcript?: string): string {
  const entry: CatalogueEntry = CATALOGUE[id];
  const { title, severity, what, why, advice, more, source } = entry;
  const group = RULE_GROUPS.find(({ rules }) => rules.includes(id));
  const section = (heading: string, ...texts: readonly (string | undefined)[]): string[] => {
    const paragraphs = texts.flatMap((text) => text?.split('\n\n') ?? []);
    return paragraphs.length === 0
      ? []
      : [`## ${heading}`, ...paragraphs.map((text) => wrapped(text, WIDTH).join('\n'))];
  };
  const blocks = [
    `# ${id}`,
    `**${severity}** (${group?.title ?? ''}): ${title}`,
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
