import type { CheckMatrix, DocumentFinding, MatrixCell } from '../documents/index.ts';
import { cellFindings, cellText, shortBuildId } from './check-results.ts';
import { displayText } from './display-text.ts';
import { findingLines } from './findings.ts';
import { reportedRules } from './reported-rules.ts';
import type { ReportContext } from './sarif.ts';
import { PLAIN } from './style.ts';
import { element, textElement, xmlDocument } from './xml.ts';

/** Makes the test case of one rule on one payload: it fails if the rule found an error; warnings and notes are its output. */
function ruleCase(rule: string, findings: readonly DocumentFinding[], classname: string): string {
  const children: string[] = [];
  const errors = findings.filter(({ severity }) => severity === 'error');
  const lines = (some: readonly DocumentFinding[]): string[] => some.flatMap((each) => findingLines(each, PLAIN));
  const [first] = errors;
  if (first !== undefined) {
    const message = displayText(first.message);
    children.push(textElement('failure', { message, type: rule }, lines(errors), '      '));
  }
  const others = findings.filter(({ severity }) => severity !== 'error');
  if (others.length > 0) children.push(textElement('system-out', {}, lines(others), '      '));
  return element('testcase', { classname, name: rule }, children, '    ');
}

function suite(cell: MatrixCell, matrix: CheckMatrix, context: ReportContext): string {
  const xen = matrix.hypervisors[cell.xen];
  const file = matrix.payloads[cell.payload]?.file ?? '';
  const where = xen === undefined ? '' : `Xen ${xen.release} ${shortBuildId(xen.buildId)} ${xen.file}`;
  const name = displayText(`${file} on ${where}`);
  const findings = cellFindings(cell, file);
  const rules = reportedRules(context.rules, findings);
  const byRule = new Map(rules.map(({ id }) => [id, findings.filter(({ rule }) => rule === id)]));
  // A payload that nothing is wrong with, checked without rules: that Xen takes it is what was checked.
  if (byRule.size === 0) byRule.set(cell.verdict, []);
  const failures = [...byRule.values()].filter((some) => some.some(({ severity }) => severity === 'error')).length;
  const output = cell.console.map(displayText);
  const children = [
    element('properties', {}, [element('property', { name: 'verdict', value: cellText(cell) }, [], '      ')], '    '),
    ...[...byRule].map(([rule, some]) => ruleCase(rule, some, name)),
    ...(output.length === 0 ? [] : [textElement('system-out', {}, output, '    ')]),
  ];
  return element(
    'testsuite',
    { name, file: displayText(file), tests: byRule.size, failures, errors: 0, skipped: 0 },
    children,
    '  ',
  );
}

/** Renders a check as JUnit XML: a suite for each payload on each hypervisor, a case for each rule that was run. No times: they would differ from run to run. */
export const renderCheckJunit = (matrix: CheckMatrix, context: ReportContext): string =>
  xmlDocument(
    element(
      'testsuites',
      {},
      matrix.cells.map((cell) => suite(cell, matrix, context)),
      '',
    ),
  );
