import type { Address } from '../base/index.ts';

/** A payload in the output of the console key `x`. */
export interface DumpedPayload {
  readonly name: string;
  /** `CHECKED`, `APPLIED` or `unknown`. */
  readonly state: string;
  /** First address of each kind of pages. */
  readonly text: Address;
  readonly rw: Address;
  readonly ro: Address;
  /** Pages of all three kinds. */
  readonly pages: number;
  readonly functions: readonly DumpedFunction[];
}

/** A function of a payload. Sizes are in bytes. */
export interface DumpedFunction {
  /** `null` for an entry without a name. */
  readonly name: string | null;
  readonly oldAddr: Address;
  readonly oldSize: number;
  readonly newAddr: Address;
  readonly newSize: number;
}

const PAYLOAD_LINE =
  /^ name=(.*) state=(\w+)\(\d+\) ([0-9a-f]+) \(\.data=([0-9a-f]+), \.rodata=([0-9a-f]+)\) using (\d+) pages\.$/s;
const FUNCTION_LINE = /^ {4}(.*) patch ((?:[0-9a-f]{8}){1,2})\((\d+)\) with ((?:[0-9a-f]{8}){1,2}) \((\d+)\)$/s;

/** More characters than a payload's or a function's line can have. */
const MAX_LINE = 1024;

/**
 * Parses the output of the console key `x`, and skips all other lines. A name may contain line breaks, at which the console divides its line.
 * Source: xen/common/livepatch.c, livepatch_printall.
 */
export function readDump(lines: readonly string[]): DumpedPayload[] {
  const payloads: (DumpedPayload & { readonly functions: DumpedFunction[] })[] = [];
  const take = (line: string): boolean => {
    const [, name = '', state = '', text, rw, ro, pages] = PAYLOAD_LINE.exec(line) ?? [];
    if (text !== undefined) {
      payloads.push({ name, state, text: at(text), rw: at(rw), ro: at(ro), pages: Number(pages), functions: [] });
      return true;
    }
    const [, symbol = '', oldAddr, oldSize, newAddr, newSize] = FUNCTION_LINE.exec(line) ?? [];
    if (oldAddr === undefined) return false;
    payloads.at(-1)?.functions.push({
      // printk prints a null pointer like this.
      name: symbol === '<NULL>' ? null : symbol,
      oldAddr: at(oldAddr),
      oldSize: Number(oldSize),
      newAddr: at(newAddr),
      newSize: Number(newSize),
    });
    return true;
  };
  let begun = '';
  for (const line of lines) {
    const joined = begun === '' ? line : `${begun}\n${line}`;
    if (take(line) || (begun !== '' && take(joined))) begun = '';
    else if (/^(?: name=| {4})/.test(line)) begun = line;
    else if (begun !== '') begun = joined.length > MAX_LINE ? '' : joined;
  }
  return payloads;
}

const at = (digits: string | undefined): Address => BigInt(`0x${digits ?? '0'}`);
