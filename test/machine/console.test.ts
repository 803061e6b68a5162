import { describe, expect, it } from 'vitest';
import { Clock, Console, type Level, LOG_ALL, parseLogLevel, thresholdsFor } from '../../src/machine/index.ts';

function make(loglvl?: string, defaultLevel: Level = 'WARNING', lineLimit?: number) {
  const clock = new Clock();
  const thresholds = loglvl === undefined ? thresholdsFor(defaultLevel) : (parseLogLevel(loglvl) ?? LOG_ALL);
  const options = lineLimit === undefined ? {} : { lineLimit };
  return { clock, console: new Console(clock, { thresholds, defaultLevel, ...options }) };
}

const ALL: Level[] = ['ERR', 'WARNING', 'INFO', 'DEBUG'];

describe('levels', () => {
  it.each([
    ['none', []],
    ['error', ['ERR']],
    ['warning', ['ERR', 'WARNING']],
    ['info', ['ERR', 'WARNING', 'INFO']],
    ['debug', ALL],
    ['all', ALL],
  ] as [string, Level[]][])('loglvl=%s', (loglvl, shown) => {
    const { console } = make(loglvl);
    for (const level of ALL) console.printk(level, level);
    expect(console.take()).toEqual(shown);
    expect(console.lines.map((line) => line.text)).toEqual(ALL);
  });

  it('of a release build by default', () => {
    const old = make(undefined, 'WARNING').console;
    const recent = make(undefined, 'INFO').console;
    for (const console of [old, recent]) {
      console.printk('INFO', 'Applying 1 functions');
      console.printk('DEFAULT', 'plain');
    }
    expect(old.take()).toEqual(['plain']);
    expect(recent.take()).toEqual(['Applying 1 functions', 'plain']);
    expect([old.lines[1]?.level, recent.lines[1]?.level]).toEqual(['WARNING', 'INFO']);
  });

  it('are parsed as on the command line', () => {
    expect(parseLogLevel('error/all')).toEqual({ lower: 1, upper: 4 });
    expect(parseLogLevel('all/error')).toEqual({ lower: 4, upper: 4 });
    expect(parseLogLevel('/info')).toEqual({ lower: 2, upper: 3 });
    for (const wrong of ['loud', 'all ', 'info/', 'errors', 'error/all/']) {
      // An empty second word selects Xen's fallback.
      expect(parseLogLevel(wrong)).toEqual(wrong === 'info/' ? { lower: 3, upper: 3 } : undefined);
    }
  });

  it('do not hide anything in a panic', () => {
    const { console } = make('none');
    console.startSync();
    console.printk('DEBUG', 'shown');
    console.endSync();
    console.printk('ERR', 'hidden');
    expect(console.take()).toEqual(['shown']);
  });
});

describe('lines', () => {
  it('are split at newlines, the rest at the default level', () => {
    const { console } = make('error', 'WARNING');
    console.printk('ERR', 'livepatch: a\nb: Unknown symbol: x');
    expect(console.take()).toEqual(['livepatch: a']);
    console.thresholds = LOG_ALL;
    console.printk('INFO', 'livepatch: a\nb');
    expect(console.lines.slice(-2).map((line) => [line.level, line.text])).toEqual([
      ['INFO', 'livepatch: a'],
      ['WARNING', 'b'],
    ]);
  });

  it('take level prefixes from their text, several of them too', () => {
    const { console } = make('error');
    console.printk('ERR', 'x\n<0>y\n<3><0>z\n<0><3>hidden\n<0>');
    expect(console.take()).toEqual(['x', 'y', 'z', '']);
    console.printk('ERR', '<2>lowered');
    console.print('<0 >not a prefix\n<0');
    console.print('>\n');
    expect(console.take()).toEqual([]);
    expect(console.lines.at(-1)?.text).toBe('<0>');
  });

  it('may be continued, separately for each CPU', () => {
    const { console } = make('error');
    console.print('<0>one ');
    console.print('<0>other\n', 1);
    console.print('<3>two');
    expect(console.openLine()).toBe('one <3>two');
    expect(console.take()).toEqual(['other']);
    console.print('\n');
    expect(console.take()).toEqual(['one <3>two']);
    expect(console.openLine()).toBeUndefined();
    console.print('<3>hidden');
    console.printk('ERR', ' still hidden');
    expect(console.take()).toEqual([]);
  });

  it('longer than the buffer lose their newline', () => {
    const { console } = make('all');
    console.printk('INFO', 'm'.repeat(2000));
    expect(console.take()).toEqual([]);
    console.printk('ERR', 'next');
    expect(console.take()).toEqual([`${'m'.repeat(1020)}<0>next`]);
  });

  it('end at a NUL', () => {
    const { console } = make('all');
    console.print('<0>a\0b\n');
    console.print('\n');
    expect(console.take()).toEqual(['a']);
  });

  it('never grow without bound', () => {
    const { console } = make('all', 'WARNING', 100);
    for (let i = 0; i < 1000; i++) console.print('x'.repeat(1000));
    expect((console.openLine() ?? '').length).toBeLessThan(20_000);
    console.print('\n');
    for (let i = 0; i < 1000; i++) console.printk('ERR', `${i}`);
    expect(console.lines.length).toBeLessThan(120);
    expect(console.dropped + console.lines.length).toBe(1001);
    expect(console.lines.at(-1)?.text).toBe('999');
    expect(console.since(0).length).toBe(console.lines.length);
  });

  it('have their start time, and can be listed from a mark', () => {
    const { clock, console } = make('error');
    clock.advance(30);
    console.printk('ERR', 'a');
    const mark = console.mark();
    clock.advance(5);
    console.printk('INFO', 'b');
    console.printk('ERR', 'c');
    expect(console.lines.map((line) => line.time)).toEqual([30, 35, 35]);
    expect(console.since(mark)).toEqual(['c']);
    expect(console.take()).toEqual(['a', 'c']);
    expect(console.take()).toEqual([]);
  });
});

describe('rate limit', () => {
  it('applies between the two thresholds: ten at once, then one every five seconds', () => {
    const { clock, console } = make('error/all');
    for (let i = 0; i < 13; i++) console.printk('INFO', `i${i}`);
    console.printk('ERR', 'e');
    expect(console.take()).toEqual([...Array.from({ length: 10 }, (_, i) => `i${i}`), 'e']);
    clock.advance(5_000_000_000);
    console.printk('INFO', 'later');
    console.printk('INFO', 'lost');
    expect(console.take()).toEqual(['printk: 3 messages suppressed.', 'later']);
  });
});
