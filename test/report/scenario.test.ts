import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScenarioReport, ScenarioRun, ScenarioStep } from '../../src/documents/index.ts';
import { scenarioSchema } from '../../src/documents/schemas.ts';
import { documentJson, PLAIN, renderJunit, renderScenarios, xmlText } from '../../src/report/index.ts';
import { decoded, readXml } from '../support/xml.ts';

const step = (more: Partial<ScenarioStep> = {}): ScenarioStep => ({
  step: 'apply',
  name: 'hello',
  place: 'x.yaml:4:5',
  outcome: 'answered',
  passed: true,
  rc: 0,
  errno: null,
  state: 'APPLIED',
  status: 0,
  console: ['livepatch: hello finished APPLY with rc=0'],
  list: null,
  call: null,
  panic: null,
  ...more,
});

const passed: ScenarioRun = {
  file: 'x.yaml',
  title: 'x.yaml',
  cell: '',
  xen: { release: '4.18.1', buildId: 'c49cdcc59463c3258acee6ab0ed9fe416cd52dbc', arch: 'x86_64' },
  verdict: 'passed',
  steps: [
    step({ step: 'upload', state: 'CHECKED', console: [] }),
    step(),
    step({ step: 'verify', name: null, outcome: 'verified', rc: null, state: null, status: null, console: [] }),
    step({
      step: 'call',
      name: 'xen_extra_version',
      outcome: 'called',
      rc: null,
      state: null,
      status: null,
      console: [],
      call: 0,
    }),
    step({
      step: 'list',
      name: null,
      outcome: 'listed',
      rc: 1,
      state: null,
      status: null,
      console: [],
      list: [{ name: 'hello', state: 'APPLIED', rc: 0 }],
    }),
  ],
  left: [],
  calls: [
    {
      function: 'xen_extra_version',
      when: 'applied',
      returned: { int: '0xffff82d0405b0000', string: '-hello' },
      instructions: 2,
      entered: null,
      coverage: [],
      buffers: [],
    },
  ],
  surprise: null,
  error: null,
  findings: [],
};

const PANIC = {
  message: 'FATAL PAGE FAULT',
  errorCode: 3,
  address: '0xffff82d0405b10d1',
  screen: ['Panic on CPU 0:', ''],
};

const failed: ScenarioRun = {
  ...passed,
  title: 'an old release',
  cell: 'release=4.18.0',
  verdict: 'failed',
  steps: [
    step({ step: 'upload', state: 'none', rc: -22, errno: 'EINVAL', status: null, console: [] }),
    step({ outcome: 'died', passed: false, rc: null, state: null, status: null, panic: PANIC }),
  ],
  left: ['revert hello', 'unload hello'],
  calls: [],
  surprise: {
    step: 2,
    place: 'x.yaml:4:5',
    fields: [{ field: 'panic', expected: 'no panic', came: ['FATAL PAGE FAULT', 'error_code=0003'] }],
  },
  findings: [{ rule: 'host-panic', severity: 'error', message: 'the host panics', where: {} }],
};

const broken: ScenarioRun = {
  ...passed,
  file: 'y.yaml',
  title: 'y.yaml',
  xen: null,
  verdict: 'error',
  steps: [],
  left: ['list', 'dump'],
  calls: [],
  error: { code: 'EFILE', message: 'y.yaml:2:3: xen-syms: no such file', hint: null },
};

const report: ScenarioReport = { format: 'xsplice-scenario/2', scenarios: [passed, failed, broken] };

