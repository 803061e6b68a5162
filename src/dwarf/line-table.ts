import { type Address, distance } from '../base/index.ts';
import type { LineHeader } from './line-header.ts';

/** A place in the source. */
export interface SourcePlace {
  /** The path in the line table: the directory, unless it is the compilation directory, and the name. */
  readonly file: string;
  readonly line: number;
  /** Absent if the table has none. */
  readonly column?: number;
}

/** Rows of consecutive addresses; the last one only marks the end of the code. */
export interface LineSequence {
  readonly low: Address;
  /** Size of the code in bytes. */
  readonly size: number;
  /** Range of rows in the columns; the end is exclusive. */
  readonly from: number;
  readonly to: number;
}

/** The columns of a line table; offsets are in bytes from the start of the row's sequence. */
export interface LineRows {
  readonly offsets: Float64Array;
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
}

/** Joins a directory and a path, unless the path is absolute. */
export const joinPath = (directory: string, path: string): string =>
  directory === '' || path.startsWith('/') ? path : directory.endsWith('/') ? directory + path : `${directory}/${path}`;

/** The line table of one unit. */
export class LineTable {
  readonly header: LineHeader;
  /** By address. */
  readonly sequences: readonly LineSequence[];
  readonly rows: LineRows;

  /** `sequences` may be in any order; the rows of each must be sorted by offset. */
  constructor(header: LineHeader, sequences: readonly LineSequence[], rows: LineRows) {
    this.header = header;
    this.sequences = [...sequences].sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : a.from - b.from));
    this.rows = rows;
  }

  /** Returns the path of a file by its number, as in {@link SourcePlace}; `undefined` if the table lacks it. */
  path(file: number): string | undefined {
    const row = this.header.files[file];
    if (row === undefined || row.name === '') return undefined;
    // Row 0 is the compilation directory, to which all paths are relative.
    return row.directory === 0 ? row.name : joinPath(this.header.directories[row.directory] ?? '', row.name);
  }

  /** Returns the row that covers an address; `undefined` outside all sequences. */
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

  /** Returns the source of the code at an address; `undefined` if unknown, and for line 0. */
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
