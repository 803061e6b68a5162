import { addOffset, ensure, fromHex, viewOf } from '../../src/base/index.ts';

/** A parsed screen: the visible part of the state. */
export interface Screen {
  /** After `Xen-`. */
  readonly version: string;
  readonly cpu: number;
  readonly vcpu: string | undefined;
  readonly register: (name: string) => bigint;
  /** Words of the stack, from rsp on. */
  readonly words: readonly bigint[];
  /** Bytes around RIP, eight of them before it; none if unreadable. */
  readonly code: Uint8Array;
  /** Names of addresses on the screen. */
  readonly names: ReadonlyMap<bigint, string>;
}

/** Returns the output of show_execution_state: from the banner to the empty line after the call trace. */
export function screenLines(output: string): string[] {
  const lines = output.split('\n');
  const from = lines.findIndex((line) => line.startsWith('----['));
  const trace = lines.indexOf('Xen call trace:', from);
  return lines.slice(from, lines.indexOf('', trace) + 1);
}

/** Reads a screen. */
export function parseScreen(lines: readonly string[]): Screen {
  const screen = lines.join('\n');
  const registers = new Map<string, bigint>();
  for (const [, name = '', value] of screen.matchAll(/\b([a-z][a-z0-9]{1,2}): +([0-9a-f]{16}|[0-9a-f]{4})\b/g)) {
    registers.set(name, BigInt(`0x${value}`));
  }
  const one = (pattern: RegExp): string => ensure(pattern.exec(screen)?.[1], `${pattern} is on the screen`);
  registers.set('rip', BigInt(`0x${one(/^RIP: +\w+:\[<(\w+)>/m)}`));
  registers.set('rflags', BigInt(`0x${one(/^RFLAGS: (\w+)/m)}`));
  const stack = lines.findIndex((line) => line.startsWith('Xen stack'));
  const dump = lines.slice(stack + 1, lines.indexOf('Xen call trace:'));
  const names = [...screen.matchAll(/\[<([0-9a-f]{16})>\] (?:[RFS] )?(\S+\+\S+)/g)];
  return {
    version: one(/^----\[ Xen-(\S+)/m),
    cpu: Number(one(/^CPU: +(\d+)/m)),
    vcpu: /CONTEXT: hypervisor \((\w+)\)/.exec(screen)?.[1],
    register: (name) => ensure(registers.get(name), `${name} is on the screen`),
    words: dump.flatMap((line) => line.trim().split(' ')).map((word) => BigInt(`0x${word}`)),
    code: fromHex((lines[stack - 1] as string).replace(/[<>]/g, '')) ?? new Uint8Array(0),
    names: new Map(names.map(([, address, name]) => [BigInt(`0x${address}`), name as string])),
  };
}

/** Memory of 8-byte words from `start` on; `undefined` outside. */
export function wordMemory(
  start: bigint,
  words: readonly bigint[],
): (address: bigint, length: number) => Uint8Array | undefined {
  const bytes = new Uint8Array(words.length * 8);
  words.forEach((word, i) => {
    viewOf(bytes).setBigUint64(i * 8, word, true);
  });
  const end = addOffset(start, bytes.length);
  return (address, length) => {
    if (address < start || addOffset(address, length) > end) return undefined;
    const offset = Number(address - start);
    return bytes.subarray(offset, offset + length);
  };
}
