import type { ScenarioRun, ScenarioStep } from '../documents/index.ts';
import { displayText } from './display-text.ts';
import { mismatchLines, stepTitle } from './scenario-text.ts';
import { element, textElement, xmlDocument } from './xml.ts';

function stepCase(run: ScenarioRun, step: ScenarioStep, number: number): string {
  const attributes = {
    classname: suiteName(run),
    name: `${number} ${displayText(stepTitle(step))}`,
    file: displayText(step.place),
  };
  const children: string[] = [];
  const { surprise } = run;
  if (surprise !== null && surprise.step === number) {
    const lines = surprise.fields.flatMap((field) => mismatchLines(field));
    const names = surprise.fields.map(({ field }) => displayText(field));
    const message = `${displayText(step.place)}: ${names.join(', ')} not as expected`;
    children.push(textElement('failure', { message, type: names[0] ?? 'step' }, lines, '      '));
  }
  const output = [...step.console, ...(step.panic?.screen ?? [])].map(displayText);
  if (output.length > 0) children.push(textElement('system-out', {}, output, '      '));
  return element('testcase', attributes, children, '    ');
}

/** Names each run: two files may have the same title. */
function suiteName({ file, title, cell }: ScenarioRun): string {
  const name = title === file ? file : `${file}: ${title}`;
  return displayText(cell === '' ? name : `${name} ${cell}`);
}

function suite(run: ScenarioRun): string {
  const cases = run.steps.map((step, i) => stepCase(run, step, i + 1));
  const errors: string[] = [];
  const left = [...run.left];
  if (run.error !== null) {
    const { code, message, hint } = run.error;
    const name = `${run.steps.length + 1} ${displayText(left.shift() ?? 'start')}`;
    const lines = [message, ...(hint === null ? [] : [hint])].map(displayText);
    const error = textElement('error', { message: displayText(message), type: displayText(code) }, lines, '      ');
    errors.push(element('testcase', { classname: suiteName(run), name }, [error], '    '));
  }
  const first = run.steps.length + errors.length + 1;
  const skipped = left.map((text, i) =>
    element(
      'testcase',
      { classname: suiteName(run), name: `${first + i} ${displayText(text)}` },
      ['      <skipped/>'],
      '    ',
    ),
  );
  const children = [...cases, ...errors, ...skipped];
  const attributes = {
    name: suiteName(run),
    file: displayText(run.file),
    tests: children.length,
    failures: run.surprise === null ? 0 : 1,
    errors: errors.length,
    skipped: skipped.length,
  };
  return element('testsuite', attributes, children, '  ');
}

/** Renders scenarios as JUnit XML: a suite for each run, a case for each of its steps. No times: they would differ from run to run. */
export function renderJunit(runs: readonly ScenarioRun[]): string {
  return xmlDocument(element('testsuites', {}, runs.map(suite), ''));
}
