import { type Address, distance } from '../base/index.ts';
import type { LineHeader } from './line-header.ts';

/** A place in the source. */
export interface SourcePlace {
  /** The path as in the line table: a directory that is not that of the compilation, and the name. */
  readonly file: string;
  readonly line: number;
  /** Left out where the table has none. */
  readonly column?: number;
}

/** Rows of consecutive addresses; the last one only says where the code ends. */
export interface LineSequence {
  readonly low: Address;
  /** Bytes of code. */
  readonly size: number;
  /** Rows of the columns: the first, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** The columns of a line table; offsets are bytes from the start of the row's sequence. */
export interface LineRows {
  readonly offsets: Float64Array;
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
}

/** A path that is relative to `directory`, as it is seen from there. */
export const joinPath = (directory: string, path: string): string =>
  directory === '' || path.startsWith('/') ? path : directory.endsWith('/') ? directory + path : `${directory}/${path}`;

/** The line table of one unit. */
export class LineTable {
  readonly header: LineHeader;
  /** By address. */
  readonly sequences: readonly LineSequence[];
  readonly rows: LineRows;

  /** `sequences` in any order, each with its rows in ascending order of offsets. */
  constructor(header: LineHeader, sequences: readonly LineSequence[], rows: LineRows) {
    this.header = header;
    this.sequences = [...sequences].sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : a.from - b.from));
    this.rows = rows;
  }

  /** The path of a file by its number, as in {@link SourcePlace}; `undefined` for a number that is not in the table. */
  path(file: number): string | undefined {
    const row = this.header.files[file];
    if (row === undefined || row.name === '') return undefined;
    // Row 0 is the compilation's own directory, to which all paths are relative.
    return row.directory === 0 ? row.name : joinPath(this.header.directories[row.directory] ?? '', row.name);
  }

  /** The row in force at an address; `undefined` outside of all sequences. */
  rowAt(address: Address): number | undefined {
    const sequence = this.#sequenceAt(address);
    if (sequence === undefined) return undefined;
    const offset = Number(address - sequence.low);
    let low = sequence.from;
    let high = sequence.to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.rows.offsets[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === sequence.from ? undefined : low - 1;
  }

  /** Where the code at an address is from; `undefined` where the table does not say, and for line 0. */
  sourceAt(address: Address): SourcePlace | undefined {
    const row = this.rowAt(address);
    if (row === undefined) return undefined;
    const file = this.path(this.rows.files[row] as number);
    const line = this.rows.lines[row] as number;
    const column = this.rows.columns[row] as number;
    if (file === undefined || line === 0) return undefined;
    return column === 0 ? { file, line } : { file, line, column };
  }

  #sequenceAt(address: Address): LineSequence | undefined {
    let low = 0;
    let high = this.sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sequences[middle] as LineSequence).low <= address) low = middle + 1;
      else high = middle;
    }
    const sequence = this.sequences[low - 1];
    if (sequence === undefined) return undefined;
    const offset = distance(sequence.low, address);
    return offset !== undefined && offset < sequence.size ? sequence : undefined;
  }
}
