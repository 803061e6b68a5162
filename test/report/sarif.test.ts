import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckMatrix } from '../../src/documents/index.ts';
import { type ReportContext, renderSarif, SARIF_LIMITS } from '../../src/report/sarif.ts';
import { uriOf } from '../../src/report/uri.ts';
import { validate } from '../support/json-schema.ts';
import { cell, error, HOSTILE, hostile, inCode, matrix, payload, xen } from './check-fixtures.ts';

const SCHEMA = JSON.parse(
  readFileSync(new URL('sarif/sarif-schema-2.1.0-rtm.5.json', import.meta.url), 'utf8'),
) as Parameters<typeof validate>[0];

const context: ReportContext = {
  rules: [{ id: 'odd-call', title: 'A call goes nowhere', severity: 'warning', precision: 'medium', tags: ['code'] }],
  cwd: '/build',
  version: '1.2.3',
  exitStatus: 1,
};

interface Region {
  readonly startLine: number;
  readonly startColumn?: number;
}

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string };
      readonly region: Region;
      readonly address?: { readonly name?: string; readonly parentIndex?: number; readonly offsetFromParent?: number };
    };
    readonly logicalLocations?: readonly { readonly name: string }[];
  }[];
  readonly partialFingerprints: { readonly primaryLocationLineHash: string };
}

interface Run {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly invocations: readonly {
    readonly exitCode: number;
    readonly toolExecutionNotifications?: readonly { readonly message: { readonly text: string } }[];
  }[];
  readonly addresses?: readonly { readonly name: string }[];
  readonly results: readonly Result[];
}

/** The one run of a log that fits the schema. */
function runOf(of: CheckMatrix, more: Partial<ReportContext> = {}): Run {
  const log = JSON.parse(renderSarif(of, { ...context, ...more })) as { readonly runs: readonly Run[] };
  expect(validate(SCHEMA, log as never)).toEqual([]);
  expect(log.runs.length).toBe(1);
  return log.runs[0] as Run;
}

describe('the validator', () => {
  it.each([
    ['another version', { version: '2.0.0', runs: [] }],
    ['a missing member', { version: '2.1.0' }],
    ['a member too many', { version: '2.1.0', runs: [], more: 1 }],
    ['a result without a message', { version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [{}] }] }],
    [
      'a help address that is none',
      { version: '2.1.0', runs: [{ tool: { driver: { name: 'x', informationUri: 'x' } } }] },
    ],
  ])('refuses %s', (_what, log) => {
    expect(validate(SCHEMA, log as never)).not.toEqual([]);
  });
});

