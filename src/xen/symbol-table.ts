import { type Address, addOffset, distance, fromWords } from '../base/index.ts';

/**
 * Xen's own symbol table, read the way the hypervisor reads it: names compressed with a table of 256 tokens, ordered by address.
 * Sources:
 * xen/common/symbols.c and xen/tools/symbols.c, 4.11 … 4.22.
 *
 * Nothing is decoded in advance: a lookup by name expands only what its binary search probes, about 13 names.
 */

/** The table's arrays, as bytes: the image's memory from each symbol on. All little-endian. */
export interface SymbolTableBytes {
  /** Entries in the address table: `symbols_num_syms`, since 4.21 `symbols_num_addrs`. */
  readonly count: number;
  /** `symbols_names`: for each symbol a length, and that many token numbers. */
  readonly names: Uint8Array;
  /** `symbols_markers`, u32: start of every 256th symbol in `names`. */
  readonly markers: DataView;
  /** `symbols_token_table`: 256 C strings. */
  readonly tokenTable: Uint8Array;
  /** `symbols_token_index`, u16: start of each token. */
  readonly tokenIndex: DataView;
  /** x86: `symbols_offsets`, u32 from SYMBOLS_ORIGIN (`symbolsOrigin`). Arm: `symbols_addresses`, pointers. */
  readonly addresses:
    | { readonly kind: 'offsets'; readonly view: DataView; readonly origin: Address }
    | { readonly kind: 'pointers'; readonly view: DataView; readonly pointerSize: 4 | 8 };
  /** With CONFIG_FAST_SYMBOL_LOOKUP, the default in builds with live patches. */
  readonly sorted?: SortedSymbols;
}

/** `symbols_sorted_offsets`: the symbols by name. */
export interface SortedSymbols {
  /** Per symbol a u32 offset in `names` and a u32 index in the address table. */
  readonly view: DataView;
  /** `symbols_num_syms`, since 4.21 `symbols_num_names`. */
  readonly count: number;
}

/** A decoded symbol. */
export interface XenSymbol {
  /** Static symbols are `FILE#symbol`. */
  readonly name: string;
  /** The letter of nm(1): lower case for static symbols. */
  readonly type: string;
  /** Bytes from `SymbolTable.base`. */
  readonly offset: number;
}

/** The symbol at an address. */
export interface SymbolAt extends XenSymbol {
  /** Bytes from the symbol's start. */
  readonly at: number;
  /** Bytes to the next symbol, or to the symbol's own end if the table has it; `undefined` for the last one. */
  readonly size: number | undefined;
}

export interface SymbolTable {
  /** Entries in the address table. Since 4.21 this includes nameless END entries. */
  readonly count: number;
  /** Base of all offsets. */
  readonly base: Address;
  /** Lookups by name are binary searches. */
  readonly fast: boolean;
  /**
   * symbols_lookup_by_name: returns the symbol's offset from `base`, or `undefined`. Never finds the empty name. Without the sorted
   * table, the first match in address order wins.
   */
  offsetOf(name: string): number | undefined;
  /** Returns the absolute address. */
  addressOf(name: string): Address | undefined;
  /**
   * symbols_lookup: returns the first of the symbols at the greatest address not above this one; `undefined` below the first symbol.
   * Xen calls it only for addresses in its text; this does not check.
   */
  symbolAt(address: Address): SymbolAt | undefined;
  /** Returns entry `index` in address order; `undefined` for END entries, a corrupt table, or past the end. */
  symbol(index: number): XenSymbol | undefined;
  /** Iterates over all symbols in address order. */
  symbols(): IterableIterator<XenSymbol>;
}

/** Longest name to expand, in characters; Xen's buffer takes 127. Bounds the work on corrupt tables. */
const MAX_NAME = 1024;

