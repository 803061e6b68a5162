import type { DiffDocument } from '../diff/index.ts';
import type { BuildDocument, BuiltBase } from './build-document.ts';
import { buildTables } from './build-tables.ts';
import { counted } from './columns.ts';
import { type DiffDetail, renderDiff } from './diff.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/** A build for the terminal: a line for each base where there are several, and what changed, once for bases that agree in it. */
export function renderBuild(document: BuildDocument, style: Style, detail: DiffDetail = {}): string {
  const { bases } = document;
  const [only, ...more] = bases;
  if (only !== undefined && more.length === 0) return renderBase(only, style, detail);
  const blocks = [`${buildTables(document, style).join('\n')}\n`];
  for (const [i, { text, names }] of groups(bases, style, detail).entries()) {
    if (i > 0 || blocks.length > 0) blocks.push(`${style.bold(names.map(displayText).join(', '))}\n${text}`);
  }
  return blocks.join('\n');
}

interface Group {
  readonly text: string;
  readonly names: string[];
}

/** Bases of which the same is to be told: the line of each is in the table already. */
function groups(bases: readonly BuiltBase[], style: Style, detail: DiffDetail): readonly Group[] {
  const found = new Map<string, Group>();
  for (const base of bases) {
    const told = { ...base, payload: null, debug: null, verified: base.verified === null ? null : ALIKE };
    const key = renderBase({ ...told, xen: null, compiled: 0, cached: 0, kept: null }, style, detail);
    const group = found.get(key);
    if (group === undefined) found.set(key, { text: renderBase(base, style, detail), names: [base.name] });
    else group.names.push(base.name);
  }
  return [...found.values()];
}

/** Stands for all hypervisors. */
const ALIKE = { release: '', buildId: null };

function renderBase(base: BuiltBase, style: Style, detail: DiffDetail): string {
  const { error, verdict } = base;
  if (error !== null || verdict === 'error') {
    const lines = [`${style.bold(style.red('ERROR'))}  ${displayText(error?.message ?? '')}`];
    if (error?.hint != null) lines.push(`  ${style.bold('help:')} ${displayText(error.hint)}`);
    return `${lines.join('\n')}\n`;
  }
  const {
    name: _name,
    source: _source,
    xen: _xen,
    compiled: _compiled,
    cached: _cached,
    kept: _kept,
    ...members
  } = base;
  const document: DiffDocument = { format: 'xsplice-diff/1', ...members, verdict };
  return renderDiff(document, style, { ...detail, lines: factsOf(base) });
}

/** What it was built for, and how many objects it took. */
function factsOf({ xen, compiled, cached, kept, verified }: BuiltBase): string[] {
  const lines: string[] = [];
  // Where it was verified, the line of that names the hypervisor.
  if (xen !== null && verified === null) {
    const id = xen.buildId === null ? 'without a build-id' : `build-id ${xen.buildId}`;
    lines.push(`for Xen ${displayText(xen.version)}, ${id}`);
  }
  if (compiled > 0) {
    const from = cached === 0 ? '' : cached === compiled ? ', from the cache' : `, ${cached} of them from the cache`;
    lines.push(`${counted(compiled, 'object')} compiled before and after the patch${from}`);
  }
  if (kept !== null) lines.push(`kept in ${displayText(kept)}`);
  return lines;
}
