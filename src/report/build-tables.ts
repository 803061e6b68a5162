import type { BuildDocument, BuildVerdict, BuiltBase, FunctionStatus } from '../documents/index.ts';
import { type Cell, cell, table, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

type Mark = 'green' | 'red' | 'yellow';

const MARKS: Readonly<Record<BuildVerdict, Mark>> = {
  built: 'green',
  unchanged: 'yellow',
  refused: 'red',
  error: 'red',
};

/** Columns for a name. */
const WIDEST = 40;

/** Digits of a build-id that are enough to tell builds apart. */
const DIGITS = 8;

/** Statuses shown in the table of functions. */
const TOLD: ReadonlySet<FunctionStatus> = new Set(['changed', 'new', 'removed']);

const shown = (text: string): string => truncateMiddle(displayText(text), WIDEST);

/** Renders several bases as tables: one line for each base, then the functions that changed in any of them. */
export function buildTables({ bases }: BuildDocument, style: Style): string[] {
  const rows = bases.map((base) => [
    cell(shown(base.name)),
    cell(xenText(base)),
    cell(base.verdict, style[MARKS[base.verdict]]),
    cell(displayText(base.payload?.file ?? '')),
  ]);
  const functions = functionRows(bases);
  return [
    ...table([['base', 'Xen', 'verdict', 'payload'].map((title) => cell(title, style.dim)), ...rows]),
    ...(functions.length === 0 ? [] : ['', ...table([head(bases, style), ...functions])]),
  ];
}

function xenText({ xen }: BuiltBase): string {
  if (xen === null) return '';
  const id = xen.buildId === null ? '' : ` ${xen.buildId.slice(0, DIGITS)}`;
  return `${displayText(xen.version)}${id}`;
}

const head = (bases: readonly BuiltBase[], style: Style): Cell[] =>
  ['function', ...bases.map(({ name }) => shown(name))].map((title) => cell(title, style.dim));

/** Makes a row for each function that changed, is new or is gone in any base. */
function functionRows(bases: readonly BuiltBase[]): Cell[][] {
  const rows = new Map<string, Map<BuiltBase, string>>();
  for (const base of bases) {
    for (const { name, status } of base.functions) {
      if (!TOLD.has(status)) continue;
      const row = rows.get(name) ?? new Map<BuiltBase, string>();
      rows.set(name, row.set(base, status));
    }
  }
  return [...rows].map(([name, row]) => [
    cell(shown(name)),
    ...bases.map((base) => cell(row.get(base) ?? (base.verdict === 'error' ? '?' : '-'))),
  ]);
}
