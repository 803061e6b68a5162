import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePanic } from '../../src/targets/qemu/panic-screen.ts';
import { SerialLog } from '../../src/targets/qemu/serial-log.ts';

interface Recorded {
  readonly cases: readonly {
    readonly name: string;
    readonly steps: readonly { readonly seen: Readonly<Record<string, unknown>> }[];
  }[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../real-xen/recordings/xen-4.17.7.json', import.meta.url), 'utf8'),
) as Recorded;

/** Last output of real hosts that died, by case: the lines before the screen, and the screen. */
const DEATHS = new Map(
  cases.flatMap(({ name, steps }) => {
    const last = steps.find(({ seen }) => seen['panic'] !== undefined)?.seen;
    return last === undefined
      ? []
      : [[name, { before: last['console'] as string[], screen: (last['screen'] ?? []) as string[] }] as const];
  }),
);

const linesOf = (name: string): string[] => {
  const { before = [], screen = [] } = DEATHS.get(name) ?? {};
  return [...before, ...screen];
};

const parsed = (name: string) => parsePanic(linesOf(name), 'without a word');

describe('the screens of real panics', () => {
  it('are separated from the lines before them', () => {
    expect(DEATHS.size).toBeGreaterThanOrEqual(40);
    for (const [name, recorded] of DEATHS) {
      const { before, panic } = parsed(name);
      expect({ before, screen: panic.screen }, name).toEqual(recorded);
      const bad = before.filter((line) => /^(----\[|RIP:|Xen call trace|Panic|Xen BUG|Assertion)/.test(line));
      expect(bad, name).toEqual([]);
      expect(panic.message, name).not.toMatch(/\n|^$|error_code|\*\*\*/);
    }
  });

  it.each([
    ['bug-bug', 'Xen BUG at my/payload.c:1234', null, null],
    ['bug-assert', "Assertion 'a == b' failed at my/payload.c:77", null, null],
    ['alt-feature-672', 'Xen BUG at arch/x86/alternative.c:260', null, null],
    ['nop-old-noncanonical', 'GENERAL PROTECTION FAULT', 0, null],
    ['hook-load-null', 'FATAL PAGE FAULT', 16, 0n],
    ['hook-preapply-writes-own-rodata', 'FATAL PAGE FAULT', 3, 0xffff_82d0_405b_1100n],
    ['hook-apply-inconsistent', "livepatch: partially applied payload 'p'!", null, null],
    ['nop-endbr-0', 'without a word', null, null],
  ] as const)('%s', (name, message, errorCode, address) => {
    expect(parsed(name).panic).toMatchObject({ message, errorCode, address });
  });

  it('begin with what caused them', () => {
    expect(parsed('bug-bug').panic.screen[0]).toBe('Xen BUG at my/payload.c:1234');
    expect(parsed('alt-feature-672').before).toEqual(['alt table ffff82d0405b10f8 -> ffff82d0405b1106']);
    expect(parsed('hook-load-null').panic.screen[0]).toMatch(/^----\[ Xen-4\.17\.7 /);
    expect(parsed('nop-endbr-0')).toMatchObject({ before: { length: 2 }, panic: { screen: [] } });
  });

  it('do not include warnings', () => {
    const lines = [
      'Xen WARN at a.c:1',
      '----[ Xen-4.17.7 ]----',
      'RIP: …',
      'a line',
      '',
      '*'.repeat(40),
      'Panic on CPU 1:',
    ];
    const { before, panic } = parsePanic([...lines, 'text', '*'.repeat(40)], '');
    expect(before).toEqual(lines.slice(0, 4));
    expect(panic).toMatchObject({ message: 'text', errorCode: null, address: null });
  });
});

describe('the serial line', () => {
  it('is assembled from pieces, and keeps only Xen’s lines', () => {
    const log = new SerialLog();
    for (const piece of ['(XE', 'N) one\r', '\nLinux says\r\n(XEN)', ' \r\n(XEN)\r\n(XEN) thr', 'ee']) log.feed(piece);
    expect(log.xen).toEqual(['one', '', '']);
    expect(log.tail).toEqual(['(XEN) one', 'Linux says', '(XEN) ', '(XEN)', '(XEN) three']);
    log.feed('\n');
    expect(log.xen.at(-1)).toBe('three');
  });

  it('returns lines that the ring did not, even if it lags behind', () => {
    const log = new SerialLog();
    log.feed('(XEN) 1\n(XEN) 2\n');
    log.skip(3);
    expect(log.xen).toEqual([]);
    log.feed('(XEN) 3\n(XEN) 4\n');
    expect(log.xen).toEqual(['4']);
  });

  it('notices the end', () => {
    const log = new SerialLog();
    log.feed('Reboot in five seconds...\n');
    expect(log.finished).toBeUndefined();
    log.feed('(XEN) Reboot in five seconds...\n');
    expect(log.finished).toBe('last words');
  });

  it('bounds what it keeps of endless output', () => {
    const log = new SerialLog();
    for (let i = 0; i < 300; i++) log.feed('(XEN) *** DOUBLE FAULT ***\n'.repeat(100));
    log.feed('x'.repeat(1 << 20));
    expect(log.finished).toBe('flood');
    expect(log.xen.length).toBeLessThanOrEqual(20_000);
    expect(log.tail.join('').length).toBeLessThan(10_000);
  });
});
