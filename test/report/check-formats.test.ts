import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { CheckMatrix } from '../../src/documents/index.ts';
import {
  PLAIN,
  type ReportContext,
  renderCheckJunit,
  renderGithub,
  renderMarkdown,
  renderMatrix,
  type Style,
} from '../../src/report/index.ts';
import { readXml } from '../support/xml.ts';
import { cell, error, hostile, matrix, payload, xen } from './check-fixtures.ts';

const context: ReportContext = {
  rules: [
    { id: 'odd-call', title: 'A call goes nowhere', severity: 'warning' },
    { id: 'quiet', title: 'Nothing is wrong here', severity: 'error' },
  ],
  cwd: '/build',
  version: '1.2.3',
  exitStatus: 1,
};

describe('a check as JUnit', () => {
  it('has a suite for each payload on each hypervisor, and a case for each rule', () => {
    const root = readXml(renderCheckJunit(matrix, context));
    const [first, second, third, fourth] = root.children;
    expect(root.children.map(({ attributes }) => attributes['name'])).toEqual([
      'hello.livepatch on Xen 4.17.7 11111111 xen-syms-4.17.7',
      'hello.livepatch on Xen 4.18.0 22222222 xen-syms-4.18.0',
      'live/stack.livepatch on Xen 4.17.7 11111111 xen-syms-4.17.7',
      'live/stack.livepatch on Xen 4.18.0 22222222 xen-syms-4.18.0',
    ]);
    const cases = (suite: typeof first): unknown[] =>
      (suite?.children ?? []).filter(({ name }) => name === 'testcase').map(({ attributes }) => attributes['name']);
    expect(cases(first)).toEqual(['odd-call', 'quiet']);
    expect(cases(second)).toEqual(['odd-call', 'quiet', 'wrong-xen']);
    expect(cases(third)).toEqual(['odd-call', 'quiet', 'assumed']);
    expect(cases(fourth)).toEqual(['odd-call', 'quiet', 'unsafe']);
    expect(second?.attributes).toMatchObject({ tests: '3', failures: '1' });
    expect(first?.attributes).toMatchObject({ tests: '2', failures: '0' });
  });

  it('fails where a rule finds an error, with the rule as its type; a warning is output', () => {
    const [first, second] = readXml(renderCheckJunit(matrix, context)).children;
    const failures = (second?.children ?? [])
      .flatMap(({ children }) => children)
      .filter(({ name }) => name === 'failure');
    expect(failures.map(({ attributes }) => attributes)).toEqual([
      { message: 'depends on another build', type: 'wrong-xen' },
    ]);
    const odd = first?.children.find(({ attributes }) => attributes['name'] === 'odd-call');
    expect(odd?.children.map(({ name }) => name)).toEqual(['system-out']);
    expect(odd?.children[0]?.text).toContain('callq printk');
  });

  it('has a case even where no rule was run', () => {
    const one = { ...matrix, payloads: [payload('x')], hypervisors: [xen('4.17.7', '1')], cells: [cell(0, 0)] };
    const [suite] = readXml(renderCheckJunit(one, { ...context, rules: [] })).children;
    expect(suite?.attributes).toMatchObject({ tests: '1', failures: '0' });
  });

  it('is well-formed, whatever names a payload has', () => {
    const [suite] = readXml(renderCheckJunit(hostile, context)).children;
    expect(suite?.attributes).toMatchObject({ tests: '3', failures: '1' });
  });
});

describe('a check as lines for GitHub', () => {
  it('has a command for each finding, worst first, and the sum', () => {
    expect(renderGithub(matrix).split('\n')).toEqual([
      '::error file=hello.livepatch,title=wrong-xen::depends on another build (on Xen 4.18.0 (22222222))%0Ahello.livepatch:.livepatch.xen_depends+0x10',
      '::error file=live/stack.livepatch,title=unsafe::the payload would crash or damage the host (on Xen 4.18.0 (22222222))%0Alive/stack.livepatch',
      '::warning file=arch/x86/f.c,line=12,col=3,title=odd-call::calls what is not there (on all hypervisors)%0Ahello.livepatch:.text.f+0x5 (f) at 0xffff82d0405b0005',
      '::notice file=live/stack.livepatch,title=assumed::depends on another build (on Xen 4.17.7 (11111111))',
      '2 payloads on 2 hypervisors: 2 of 4 accepted',
      '',
    ]);
  });

  it('gives a payload no line, no command and no property of its own', () => {
    const lines = renderGithub(hostile).split('\n');
    expect(lines.length).toBe(3);
    expect(lines.filter((line) => line.startsWith('::'))).toHaveLength(1);
    const [, properties = ''] = /^::error ([^:]*)::/.exec(lines[0] ?? '') ?? [];
    expect(properties.split(',').map((pair) => pair.split('=', 1)[0])).toEqual(['file', 'line', 'title']);
    // A per cent sign of the payload's is one, and begins no escape.
    expect(lines[0]).toContain('%250A');
  });
});

