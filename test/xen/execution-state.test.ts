import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { addOffset, ensure, viewOf } from '../../src/base/index.ts';
import {
  type ExecutionState,
  executionState,
  openSymbolTable,
  type Release,
  releaseByVersion,
  type SymbolTable,
  stackBounds,
  symbolText,
} from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { parseScreen, screenLines, wordMemory } from './screen.ts';
import { bytesOf, Image } from './xen-syms-image.ts';

const SCREENS = new URL('../hypervisor/recorded-screens/', import.meta.url);
const release = (version: string): Release => releaseByVersion(version)?.release as Release;

let image: Image;
let table: SymbolTable;
let text: { start: bigint; end: bigint };

beforeAll(() => {
  image = new Image(debianXen().xenSyms);
  table = openSymbolTable(bytesOf(image));
  text = { start: image.address('_stext'), end: image.address('_etext') };
});

const isText = (address: bigint): boolean => address >= text.start && address < text.end;

/** symbols_lookup: finds nothing outside the text. */
function named(address: bigint, withOffset: boolean): string | undefined {
  const found = isText(address) ? table.symbolAt(address) : undefined;
  if (found === undefined) return undefined;
  return symbolText({ name: found.name, offset: found.at, size: ensure(found.size, 'in the text') }, withOffset);
}

const recorded = (name: string): string[] => screenLines(readFileSync(new URL(name, SCREENS), 'latin1'));

/** Parses the state from a screen of Debian's 4.17.7. */
function stateOf(lines: readonly string[]): ExecutionState & { wordsKnown: boolean } {
  const screen = parseScreen(lines);
  const row = release('4.17.7');
  const rsp = screen.register('rsp');
  const { dump } = stackBounds(rsp, row, false);
  const words = [...screen.words];
  const wordsKnown = addOffset(rsp, words.length * 8 - 8) === dump;
  if (!wordsKnown) {
    // The screen shows twenty lines of the stack. Beyond them, only return addresses in the trace are known.
    const traced = lines
      .filter((line) => line.includes('] S '))
      .map((line) => BigInt(`0x${/<(\w+)>/.exec(line)?.[1]}`));
    words.push(0n, ...traced.slice(words.filter(isText).length));
    while (addOffset(rsp, words.length * 8 - 8) < dump) words.push(0n);
  }
  const stack = wordMemory(rsp, words);
  const read = (address: bigint, length: number): Uint8Array | undefined => {
    const bytes = stack(address, length) ?? image.at(address, length);
    return bytes.length === length ? bytes : undefined;
  };
  return {
    ...screen,
    release: row,
    build: { debug: false, framePointer: false },
    tainted: 'Not tainted',
    read,
    symbolText: named,
    isText,
    wordsKnown,
  };
}

const screens = readdirSync(SCREENS).filter((name) => name.endsWith('.txt'));

describe('a real 4.17.7 and we', () => {
  it.each(screens)('print the same for %s', (name) => {
    const lines = recorded(name);
    expect(executionState(stateOf(lines)).lines).toEqual(lines);
    expect(lines.length).toBeGreaterThan(30);
  });

  it('includes completely shown stacks', () => {
    const whole = screens.filter((name) => stateOf(recorded(name)).wordsKnown);
    expect(whole.length).toBeGreaterThan(1);
  });
});

describe('posted screens', () => {
  // From messages on the xen-devel list. The 4.12 screen is from the weeks after it, before 4.13.
  const posted = new URL('posted-screens/', import.meta.url);

  it.each(readdirSync(posted))('are reproduced: %s', (name) => {
    const lines = screenLines(readFileSync(new URL(name, posted), 'latin1'));
    const screen = parseScreen(lines);
    const debug = lines[0]?.includes('debug=y') ?? false;
    const rip = screen.register('rip');
    const stack = wordMemory(screen.register('rsp'), screen.words);
    const { lines: ours } = executionState({
      ...screen,
      release: release(name.replace('.txt', '')),
      build: { debug, framePointer: debug },
      tainted: 'Not tainted',
      read: (address, length) => {
        const from = Number(address - rip) + 8;
        return stack(address, length) ?? (from >= 0 ? screen.code.subarray(from, from + length) : undefined);
      },
      symbolText: (address) => screen.names.get(address),
      isText: (address) => screen.names.has(address),
    });
    expect(ours).toEqual(lines);
    expect(lines.length).toBeGreaterThan(30);
  });
});