describe('scenarios as text', () => {
  it('have a line for each step, and both sides of what was not as expected', () => {
    expect(renderScenarios(report, PLAIN)).toBe(`x.yaml  Xen 4.18.1 x86_64
 ok  upload  hello              CHECKED
 ok  apply   hello              APPLIED
          livepatch: hello finished APPLY with rc=0
 ok  verify
 ok  call    xen_extra_version           "-hello", 2 instructions
 ok  list                                1 listed
PASSED 5 steps

an old release (x.yaml)  release=4.18.0  Xen 4.18.1 x86_64
 ok    upload  hello  none  EINVAL (-22)
 FAIL  apply   hello        panic
          livepatch: hello finished APPLY with rc=0
          Panic on CPU 0:

  not as expected in step 2, x.yaml:4:5
    panic
      expected  no panic
      came      FATAL PAGE FAULT
                error_code=0003
error[host-panic] the host panics
FAILED 2 steps, 2 not run

y.yaml
  error: y.yaml:2:3: xen-syms: no such file
ERROR 0 steps, 2 not run

FAILED 2 of 3 scenarios
`);
    expect(renderScenarios({ ...report, scenarios: [passed] }, PLAIN)).toMatch(/\nPASSED 1 scenario\n$/);
  });

  it('let nothing of a host reach the terminal', () => {
    const evil = 'a\x1b[2Jb\u009bc h\xc3\xa9llo';
    const run = {
      ...failed,
      title: evil,
      cell: evil,
      steps: [step({ name: evil, console: [evil], note: evil })],
      surprise: { step: 1, place: evil, fields: [{ field: evil, expected: evil, came: [evil] }] },
      error: { code: 'EFILE', message: evil, hint: evil },
    };
    for (const text of [renderScenarios({ ...report, scenarios: [run] }, PLAIN), renderJunit([run])]) {
      expect(text).not.toContain('\x1b');
      expect(text).not.toContain('\u009b');
      expect(text).toContain('\\x1b[2J');
      // Each byte is made safe once.
      expect(text).toContain('h\u00e9llo');
      expect(text).not.toContain('\\xe9');
    }
  });
});

describe('the document', () => {
  it('is described by its schema', () => {
    const printed: unknown = JSON.parse(documentJson(report));
    expect(scenarioSchema.parse(printed)).toEqual(printed);
  });
});

describe('scenarios as JUnit', () => {
  it('have a suite for each run and a case for each step, those that were not run too', () => {
    const root = readXml(renderJunit(report.scenarios));
    expect(root.name).toBe('testsuites');
    expect(root.children.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['testsuite', { name: 'x.yaml', file: 'x.yaml', tests: '5', failures: '0', errors: '0', skipped: '0' }],
      [
        'testsuite',
        {
          name: 'x.yaml: an old release release=4.18.0',
          file: 'x.yaml',
          tests: '4',
          failures: '1',
          errors: '0',
          skipped: '2',
        },
      ],
      ['testsuite', { name: 'y.yaml', file: 'y.yaml', tests: '2', failures: '0', errors: '1', skipped: '1' }],
    ]);
    for (const suite of root.children) {
      const count = (what: string) =>
        suite.children.filter(({ children }) => children.some(({ name }) => name === what)).length;
      expect(suite.children.map(({ name }) => name)).toEqual(suite.children.map(() => 'testcase'));
      expect({
        tests: `${suite.children.length}`,
        failures: `${count('failure')}`,
        errors: `${count('error')}`,
        skipped: `${count('skipped')}`,
      }).toMatchObject(
        (({ tests, failures, errors, skipped }) => ({ tests, failures, errors, skipped }))(suite.attributes),
      );
    }
    const [, second, third] = root.children;
    expect(second?.children.map(({ attributes }) => attributes['name'])).toEqual([
      '1 upload hello',
      '2 apply hello',
      '3 revert hello',
      '4 unload hello',
    ]);
    const [failure, output] = second?.children[1]?.children ?? [];
    expect(failure).toMatchObject({ name: 'failure', attributes: { type: 'panic' } });
    expect(failure?.text).toContain('came      FATAL PAGE FAULT');
    expect(output?.text).toContain('Panic on CPU 0:');
    expect(third?.children[0]?.children[0]?.text).toContain('xen-syms: no such file');
  });

  it('are well-formed, whatever is in them', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 3 }), (title, message, lines) => {
        const run: ScenarioRun = {
          ...failed,
          title,
          file: message,
          steps: [step({ name: title, console: lines })],
          surprise: { step: 1, place: message, fields: [{ field: title, expected: message, came: lines }] },
          error: { code: message, message, hint: title },
          left: lines,
        };
        expect(readXml(renderJunit([run])).children).toHaveLength(1);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  it('have text that stands for itself, but for what XML has not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const allowed = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
        expect(decoded(xmlText(text))).toBe(allowed);
      }),
      { numRuns: 500, seed: 12 },
    );
    expect(xmlText('\0\x08\x0b\x1f\ufffe\ud800')).toBe('\ufffd'.repeat(6));
  });
});
