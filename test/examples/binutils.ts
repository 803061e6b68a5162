/** What binutils say about a file of any architecture, as data. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBytes } from '../support/examples.ts';

const tool = (name: string, ...args: string[]): string =>
  execFileSync(name, args, { encoding: 'latin1', env: { ...process.env, LC_ALL: 'C' } });

/** Before the names of the tools that know a machine's instructions and files: by e_machine. */
const PREFIXES: ReadonlyMap<number, string> = new Map([
  [62, ''],
  [183, 'aarch64-linux-gnu-'],
  [40, 'arm-linux-gnueabihf-'],
]);

const E_MACHINE = 18;

/** `objdump` or `objcopy` for a file. */
function toolFor(name: string, path: string): string {
  const bytes = readBytes(path);
  const machine = new DataView(bytes.buffer).getUint16(E_MACHINE, true);
  const prefix = PREFIXES.get(machine);
  if (prefix === undefined) throw new Error(`${path}: no tools for machine ${machine}`);
  return prefix + name;
}

export interface Section {
  readonly name: string;
  readonly type: string;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly flags: string;
}

export interface ElfSymbol {
  readonly value: bigint;
  readonly size: number;
  readonly type: string;
  readonly bind: string;
  /** A section's index, `UND`, `ABS` or `COM`. */
  readonly index: string;
  readonly name: string;
  /** `FILE#name` for local symbols. */
  readonly qualified: string;
}

/** The committed files do not change while tests run: each is asked about once. */
function once<T>(ask: (path: string) => T): (path: string) => T {
  const answers = new Map<string, T>();
  return (path) => {
    const answer = answers.get(path) ?? ask(path);
    answers.set(path, answer);
    return answer;
  };
}

/** The build-id as `readelf -n` reads it. */
export const buildId = once((path) => /Build ID: ([0-9a-f]+)/.exec(tool('readelf', '-n', path))?.[1] ?? '');
export const sections = once(readSections);
export const symbols = once(readSymbols);

function readSections(path: string): Section[] {
  const row =
    /^\s*\[ *\d+\] (\S+)\s+(\S+)\s+([0-9a-f]{8,16}) ([0-9a-f]+) ([0-9a-f]+) [0-9a-f]{2} +([A-Z]*) +\d+ +\d+ +\d+$/;
  return tool('readelf', '-SW', path)
    .split('\n')
    .flatMap((line) => {
      const [, name, type, address, offset, size, flags] = row.exec(line) ?? [];
      if (name === undefined || type === undefined || flags === undefined) return [];
      const [at, length] = [Number.parseInt(`${offset}`, 16), Number.parseInt(`${size}`, 16)];
      return [{ name, type, address: BigInt(`0x${address}`), offset: at, size: length, flags }];
    });
}

function readSymbols(path: string): ElfSymbol[] {
  const row = /^ *\d+: ([0-9a-f]{8,16}) +(\d+|0x[0-9a-f]+) (\S+) +(\S+) +\S+ +(\S+) (\S+)$/;
  let file = '';
  return tool('readelf', '-sW', path)
    .split('\n')
    .flatMap((line) => {
      const [, value, size, type, bind, index, name] = row.exec(line) ?? [];
      if (name === undefined || type === undefined || bind === undefined || index === undefined) return [];
      if (type === 'FILE') file = name;
      const qualified = bind === 'LOCAL' && type !== 'FILE' ? `${file}#${name}` : name;
      return [{ value: BigInt(`0x${value}`), size: Number(size), type, bind, index, name, qualified }];
    });
}

/** Names of the relocation types in a file. */
export const relocationTypes = (path: string): Set<string> =>
  new Set(tool('readelf', '-rW', path).match(/\bR_(?:X86_64|AARCH64|ARM)_\w+/g) ?? []);

export const disassembly = (path: string, symbol: string): string =>
  tool(toolFor('objdump', path), '-d', '--no-show-raw-insn', `--disassemble=${symbol}`, path);

/** The contents of one section as objcopy extracts them. */
export function sectionBytes(path: string, name: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-section-'));
  try {
    tool(toolFor('objcopy', path), '-O', 'binary', `--only-section=${name}`, path, join(folder, 'out'));
    return readBytes(join(folder, 'out'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