describe('other releases', () => {
  /** A state of zeros, changed by `change`. */
  const on = (version: string, change: Partial<ExecutionState> = {}): readonly string[] =>
    executionState({ ...stateOf(recorded('null-load-hook.txt')), release: release(version), version, ...change }).lines;

  it('have banners of their own', () => {
    const build = { debug: true, framePointer: true };
    expect(on('4.14.6')[0]).toBe('----[ Xen-4.14.6  x86_64  debug=n   Not tainted ]----');
    expect(on('4.15.0')[0]).toBe('----[ Xen-4.15.0  x86_64  debug=n  Not tainted ]----');
    expect(on('4.13.0', { build: { ...build, coverage: 'gcov' } })[0]).toBe(
      '----[ Xen-4.13.0  x86_64  debug=y gcov=y  Not tainted ]----',
    );
    // As printed by a 4.20.0 with that configuration.
    expect(on('4.20.0', { build: { ...build, ubsan: true }, tainted: 'Tainted:     H ' })[0]).toBe(
      '----[ Xen-4.20.0  x86_64  debug=y ubsan=y  Tainted:     H  ]----',
    );
  });

  it('have call traces without letters', () => {
    expect(on('4.12.4')).toContain('   [<ffff82d040221cb5>] common/livepatch.c#apply_payload+0x65/0x1d0');
    expect(on('4.13.0')).toContain('   [<ffff82d040221cb5>] S common/livepatch.c#apply_payload+0x65/0x1d0');
  });

  it('have last-branch records', () => {
    const ler = { from: 0x0fff_82d0_4022_1cb5n, to: 5n };
    expect(on('4.11.0', { ler })).toContain('ler: 0fff82d040221cb5 -> 0000000000000005');
    const lines = on('4.17.7', { ler });
    const at = lines.indexOf('ler: from 0fff82d040221cb5 [common/livepatch.c#apply_payload+0x65/0x1d0]');
    expect(lines[at + 1]).toBe('       to 0000000000000005 [0000000000000005]');
  });
});

describe('with frame pointers', () => {
  const top = 0xffff_8300_1ffd_8000n;

  /** Makes a stack with these words below cpu_info, and rbp. */
  function trace(version: string, words: readonly bigint[], rbp: number): string[] {
    const state = stateOf(recorded('funcs-not-alloc.txt'));
    const rsp = top - 0x200n;
    const registers: Record<string, bigint> = { rsp, rbp: rbp < 0 ? ~(rsp + BigInt(-rbp)) : rsp + BigInt(rbp) };
    const read = (address: bigint, length: number): Uint8Array | undefined => {
      const word = words[Number(address - rsp) / 8];
      if (word === undefined && address >= rsp && address < top) return new Uint8Array(length);
      if (word === undefined) return state.read(address, length);
      const bytes = new Uint8Array(8);
      viewOf(bytes).setBigUint64(0, word, true);
      return bytes.subarray(0, length);
    };
    const { lines } = executionState({
      ...state,
      release: release(version),
      build: { debug: true, framePointer: true },
      register: (name) => BigInt.asUintN(64, registers[name] ?? state.register(name)),
      read,
    });
    return lines.slice(lines.indexOf('Xen call trace:') + 1);
  }

  const code = 0xffff_82d0_4022_1cb5n;
  const other = 0xffff_82d0_4022_3143n;

  it('follows frames up to the first that is not above the last', () => {
    const rsp = top - 0x200n;
    expect(trace('4.17.7', [0n, 7n, rsp + 48n, code, 0n, 0n, 0n, other], 16)).toEqual([
      '   [<ffff82d04022209f>] R common/livepatch.c#prepare_payload+0x10f/0x8c0',
      '   [<ffff82d040221cb5>] F common/livepatch.c#apply_payload+0x65/0x1d0',
      '   [<ffff82d040223143>] F check_for_livepatch_work+0x793/0xa00',
      '',
    ]);
  });

  it('recognises exception frames', () => {
    const words: bigint[] = new Array(32).fill(0n);
    words[2 + 12] = code;
    expect(trace('4.17.7', words, -16)).toEqual([
      '   [<ffff82d04022209f>] R common/livepatch.c#prepare_payload+0x10f/0x8c0',
      '   [<ffff82d040221cb5>] F common/livepatch.c#apply_payload+0x65/0x1d0',
      '',
    ]);
  });

  it('shows a return address without a frame', () => {
    const line = '   [<ffff82d040223143>] S check_for_livepatch_work+0x793/0xa00';
    expect(trace('4.17.7', [other], 0x1000)).toContain(line);
    // Up to 4.12 only if RIP does not look like code.
    expect(trace('4.12.4', [other], 0x1000)).toEqual([
      '   [<ffff82d04022209f>] common/livepatch.c#prepare_payload+0x10f/0x8c0',
      '',
    ]);
  });
});

describe('a stack that cannot be read', () => {
  it('ends the screen where Xen faults', () => {
    const state = stateOf(recorded('funcs-not-alloc.txt'));
    const rsp = state.register('rsp');
    const screen = executionState({
      ...state,
      read: (address, length) =>
        address >= rsp + 32n && address < rsp + 0x1000n ? undefined : state.read(address, length),
    });
    expect(screen.fault).toBe(rsp + 32n);
    expect(screen.lines.at(-1)).toMatch(/^ {3}([0-9a-f]{16} ?){4}$/);
  });

  it('is empty outside the hypervisor', () => {
    const state = stateOf(recorded('funcs-not-alloc.txt'));
    const rsp = 0xffff_8300_1ffd_5f00n;
    const { lines } = executionState({
      ...state,
      register: (name) => (name === 'rsp' ? rsp : state.register(name)),
      read: (address, length) =>
        address >= rsp - 64n && address < rsp + 64n ? undefined : state.read(address, length),
    });
    const at = lines.indexOf('Xen call trace:');
    expect(lines.slice(at - 1)).toEqual([
      '  Stack empty.',
      'Xen call trace:',
      '   [<ffff82d04022209f>] R common/livepatch.c#prepare_payload+0x10f/0x8c0',
      '   [Fault on access]',
    ]);
  });
});