/** Opens a table without decoding any symbol. */
export function openSymbolTable(bytes: SymbolTableBytes): SymbolTable {
  const { names } = bytes;
  const tokens = tokenReader(bytes);
  const offsets = offsetReader(bytes);
  const count = Math.max(0, Math.min(bytes.count, offsets.capacity));
  const sorted = bytes.sorted;
  const sortedCount = sorted === undefined ? 0 : Math.min(sorted.count, Math.floor(sorted.view.byteLength / 8));

  /** Returns the start of entry `index` in `names`: at most 255 lengths after its marker. Source: get_symbol_offset. */
  const streamOf = (index: number): number => {
    const marker = (index >> 8) * 4;
    if (marker + 4 > bytes.markers.byteLength) return names.length;
    let at = bytes.markers.getUint32(marker, true);
    for (let i = index & 0xff; i > 0; i--) at += (names[at] ?? 0) + 1;
    return at;
  };

  const symbolIn = (stream: number, index: number): XenSymbol | undefined => {
    const text = tokens.expand(stream);
    return text === '' ? undefined : { name: text.slice(1), type: text.slice(0, 1), offset: offsets.at(index) };
  };

  const lookupSorted = (name: string, table: SortedSymbols): number | undefined => {
    let low = 0;
    let high = sortedCount;
    while (low < high) {
      const mid = low + ((high - low) >>> 1);
      const order = tokens.compare(name, table.view.getUint32(mid * 8, true));
      if (order < 0) high = mid;
      else if (order > 0) low = mid + 1;
      else {
        const index = table.view.getUint32(mid * 8 + 4, true);
        return index < count ? offsets.at(index) : undefined;
      }
    }
    return undefined;
  };

  const lookupLinear = (name: string): number | undefined => {
    for (let index = 0, stream = 0; index < count && stream < names.length; index++) {
      const length = names[stream] as number;
      if (length !== 0 && tokens.compare(name, stream) === 0) return offsets.at(index);
      stream += length + 1;
    }
    return undefined;
  };

  const offsetOf = (name: string): number | undefined => {
    if (name === '') return undefined;
    return sorted === undefined ? lookupLinear(name) : lookupSorted(name, sorted);
  };

  const symbolAt = (address: Address): SymbolAt | undefined => {
    const target = address < offsets.base ? undefined : distance(offsets.base, address);
    if (target === undefined || count === 0 || target < offsets.at(0)) return undefined;
    let low = 0;
    for (let high = count; high - low > 1; ) {
      const mid = (low + high) >>> 1;
      if (offsets.at(mid) <= target) low = mid;
      else high = mid;
    }
    let end: number | undefined;
    // An END entry (d301d718a4, 4.21) ends the symbol before it.
    if (low > 0 && names[streamOf(low)] === 0) {
      end = offsets.at(low);
      low--;
    }
    while (low > 0 && offsets.at(low - 1) === offsets.at(low)) low--;
    const found = symbolIn(streamOf(low), low);
    if (found === undefined) return undefined;
    for (let next = low + 1; end === undefined && next < count; next++) {
      if (offsets.at(next) > found.offset) end = offsets.at(next);
    }
    return { ...found, at: target - found.offset, size: end === undefined ? undefined : end - found.offset };
  };

  return {
    count,
    base: offsets.base,
    fast: sorted !== undefined,
    offsetOf,
    addressOf: (name) => {
      const offset = offsetOf(name);
      return offset === undefined ? undefined : addOffset(offsets.base, offset);
    },
    symbolAt,
    symbol: (index) => (index >= 0 && index < count ? symbolIn(streamOf(index), index) : undefined),
    *symbols() {
      for (let index = 0, stream = 0; index < count && stream < names.length; index++) {
        const symbol = symbolIn(stream, index);
        if (symbol !== undefined) yield symbol;
        stream += (names[stream] as number) + 1;
      }
    },
  };
}

/** Expands names, and compares without expanding. Source: symbols_expand_symbol. */
function tokenReader({ names, tokenTable, tokenIndex }: SymbolTableBytes) {
  const starts = new Uint16Array(256);
  const known = Math.min(256, Math.floor(tokenIndex.byteLength / 2));
  for (let token = 0; token < known; token++) starts[token] = tokenIndex.getUint16(token * 2, true);

  /** Returns type letter and name at `stream`; empty for END entries and outside the table. */
  const expand = (stream: number): string => {
    let text = '';
    const end = Math.min(stream + 1 + (names[stream] ?? 0), names.length);
    for (let at = stream + 1; at < end && text.length <= MAX_NAME; at++) {
      for (let t = starts[names[at] as number] as number; t < tokenTable.length && text.length <= MAX_NAME; t++) {
        const character = tokenTable[t] as number;
        if (character === 0) break;
        text += String.fromCharCode(character);
      }
    }
    return text;
  };

  /** Compares like strcmp with the name at `stream`, without its type letter. */
  const compare = (name: string, stream: number): number => {
    // Starts at -1, because the first character is the type.
    let position = -1;
    const end = Math.min(stream + 1 + (names[stream] ?? 0), names.length);
    for (let at = stream + 1; at < end; at++) {
      for (let t = starts[names[at] as number] as number; t < tokenTable.length; t++) {
        const character = tokenTable[t] as number;
        if (character === 0) break;
        if (position >= 0) {
          if (position >= name.length) return -1;
          const order = name.charCodeAt(position) - character;
          if (order !== 0) return order;
        }
        position++;
      }
    }
    return position < name.length ? 1 : 0;
  };

  return { expand, compare };
}

/** Reads addresses as numbers, relative to the table's base. */
function offsetReader({ addresses }: SymbolTableBytes) {
  const { view } = addresses;
  if (addresses.kind === 'offsets') {
    const at = (index: number): number => view.getUint32(index * 4, true);
    return { base: addresses.origin, capacity: Math.floor(view.byteLength / 4), at };
  }
  if (addresses.pointerSize === 4) {
    const at = (index: number): number => view.getUint32(index * 4, true);
    return { base: 0n, capacity: Math.floor(view.byteLength / 4), at };
  }
  const capacity = Math.floor(view.byteLength / 8);
  // Relative to the first pointer: on some machines, absolute addresses exceed a number.
  const low = capacity > 0 ? view.getUint32(0, true) : 0;
  const high = capacity > 0 ? view.getUint32(4, true) : 0;
  const at = (index: number): number =>
    (view.getUint32(index * 8 + 4, true) - high) * 2 ** 32 + view.getUint32(index * 8, true) - low;
  return { base: fromWords(low, high), capacity, at };
}
