import type {
  InspectedFunction,
  InspectedInstruction,
  InspectedPayload,
  InspectedRelocations,
  InspectReport,
} from '../documents/index.ts';
import type { Cell } from './columns.ts';
import { cell, counted, rightCell, table, truncateMiddle } from './columns.ts';
import { displayText } from './display-text.ts';
import { findingLines, placeText } from './findings.ts';
import type { Style } from './style.ts';

const NAME_WIDTH = 40;
const name = (text: string): string => truncateMiddle(displayText(text), NAME_WIDTH);

/** Renders a table below a heading; nothing if there are no rows. */
function block(title: string, header: readonly string[], rows: readonly Cell[][], style: Style): string[] {
  if (rows.length === 0) return [];
  const numeric = rows[0]?.map((item) => item.right === true) ?? [];
  const top = header.map((text, i): Cell => ({ text, mark: style.dim, right: numeric[i] ?? false }));
  return ['', style.bold(title), ...table(header.length === 0 ? rows : [top, ...rows], '  ')];
}

function overview(payload: InspectedPayload, style: Style): string[] {
  const head = `${style.bold(displayText(payload.file))}  ${payload.arch ?? 'no architecture that Xen patches'}, ${counted(payload.size, 'byte')}`;
  // Nothing could be read: the finding says why, and a table of nothing would say less.
  if (payload.sections.length === 0) return [head];
  const { pages } = payload;
  const rows: [string, string][] = [
    ['name', displayText(payload.name)],
    ['build-id', payload.buildId ?? 'none'],
    ['depends', payload.depends ?? 'none'],
    ['xen_depends', payload.xenDepends ?? 'none'],
    ['pages', `${pages.text + pages.rw + pages.ro} (${pages.text} text, ${pages.rw} rw, ${pages.ro} ro)`],
    ['apply again', payload.reappliable ? 'yes, after a revert' : 'no: it has data that may have changed'],
    ...payload.metadata.map((entry): [string, string] => ['.modinfo', displayText(entry)]),
  ];
  return [
    head,
    ...table(
      rows.map(([key, value]) => [cell(key, style.dim), cell(value)]),
      '  ',
    ),
  ];
}

function functionRow(entry: InspectedFunction): Cell[] {
  const { expectation, newCode } = entry;
  const expected =
    expectation === null ? '' : `${truncateMiddle(expectation.data, 34)}${expectation.enabled ? '' : ' (not enabled)'}`;
  return [
    cell(name(entry.name)),
    cell(entry.oldCode === null ? 'by name' : truncateMiddle(placeText(entry.oldCode), 44)),
    rightCell(entry.oldSize),
    cell(entry.kind === 'nop' ? 'NOP' : newCode === null ? '?' : truncateMiddle(placeText(newCode), 44)),
    rightCell(entry.newSize),
    rightCell(entry.version),
    cell(expected),
  ];
}

function relocationRemark({ applied, handled }: InspectedRelocations): string {
  if (!applied) return 'not loaded, so not relocated';
  return handled === false ? 'Xen does not handle it' : '';
}

/** Returns the relocation targets that the instruction's text does not show. */
function remark({ text, targets = [] }: InspectedInstruction): string {
  const hidden = targets.map((target) => target.symbol ?? placeText(target)).filter((name) => !text.includes(name));
  return hidden.length === 0 ? '' : `# ${hidden.map(displayText).join(', ')}`;
}

/** Renders code as objdump lays it out: offset in the section, bytes, instruction. */
function codeBlock(title: string, code: readonly InspectedInstruction[] | null, style: Style): string[] {
  const rows = code?.map((instruction) => [
    rightCell(instruction.offset.toString(16)),
    cell(instruction.bytes.replace(/..(?=.)/g, '$& '), style.dim),
    cell(displayText(instruction.text)),
    cell(remark(instruction), style.dim),
  ]);
  return block(title, [], rows ?? [], style);
}

function payloadLines(payload: InspectedPayload, style: Style): string[] {
  const functions = payload.functions.map((entry) => functionRow(entry));
  const hooks = payload.hooks.map((hook) => [cell(hook.kind), cell(placeText(hook.target))]);
  const sections = payload.sections.map((section) => [
    rightCell(section.index),
    cell(name(section.name)),
    cell(section.type),
    cell(section.flags),
    rightCell(section.size),
    rightCell(section.alignment),
    cell(section.page ?? '-'),
    rightCell(section.offset === null ? '' : `+0x${section.offset.toString(16)}`),
  ]);
  const relocations = payload.relocations.map((row) => [
    cell(name(row.section)),
    cell(row.type),
    rightCell(row.count),
    cell(relocationRemark(row), row.applied ? style.red : style.dim),
  ]);
  const tables = payload.tables.map((row) => [
    cell(row.kind),
    cell(name(row.section)),
    rightCell(row.entries),
    rightCell(row.entrySize),
  ]);
  const undefinedSymbols = payload.undefinedSymbols.map((symbol) => [cell(displayText(symbol))]);
  return [
    ...overview(payload, style),
    ...block('functions', ['function', 'old code', 'size', 'new code', 'size', 'version', 'expects'], functions, style),
    ...block('hooks', [], hooks, style),
    ...payload.functions.flatMap((entry) => codeBlock(`code of ${displayText(entry.name)}`, entry.code, style)),
    ...payload.hooks.flatMap((hook) =>
      codeBlock(`code of ${hook.kind} hook ${placeText(hook.target)}`, hook.code, style),
    ),
    ...block('sections', ['#', 'name', 'type', 'flags', 'size', 'align', 'pages', 'at'], sections, style),
    ...block('relocations', ['section', 'type', 'count', ''], relocations, style),
    ...block('tables', ['table', 'section', 'entries', 'bytes each'], tables, style),
    ...block('undefined symbols', [], undefinedSymbols, style),
    ...(payload.findings.length > 0 ? [''] : []),
    ...payload.findings.flatMap((finding) => findingLines(finding, style)),
  ];
}

/** Renders the contents of payloads for the terminal. */
export function renderInspect(report: InspectReport, style: Style): string {
  const blocks = report.payloads.map((payload) => `${payloadLines(payload, style).join('\n')}\n`);
  return blocks.join('\n');
}
