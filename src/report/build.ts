import type { BuildDocument, BuiltBase, DiffDocument } from '../documents/index.ts';
import { buildTables } from './build-tables.ts';
import { counted } from './columns.ts';
import { type DiffDetail, diffBody, renderDiff, verdictText } from './diff.ts';
import { displayText } from './display-text.ts';
import type { Style } from './style.ts';

/**
 * A build for the terminal: the diff with what it was built for. For several hypervisors a line for each, and then what changed, once for
 * those that agree in it.
 */
export function renderBuild(document: BuildDocument, style: Style, detail: DiffDetail = {}): string {
  const { bases } = document;
  const [only, ...more] = bases;
  if (only !== undefined && more.length === 0) {
    const diff = diffOf(only);
    return diff === null
      ? joined(errorLines(only, style))
      : renderDiff(diff, style, { ...detail, lines: factsOf(only) });
  }
  const blocks = groups(bases, style, detail).map(({ head, body, names, kept }) => [
    '',
    `${head}  ${names.join(', ')}`,
    ...kept,
    ...body,
  ]);
  return joined([...buildTables(document, style), ...blocks.flat()]);
}

const joined = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

/** Bases with the same result, which is shown once; the table has a line for each. */
interface Group {
  readonly head: string;
  readonly body: readonly string[];
  readonly names: string[];
  /** The folder with the compiled objects. */
  readonly kept: string[];
}

function groups(bases: readonly BuiltBase[], style: Style, detail: DiffDetail): readonly Group[] {
  const found = new Map<string, Group>();
  for (const base of bases) {
    const diff = diffOf(base);
    const [head = '', ...body] =
      diff === null ? errorLines(base, style) : [verdictText(diff.verdict, style), ...diffBody(diff, style, detail)];
    const key = JSON.stringify([head, body]);
    const group = found.get(key) ?? { head, body, names: [], kept: [] };
    group.names.push(displayText(base.name));
    if (base.kept !== null) group.kept.push(style.dim(`  kept in ${displayText(base.kept)}`));
    found.set(key, group);
  }
  return [...found.values()];
}

/** Returns the base as a diff document; null if it has no diff. */
function diffOf(base: BuiltBase): DiffDocument | null {
  const { verdict, objects, functions, refusals, remarks, verified, payload, debug } = base;
  if (verdict === 'error') return null;
  const members = { verdict, objects, functions, refusals, remarks, verified, payload, debug };
  return { format: 'xsplice-diff/2', ...members };
}

const errorLines = ({ error }: BuiltBase, style: Style): string[] => [
  style.bold(style.red('ERROR')),
  `  ${displayText(error?.message ?? '')}`,
  ...(error?.hint == null ? [] : [`  ${style.bold('help:')} ${displayText(error.hint)}`]),
];

/** Says which hypervisor it was built for, and how many objects were compiled. */
function factsOf({ xen, compiled, cached, kept, verified, functions }: BuiltBase): string[] {
  const lines: string[] = [];
  // Where it was verified, the line of that names the hypervisor.
  if (xen !== null && verified === null) {
    const id = xen.buildId === null ? 'without a build-id' : `build-id ${xen.buildId}`;
    lines.push(`for Xen ${displayText(xen.version)}, ${id}`);
  }
  if (compiled > 0 && functions.length === 0) {
    lines.push(`${counted(compiled, 'object depends', 'objects depend')} on what the patch changes`);
  } else if (compiled > 0) {
    const from = cached === 0 ? '' : cached === compiled ? ', from the cache' : `, ${cached} of them from the cache`;
    lines.push(`${counted(compiled, 'object')} compiled before and after the patch${from}`);
  }
  if (kept !== null) lines.push(`kept in ${displayText(kept)}`);
  return lines;
}
