import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ensure, viewOf } from '../../src/base/index.ts';
import { releaseByVersion, type SymbolTableBytes, x86XenVirt } from '../../src/xen/index.ts';

/** Reads a xen-syms with binutils: bytes from a symbol to the end of its section. */
export class Image {
  readonly addresses = new Map<string, bigint>();
  readonly #sections: { start: bigint; bytes: Uint8Array }[] = [];

  constructor(path: string) {
    const run = (tool: string, args: string[]): string[] =>
      execFileSync(tool, args, { encoding: 'latin1', maxBuffer: 64 << 20 }).split('\n');
    const file = new Uint8Array(readFileSync(path));
    for (const line of run('readelf', ['-SW', path])) {
      const m = /\] \S+ +PROGBITS +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+) /.exec(line);
      if (m === null) continue;
      const start = BigInt(`0x${m[1]}`);
      const [offset, size] = [Number(`0x${m[2]}`), Number(`0x${m[3]}`)];
      if (start !== 0n) this.#sections.push({ start, bytes: file.subarray(offset, offset + size) });
    }
    for (const line of run('nm', [path])) {
      const m = /^([0-9a-f]+) \S (\S+)$/.exec(line);
      if (m !== null) this.addresses.set(m[2] as string, BigInt(`0x${m[1]}`));
    }
  }

  address(name: string): bigint {
    return ensure(this.addresses.get(name), `no symbol ${name}`);
  }

  bytes(name: string): Uint8Array {
    const address = this.address(name);
    const section = this.#sections.find((s) => address >= s.start && address < s.start + BigInt(s.bytes.length));
    return ensure(section, `${name} is not in the file`).bytes.subarray(Number(address - ensure(section, name).start));
  }

  /** Returns up to `length` bytes at an address; none if nothing is there. */
  at(address: bigint, length: number): Uint8Array {
    const section = this.#sections.find((s) => address >= s.start && address < s.start + BigInt(s.bytes.length));
    if (section === undefined) return new Uint8Array(0);
    const offset = Number(address - section.start);
    return section.bytes.subarray(offset, offset + length);
  }

  view(name: string): DataView {
    return viewOf(this.bytes(name));
  }
}

/** Debian's. */
export const { release: RELEASE } = ensure(releaseByVersion('4.17'), 'the table has 4.17');

/** Returns the arrays of the embedded symbol table. */
export function bytesOf(image: Image): SymbolTableBytes {
  const count = image.view('symbols_num_syms').getUint32(0, true);
  const origin = x86XenVirt(RELEASE).start;
  return {
    count,
    names: image.bytes('symbols_names'),
    markers: image.view('symbols_markers'),
    tokenTable: image.bytes('symbols_token_table'),
    tokenIndex: image.view('symbols_token_index'),
    addresses: { kind: 'offsets', view: image.view('symbols_offsets'), origin },
    sorted: { view: image.view('symbols_sorted_offsets'), count },
  };
}