describe('a check as SARIF', () => {
  it('fits the schema, whatever names a payload has', () => {
    runOf(matrix);
    runOf(hostile);
    runOf({ ...matrix, payloads: [], cells: [] });
  });

  it('has a result for each finding, the same on several hypervisors once', () => {
    const { results } = runOf(matrix);
    expect(results.map(({ ruleId, level }) => `${level} ${ruleId}`)).toEqual([
      'warning odd-call',
      'error wrong-xen',
      'note assumed',
      'error unsafe',
    ]);
    expect(results[0]?.message.text).toBe('calls what is not there (on all hypervisors)');
    expect(results[1]?.message.text).toBe('depends on another build (on Xen 4.18.0 (22222222))');
  });

  it('names the rule of each result in the table of rules', () => {
    const { tool, results } = runOf(matrix);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    expect(tool.driver.rules.map(({ id }) => id)).toContain('odd-call');
  });

  it('tells of each rule, with its page or where Xen tells of it', () => {
    const { rules } = runOf(matrix, {
      rules: [
        { id: 'odd-call', title: 'A call goes nowhere', severity: 'warning', help: '# odd-call', tags: ['code'] },
      ],
    }).tool.driver;
    expect(rules[0]).toMatchObject({
      id: 'odd-call',
      name: 'OddCall',
      help: { markdown: '# odd-call' },
      defaultConfiguration: { level: 'warning' },
      properties: { tags: ['xen', 'livepatch', 'code'], precision: 'high', 'problem.severity': 'warning' },
    });
    expect(rules.find(({ id }) => id === 'wrong-xen')).toMatchObject({
      shortDescription: { text: 'the payload was built for another hypervisor' },
      helpUri: 'https://xenbits.xen.org/docs/unstable/misc/livepatch.html',
    });
  });

  it('has the line of source where it is known, and the payload and the address where it is not', () => {
    const [first, second] = runOf(matrix).results.map(({ locations }) => locations[0]?.physicalLocation);
    expect(first?.artifactLocation.uri).toBe('arch/x86/f.c');
    expect(first?.region).toEqual({ startLine: 12, startColumn: 3 });
    expect(second?.artifactLocation.uri).toBe('hello.livepatch');
    expect(second?.region).toEqual({ startLine: 1 });
    expect(second?.address).toMatchObject({ name: '.livepatch.xen_depends+0x10', offsetFromParent: 16 });
  });

  it('counts offsets from the section that the run has under that number', () => {
    const { addresses, results } = runOf(matrix);
    const address = results[0]?.locations[0]?.physicalLocation.address;
    expect(addresses?.[address?.parentIndex ?? -1]?.name).toBe('.text.f');
    expect(results[0]?.locations[0]?.logicalLocations).toMatchObject([{ name: 'f', kind: 'function' }]);
  });

  it('holds no number that a double rounds', () => {
    const numbers: number[] = [];
    JSON.parse(renderSarif(matrix, context), (_key, value: unknown) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    expect(numbers.every((value) => Number.isSafeInteger(value) && value < 2 ** 32)).toBe(true);
    expect(renderSarif(matrix, context)).toContain('"name": "0xffff82d0405b0005"');
  });

  it('knows a finding again in the next build, and tells two of them from each other', () => {
    const twice = [inCode, { ...inCode, message: 'again', where: { ...inCode.where, offset: 40 } }];
    const prints = (findings: typeof twice): string[] =>
      runOf({ ...matrix, cells: [cell(0, 0, { findings })] }).results.map(
        ({ partialFingerprints }) => partialFingerprints.primaryLocationLineHash,
      );
    const before = prints(twice);
    expect(new Set(before).size).toBe(2);
    expect(before[0]).toMatch(/^[0-9a-f]{16}:1$/);
    expect(before[1]).toBe(before[0]?.replace(/1$/, '2'));
    expect(prints(twice.map((each) => ({ ...each, where: { ...each.where, offset: 7, address: '0x1' } })))).toEqual(
      before,
    );
    expect(prints([{ ...inCode, where: { ...inCode.where, symbol: 'g' } }])[0]).not.toBe(before[0]);
  });

  it('leaves out the least of more findings than GitHub takes, and says so', () => {
    const many = Array.from({ length: SARIF_LIMITS.results }, (_, i) => error({ severity: 'note', message: `${i}` }));
    const large = { ...matrix, cells: [cell(0, 0, { findings: [...many, error()] })] };
    const { results, invocations } = (JSON.parse(renderSarif(large, context)) as { runs: [Run] }).runs[0];
    expect(results.length).toBe(SARIF_LIMITS.results);
    expect(results[0]?.level).toBe('error');
    expect(invocations[0]?.toolExecutionNotifications?.[0]?.message.text).toMatch(/^1 findings are left out/);
  });

  it('tells how the check ended', () => {
    expect(runOf(matrix, { exitStatus: 1 }).invocations[0]?.exitCode).toBe(1);
  });

  it('makes no link and no control sequence of what a payload says', () => {
    const { results } = runOf(hostile);
    expect(results[0]?.message.text).toContain('\\[l\\](http');
    expect([...renderSarif(hostile, context)].filter((c) => (c < ' ' && c !== '\n') || c === '\x7f')).toEqual([]);
  });

  it('is the same for the same check', () => {
    expect(renderSarif(matrix, context)).toBe(renderSarif(structuredClone(matrix), context));
  });
});

describe('a path as a URI', () => {
  it.each([
    ['a/b.livepatch', 'a/b.livepatch'],
    ['./a//b', 'a/b'],
    ['../a', '../a'],
    ['/build/x/y', 'x/y'],
    ['/buildings/x', 'file:///buildings/x'],
    ['h\xc3\xa9 #1?.livepatch', 'h%C3%A9%20%231%3F.livepatch'],
    ['c:evil', 'c%3Aevil'],
    ['\u20ac', '%E2%82%AC'],
  ])('%s is %s', (path, uri) => {
    expect(uriOf(path, '/build')).toBe(uri);
  });

  it('is one, whatever bytes it has, and leads back to them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const path = `x${String.fromCharCode(...bytes)}`.replaceAll('/', 'y');
        const uri = uriOf(path, '/build');
        expect(uri).toMatch(/^(?:[\w\-.~]|%[0-9A-F]{2})+$/);
        const back = uri.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
        expect(back).toBe(path);
      }),
    );
    expect(uriOf(HOSTILE, '/build')).toMatch(/^[\w\-.~%/]+$/);
  });
});

describe('matrices of any size', () => {
  it('fit the schema', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    const finding = fc.record({
      rule: fc.stringMatching(/^[a-z]{1,8}(-[a-z]{1,8})?$/),
      severity: fc.constantFrom('error' as const, 'warning' as const, 'note' as const),
      message: text,
      where: fc.record(
        { section: text, offset: fc.integer(), symbol: text, address: fc.constant('0xffffffffffffffff') },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(fc.array(finding, { maxLength: 5 }), text, (findings, name) => {
        runOf({
          ...matrix,
          hypervisors: [xen('4.17.7', '3')],
          payloads: [payload(name)],
          cells: [cell(0, 0, { findings })],
        });
      }),
      { numRuns: 100 },
    );
  });
});