describe('a check as Markdown', () => {
  it('has a row for each payload and a column for each hypervisor', () => {
    const lines = renderMarkdown(matrix).split('\n');
    expect(lines[0]).toBe('### xsplice check: does not hold');
    const table = lines.filter((line) => line.startsWith('|'));
    expect(table).toHaveLength(4);
    expect(table.map((line) => line.split('|').length)).toEqual([5, 5, 5, 5]);
    expect(table[2]).toContain('✅ accepted ◆ | ❌ refused EINVAL |');
    expect(table[3]).toContain('💥 unsafe');
  });

  it('tells of every cell that there is something to say of', () => {
    const text = renderMarkdown(matrix);
    expect(text.match(/<details>/g)).toHaveLength(4);
    expect(text.match(/<\/details>/g)).toHaveLength(4);
    expect(text).toContain('>  +0x4  e8 00 00 00 00  callq printk');
  });

  it('holds nothing of a payload’s that Markdown, HTML or GitHub acts upon', () => {
    const text = renderMarkdown(hostile);
    // Blocks of code show what is in them; the fence is one that they do not hold.
    const fence = /^(`{3,})text\n[\s\S]*?\n\1$/gm;
    expect(text.match(fence)).toHaveLength(2);
    const outside = text.replace(fence, '');
    for (const active of ['<script', '</failure', '[l]', 'http:', '@user', ' #1', '`c`', '::error', '\x1b']) {
      expect(outside, active).not.toContain(active);
    }
    const rows = outside.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.map((line) => line.split('|').length)).toEqual([4, 4, 4]);
  });

  it('is not longer than a comment may be, and says what it leaves out', () => {
    const findings = Array.from({ length: 50 }, () => error({ message: 'm'.repeat(100) }));
    const payloads = Array.from({ length: 100 }, (_, i) => payload(`p${i}.livepatch`));
    const many: CheckMatrix = {
      ...matrix,
      payloads,
      cells: payloads.flatMap((_, p) =>
        [0, 1].map((x) => cell(p, x, { verdict: 'refused', errno: 'EINVAL', findings })),
      ),
    };
    const text = renderMarkdown(many);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/\n1\d\d cells more: `xsplice check --format text` shows them\.\n$/);
    const huge = { ...many, payloads: payloads.map(() => payload('n'.repeat(2000))) };
    expect(renderMarkdown(huge)).toContain('too large for a comment');
  });
});

describe('a matrix as text', () => {
  it('puts hypervisors that do not fit beside each other below each other', () => {
    const hypervisors = Array.from({ length: 10 }, (_, i) => xen(`4.${i}.0`, String(i)));
    const cells = hypervisors.map((_, x) => cell(0, x));
    const text = renderMatrix({ ...matrix, hypervisors, payloads: [payload('hello.livepatch')], cells }, PLAIN);
    const lines = text.split('\n');
    expect(lines.filter((line) => line.startsWith('payload '))).toHaveLength(3);
    expect(
      lines
        .filter((line) => line.startsWith('hello.livepatch'))
        .join(' ')
        .match(/accepted/g),
    ).toHaveLength(10);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(PLAIN.width);
  });

  it('says once what is the same on several hypervisors', () => {
    const findings = [error()];
    const refused = { verdict: 'refused', errno: 'EINVAL', findings } as const;
    const text = renderMatrix(
      { ...matrix, cells: [cell(0, 0, refused), cell(0, 1, refused), cell(1, 0), cell(1, 1)] },
      PLAIN,
    );
    expect(text.match(/error\[wrong-xen\]/g)).toHaveLength(1);
    expect(text).toContain('hello.livepatch on Xen 4.17.7 (11111111), Xen 4.18.0 (22222222): refused EINVAL');
  });

  it('marks the bytes that are meant, on a terminal too', () => {
    const red = (text: string): string => `\x1b[31m${text}\x1b[39m`;
    const coloured: Style = { ...PLAIN, red };
    const lines = renderMatrix(matrix, coloured).split('\n');
    const at = lines.findIndex((line) => line.includes('callq printk'));
    expect(lines[at]).toContain(red('00 00 00 00'));
    expect(stripVTControlCharacters(lines[at + 1] ?? '').trim()).toBe('^^ ^^ ^^ ^^');
    expect(stripVTControlCharacters(lines[at + 1] ?? '').indexOf('^^')).toBe(
      stripVTControlCharacters(lines[at] ?? '').indexOf('00'),
    );
  });

  it('has no control sequence of a payload’s', () => {
    expect(renderMatrix(hostile, PLAIN)).not.toContain('\x1b');
  });
});
