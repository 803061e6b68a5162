import { describe, expect, it } from 'vitest';
import type { RehearsalReport } from '../../src/documents/index.ts';
import type { Style } from '../../src/report/index.ts';
import {
  PLAIN,
  renderCheck,
  renderFindingsOneLine,
  renderInspect,
  renderMatrix,
  renderRehearsal,
  renderReleases,
} from '../../src/report/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { matrix } from './check-fixtures.ts';
import { testText } from './coloured.ts';
import { checked, inspected, panicked, passed, refused, stopped } from './fixtures.ts';

const GOLDEN: readonly [name: string, render: (style: Style) => string][] = [
  ['rehearsal-passed', (style) => renderRehearsal(passed, style)],
  ['rehearsal-refused', (style) => renderRehearsal(refused, style)],
  ['rehearsal-stopped', (style) => renderRehearsal(stopped, style)],
  ['rehearsal-panicked', (style) => renderRehearsal(panicked, style)],
  ['check', (style) => renderCheck(checked, style)],
  ['check-matrix', (style) => renderMatrix(matrix, style)],
  ['inspect', (style) => renderInspect(inspected, style)],
  ['releases', (style) => renderReleases(RELEASES, style)],
];

describe.each(GOLDEN)('%s as text', (name, render) => {
  testText(name, render);
});

describe('a rehearsal as text', () => {
  it('says plainly that a hook was not run, and does not say that it passed', () => {
    const text = renderRehearsal(stopped, PLAIN);
    expect(text).toContain('note: stopped here: the hook check_host would run now');
    expect(text).toMatch(/^ STOP +apply +hello +CHECKED$/m);
    expect(text).toMatch(/^FAILED apply of hello: not carried out/m);
    expect(text).not.toContain('PASSED');
  });

  it('prints the panic screen line by line', () => {
    const lines = renderRehearsal(panicked, PLAIN).split('\n');
    for (const line of panicked.panic?.screen ?? []) expect(lines).toContain(`| ${line}`.trimEnd());
  });

  it('keeps lines of steps and functions within the width, however long the names', () => {
    const name = 'a/very/long/path/to/some/file.c#and_a_function_name_that_never_ends_'.repeat(4);
    const long: RehearsalReport = {
      ...passed,
      steps: passed.steps.map((step) => ({ ...step, name, console: [] })),
      functions: passed.functions.map((row) => ({ ...row, name })),
    };
    for (const width of [100, 110, 120]) {
      const lines = renderRehearsal(long, { ...PLAIN, width }).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  it('shows no control character of a hostile name', () => {
    const name = '\x1b]0;owned\x07\x9b2J\r\n\xe2\x80\xae';
    const text = renderRehearsal(
      {
        ...panicked,
        steps: panicked.steps.map((step) => ({ ...step, name, console: [name], note: name })),
        functions: panicked.functions.map((row) => ({ ...row, name })),
        panic: { message: name, errorCode: null, address: null, screen: [name] },
        findings: [{ rule: 'x', severity: 'error', message: name, where: { file: name, section: name, symbol: name } }],
      },
      PLAIN,
    );
    expect(text).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
  });
});

describe('findings one per line', () => {
  it('put the place first, as compilers do', () => {
    expect(renderFindingsOneLine(refused.findings)).toBe(
      'hello.livepatch:.livepatch.xen_depends+0x10: error[xen-build-id] the payload is for another hypervisor: ' +
        '.livepatch.xen_depends is 00112233, this one is 151b373f\n',
    );
    expect(renderFindingsOneLine([{ rule: 'r', severity: 'note', message: 'm', where: {} }])).toBe('note[r] m\n');
  });
});
