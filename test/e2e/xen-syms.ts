/** A `xen-syms` of any architecture as binutils see it: what the tests expect comes from here, not from our own reading. */
import { execFileSync } from 'node:child_process';

const tool = (name: string, args: readonly string[]): string =>
  execFileSync(name, args, { encoding: 'latin1', maxBuffer: 64 << 20, env: { ...process.env, LC_ALL: 'C' } });

export interface XenSymbol {
  readonly address: bigint;
  readonly size: number;
}

export class XenSyms {
  readonly path: string;
  readonly #symbols = new Map<string, XenSymbol>();

  constructor(path: string) {
    this.path = path;
    for (const line of tool('nm', ['-S', path]).split('\n')) {
      const [, address, size, name] = /^([0-9a-f]{8,16}) (?:([0-9a-f]{8,16}) )?\w (.+)$/.exec(line) ?? [];
      if (address === undefined || name === undefined) continue;
      this.#symbols.set(name, { address: BigInt(`0x${address}`), size: Number.parseInt(size ?? '0', 16) });
    }
  }

  symbol(name: string): XenSymbol {
    const found = this.#symbols.get(name);
    if (found === undefined) throw new Error(`nm knows no ${name}`);
    return found;
  }

  /** Hex digits, as `readelf -n` prints them. */
  get buildId(): string {
    const id = /Build ID: ([0-9a-f]{40})/.exec(tool('readelf', ['-n', this.path]))?.[1];
    if (id === undefined) throw new Error('no build-id');
    return id;
  }

  /** Bytes at an address, as objdump shows the file's contents. */
  bytes(address: bigint, length: number): string {
    const range = [`--start-address=${address}`, `--stop-address=${address + BigInt(length)}`];
    const lines = tool('objdump', ['-s', ...range, this.path]).matchAll(/^ [0-9a-f]{4,16} (.{35})/gm);
    return [...lines].map(([, words = '']) => words.replaceAll(' ', '')).join('');
  }
}

/** An address as documents have it. */
export const hexAddress = (address: bigint): string => `0x${address.toString(16)}`;

/** The five bytes of `jmp rel32` from one address to another. */
export function jump(from: bigint, to: bigint): string {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0xe9;
  bytes.writeInt32LE(Number(to - from - 5n), 1);
  return bytes.toString('hex');
}
