import { type Address, assert, ensure, fromLatin1, toNumber } from '../base/index.ts';
import type { SymbolTableBytes } from './symbol-table.ts';

/** A symbol to encode. */
export interface SymbolToEncode {
  readonly address: Address;
  /** Name in the table: `FILE#symbol` if static. Up to KSYM_NAME_LEN characters without NUL. */
  readonly name: string;
  /** The letter of nm(1). */
  readonly type: string;
  /** If the symbol ends before the next one starts, adds an END entry; 0 or absent adds none. Since 4.21. */
  readonly size?: number;
}

export interface EncodeSymbolsOptions {
  /** Base address for `symbols_offsets`; if absent, makes `symbols_addresses` of `pointerSize`. */
  readonly origin?: Address;
  readonly pointerSize?: 4 | 8;
  /** Makes `symbols_sorted_offsets`; the default. */
  readonly sorted?: boolean;
}

/**
 * Encodes a symbol table in the format that `openSymbolTable` reads and xen/tools/symbols.c writes. Tokens are single characters:
 * valid, but not compressed.
 */
export function encodeSymbolTable(
  symbols: readonly SymbolToEncode[],
  options: EncodeSymbolsOptions = {},
): SymbolTableBytes {
  const ordered = [...symbols].sort(byAddress);
  const entries = ordered.flatMap((symbol, index) => withEnd(symbol, ordered[index + 1]));
  const { names, markers, streams } = encodeNames(entries);
  const sorted = options.sorted === false ? undefined : encodeSorted(entries, streams);
  return {
    count: entries.length,
    names,
    markers,
    ...encodeTokens(),
    addresses: encodeAddresses(entries, options),
    ...(sorted === undefined ? {} : { sorted }),
  };
}

/** An entry of the address table. `text` is type and name; empty for END entries. */
interface Entry {
  readonly address: Address;
  readonly text: string;
}

/** Orders by address, global symbols first. Source: xen/tools/symbols.c, compare_value. */
function byAddress(a: SymbolToEncode, b: SymbolToEncode): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return Number(isLower(a.type)) - Number(isLower(b.type));
}

const isLower = (type: string): boolean => type !== type.toUpperCase();

/** Adds an END entry if needed. Source: xen/tools/symbols.c, want_symbol_end. */
function withEnd(symbol: SymbolToEncode, next: SymbolToEncode | undefined): readonly Entry[] {
  assert(symbol.type.length === 1 && !symbol.name.includes('\0'), `not a symbol: ${symbol.type} ${symbol.name}`);
  const entry: Entry = { address: symbol.address, text: symbol.type + symbol.name };
  const end = symbol.address + BigInt(symbol.size ?? 0);
  const wanted = end !== symbol.address && (next === undefined || end < next.address);
  return wanted ? [entry, { address: end, text: '' }] : [entry];
}

function encodeNames(entries: readonly Entry[]) {
  const streams: number[] = [];
  let size = 0;
  for (const { text } of entries) {
    assert(text.length <= 0xff, `symbol name is too long: ${text}`);
    streams.push(size);
    size += 1 + text.length;
  }
  const names = new Uint8Array(size);
  const markers = new DataView(new ArrayBuffer(Math.ceil(entries.length / 256) * 4));
  entries.forEach(({ text }, index) => {
    const stream = streams[index] as number;
    if (index % 256 === 0) markers.setUint32((index / 256) * 4, stream, true);
    names[stream] = text.length;
    names.set(fromLatin1(text), stream + 1);
  });
  return { names, markers, streams };
}

/** Makes token n the character n. Token 0 is empty. */
function encodeTokens(): Pick<SymbolTableBytes, 'tokenTable' | 'tokenIndex'> {
  const tokenTable = new Uint8Array(512);
  const tokenIndex = new DataView(new ArrayBuffer(512));
  for (let token = 0; token < 256; token++) {
    tokenTable[token * 2] = token;
    tokenIndex.setUint16(token * 2, token * 2, true);
  }
  return { tokenTable, tokenIndex };
}

function encodeAddresses(entries: readonly Entry[], options: EncodeSymbolsOptions): SymbolTableBytes['addresses'] {
  const { origin, pointerSize = 8 } = options;
  const width = origin === undefined ? pointerSize : 4;
  const view = new DataView(new ArrayBuffer(entries.length * width));
  entries.forEach(({ address }, index) => {
    if (width === 8) view.setBigUint64(index * 8, address, true);
    else {
      const offset = toNumber(address - (origin ?? 0n));
      assert(offset !== undefined && offset >= 0 && offset <= 0xffff_ffff, `symbol out of reach: ${address}`);
      view.setUint32(index * 4, offset, true);
    }
  });
  return origin === undefined ? { kind: 'pointers', view, pointerSize } : { kind: 'offsets', view, origin };
}

/** Orders by name, then by type. Source: xen/tools/symbols.c, compare_name_orig. */
function encodeSorted(entries: readonly Entry[], streams: readonly number[]) {
  const order = entries.flatMap(({ text }, index) => (text === '' ? [] : [{ text, index }]));
  const key = (text: string): string => text.slice(1) + text.slice(0, 1);
  order.sort((a, b) => {
    const [nameA, nameB] = [a.text.slice(1), b.text.slice(1)];
    if (nameA !== nameB) return nameA < nameB ? -1 : 1;
    return key(a.text) < key(b.text) ? -1 : Number(key(a.text) > key(b.text));
  });
  const view = new DataView(new ArrayBuffer(order.length * 8));
  order.forEach(({ index }, at) => {
    view.setUint32(at * 8, ensure(streams[index], 'every entry has a place in the stream'), true);
    view.setUint32(at * 8 + 4, index, true);
  });
  return { view, count: order.length };
}
