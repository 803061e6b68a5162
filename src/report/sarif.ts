import { contentId, hex, type Severity } from '../base/index.ts';
import type { CheckMatrix } from '../documents/index.ts';
import {
  type CheckResult,
  checkResults,
  onHypervisors,
  type ReportedRule,
  worstFirst,
  xenLabel,
} from './check-results.ts';
import { displayText } from './display-text.ts';
import { helpUriOf, reportedRules } from './reported-rules.ts';
import { SarifLocations } from './sarif-location.ts';
import { uriOf } from './uri.ts';

/** What a report contains besides the findings. */
export interface ReportContext {
  /** The rules that were run. */
  readonly rules: readonly ReportedRule[];
  /** Directory that paths are relative to. A byte string. */
  readonly cwd: string;
  /** Of xsplice. */
  readonly version: string;
  readonly exitStatus: number;
}

/** GitHub's limits, beyond which it rejects a file. Source: GitHub, SARIF support for code scanning, validating your SARIF file. */
export const SARIF_LIMITS = { results: 25_000, rules: 25_000, tags: 20 } as const;

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** `problem.severity` of a rule: what GitHub shows for rules that are not about security. */
const PROBLEM: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'recommendation' };

/** Makes a plain text message, escaping links: the text may come from a payload. Source: SARIF 2.1.0, section 3.11.6. */
const message = (text: string): { text: string } => ({
  text: displayText(text).replace(/[[\]](?=[^[\]]*\]\()|\](?=\()/g, (bracket) => `\\${bracket}`),
});

const descriptor = (rule: ReportedRule): object => ({
  id: rule.id,
  name: rule.id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase()),
  shortDescription: { text: rule.title },
  fullDescription: { text: rule.title },
  helpUri: helpUriOf(rule),
  help: {
    text: rule.help ?? `${rule.title}: ${helpUriOf(rule)}`,
    ...(rule.help !== undefined && { markdown: rule.help }),
  },
  defaultConfiguration: { level: rule.severity },
  properties: {
    tags: ['xen', 'livepatch', ...(rule.tags ?? [])].slice(0, SARIF_LIMITS.tags),
    precision: rule.precision ?? 'high',
    'problem.severity': PROBLEM[rule.severity],
  },
});

/**
 * Tells results of one run from each other, and knows them again in the next: from the rule, the payload's name and the place in words, not from
 * offsets and addresses, which every build changes. Those that are alike are numbered.
 */
function fingerprints(matrix: CheckMatrix, results: readonly CheckResult[]): string[] {
  const counts = new Map<string, number>();
  return results.map(({ payload, finding: { rule, where } }) => {
    const key = JSON.stringify([rule, matrix.payloads[payload]?.name, where.section, where.symbol]);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const units = Uint8Array.from(
      [...key].flatMap((character) => [character.charCodeAt(0) & 0xff, character.charCodeAt(0) >> 8]),
    );
    const digits = hex(contentId(units).subarray(0, 8));
    return `${digits}:${count}`;
  });
}

/** Renders a check as SARIF 2.1.0: one run, one result for each finding, whatever the number of hypervisors. */
export function renderSarif(matrix: CheckMatrix, { rules: known, cwd, version, exitStatus }: ReportContext): string {
  const all = checkResults(matrix);
  const results = all.length > SARIF_LIMITS.results ? worstFirst(all).slice(0, SARIF_LIMITS.results) : all;
  const rules = reportedRules(
    known,
    results.map(({ finding }) => finding),
  ).slice(0, SARIF_LIMITS.rules);
  const ruleIndex = new Map(rules.map(({ id }, i) => [id, i]));
  const locations = new SarifLocations(cwd);
  const prints = fingerprints(matrix, results);
  const sarifResults = results.map((result, i) => {
    const { payload, finding, hypervisors } = result;
    const file = matrix.payloads[payload]?.file ?? '';
    return {
      ruleId: finding.rule,
      ...(ruleIndex.has(finding.rule) && { ruleIndex: ruleIndex.get(finding.rule) }),
      level: finding.severity,
      message: message(`${finding.message}${onHypervisors(result, matrix)}`),
      locations: [locations.locate(finding, file, payload)],
      // GitHub looks at primaryLocationLineHash alone.
      partialFingerprints: { primaryLocationLineHash: prints[i], 'xsplice/v1': prints[i] },
      properties: {
        hypervisors: hypervisors
          .map((x) => matrix.hypervisors[x])
          .filter((xen) => xen !== undefined)
          .map(xenLabel),
      },
    };
  });
  const left = all.length - results.length;
  const notice = `${left} findings are left out: GitHub takes ${SARIF_LIMITS.results}, and these are the worst`;
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'xsplice',
            semanticVersion: version,
            rules: rules.map(descriptor),
          },
        },
        invocations: [
          {
            executionSuccessful: true,
            exitCode: exitStatus,
            ...(left > 0 && { toolExecutionNotifications: [{ level: 'warning', message: { text: notice } }] }),
          },
        ],
        artifacts: matrix.payloads.map(({ file }) => ({
          location: { uri: uriOf(file, cwd) },
          mimeType: 'application/x-object',
          roles: ['analysisTarget'],
        })),
        ...(locations.addresses.length > 0 && { addresses: locations.addresses }),
        columnKind: 'unicodeCodePoints',
        results: sarifResults,
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
