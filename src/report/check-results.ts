import type { Severity } from '../base/index.ts';
import type { CheckMatrix, CheckReport, DocumentFinding, MatrixCell, MatrixXen } from '../documents/index.ts';
import { displayText } from './display-text.ts';

/** A rule as reports show it. */
export interface ReportedRule {
  readonly id: string;
  /** What is wrong, in one line without a full stop. */
  readonly title: string;
  /** The default severity of its findings. */
  readonly severity: Severity;
  /** The rule's page, in Markdown. */
  readonly help?: string;
  /** Where the page is on the web: an absolute URI. */
  readonly helpUri?: string;
  /** How often it is right, in GitHub's words. Source: GitHub, SARIF support for code scanning, `properties.precision`. */
  readonly precision?: 'very-high' | 'high' | 'medium' | 'low';
  readonly tags?: readonly string[];
}

/** One finding on a payload, with every hypervisor that it applies to. */
export interface CheckResult {
  /** Index of the payload. */
  readonly payload: number;
  readonly finding: DocumentFinding;
  /** Indexes of the hypervisors, ascending. */
  readonly hypervisors: readonly number[];
}

/** Returns the findings of a cell. A cell that is not accepted has at least one error: if there is none, one is added that states the verdict. */
export function cellFindings(cell: MatrixCell, file: string): readonly DocumentFinding[] {
  if (cell.verdict === 'accepted' || cell.findings.some(({ severity }) => severity === 'error')) return cell.findings;
  const errno = cell.errno === null ? '' : ` with ${cell.errno}`;
  const message =
    cell.verdict === 'refused'
      ? `the hypervisor refuses the payload${errno}`
      : 'the payload would crash or damage the host';
  return [...cell.findings, { rule: cell.verdict, severity: 'error', message, where: { file } }];
}

/** Returns all findings by payload, merging those that are the same on several hypervisors. */
export function checkResults({ payloads, cells }: CheckMatrix): CheckResult[] {
  const results = new Map<string, CheckResult & { readonly hypervisors: number[] }>();
  for (const cell of cells) {
    for (const finding of cellFindings(cell, payloads[cell.payload]?.file ?? '')) {
      const { rule, severity, message, where } = finding;
      const key = JSON.stringify([cell.payload, rule, severity, message, where]);
      const known = results.get(key);
      if (known === undefined) results.set(key, { payload: cell.payload, finding, hypervisors: [cell.xen] });
      else if (!known.hypervisors.includes(cell.xen)) known.hypervisors.push(cell.xen);
    }
  }
  return [...results.values()];
}

/** Digits of a build-id that are enough to tell builds apart. */
const SHORT = 8;

/** Returns the first digits of a build-id; `-` if there is none. */
export const shortBuildId = (buildId: string | null): string => (buildId === null ? '-' : buildId.slice(0, SHORT));

/** Names a hypervisor: `Xen 4.17.7 (151b373f)`. */
export const xenLabel = ({ release, buildId }: MatrixXen): string =>
  `Xen ${displayText(release)} (${shortBuildId(buildId)})`;

/** Says which of several hypervisors a result applies to: ` (on Xen …, Xen …)`, or ` (on all hypervisors)`. */
export function onHypervisors({ hypervisors }: CheckResult, matrix: CheckMatrix): string {
  if (matrix.hypervisors.length === 1) return '';
  if (hypervisors.length === matrix.hypervisors.length) return ' (on all hypervisors)';
  const labels = hypervisors.map((x) => matrix.hypervisors[x]).filter((xen) => xen !== undefined);
  return ` (on ${labels.map(xenLabel).join(', ')})`;
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** Sorts errors first, then warnings, then notes; otherwise keeps the order. */
export const worstFirst = (results: readonly CheckResult[]): CheckResult[] =>
  [...results].sort((a, b) => RANK[a.finding.severity] - RANK[b.finding.severity]);

/** Formats the verdict of a cell: `accepted`, `refused EINVAL`, `unsafe`. */
export const cellText = ({ verdict, errno }: Pick<MatrixCell, 'verdict' | 'errno'>): string =>
  errno === null ? verdict : `${verdict} ${errno}`;

/** Does every hypervisor accept every payload without an error? */
export const matrixHolds = ({ cells }: CheckMatrix): boolean =>
  cells.every(
    ({ verdict, findings }) => verdict === 'accepted' && findings.every(({ severity }) => severity !== 'error'),
  );

/** Returns the payloads of a matrix on one of its hypervisors, as a document of its own. */
export const checkOf = ({ payloads, cells }: CheckMatrix, xen: number): CheckReport => ({
  format: 'xsplice-check/1',
  payloads: cells
    .filter((cell) => cell.xen === xen)
    .map(({ payload, verdict, errno, console, findings }) => ({
      file: payloads[payload]?.file ?? '',
      verdict,
      errno,
      console,
      findings,
    })),
});
