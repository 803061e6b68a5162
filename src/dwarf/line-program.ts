import { distance } from '../base/index.ts';
import * as dw from './constants.ts';
import { Cursor } from './cursor.ts';
import { type LineHeader, readOldFile } from './line-header.ts';
import { type LineSequence, LineTable } from './line-table.ts';

/** The rows of the current sequence. */
interface Row {
  readonly offset: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
}

/** Runs a line program (DWARF 5, 6.2.5) to its end, or to the first damage. */
export function runLineProgram(header: LineHeader, bytes: Uint8Array): LineTable {
  const machine = new LineMachine(header);
  const cursor = new Cursor(bytes, header.start, header.end);
  while (!cursor.done) machine.step(cursor);
  return machine.table();
}

/** The state machine of 6.2.2, without unused registers. */
class LineMachine {
  readonly #header: LineHeader;
  readonly #sequences: LineSequence[] = [];
  readonly #rows: Row[] = [];
  #current: Row[] = [];
  /** The address is `base + offset`; the base is the first address that a sequence sets. */
  #base = 0n;
  #based = false;
  #offset = 0;
  #file = 1;
  #line = 1;
  #column = 0;

  constructor(header: LineHeader) {
    this.#header = header;
  }

  step(cursor: Cursor): void {
    const { minInstLength, lineBase, lineRange, opcodeBase, operands } = this.#header;
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      this.#offset += Math.floor(adjusted / lineRange) * minInstLength;
      this.#line += lineBase + (adjusted % lineRange);
      this.#emit();
      return;
    }
    switch (opcode) {
      case 0:
        this.#extended(cursor);
        return;
      case dw.DW_LNS_copy:
        this.#emit();
        return;
      case dw.DW_LNS_advance_pc:
        this.#offset += cursor.uleb() * minInstLength;
        return;
      case dw.DW_LNS_advance_line:
        this.#line += cursor.sleb();
        return;
      case dw.DW_LNS_set_file:
        this.#file = cursor.uleb();
        return;
      case dw.DW_LNS_set_column:
        this.#column = cursor.uleb();
        return;
      case dw.DW_LNS_const_add_pc:
        this.#offset += Math.floor((255 - opcodeBase) / lineRange) * minInstLength;
        return;
      case dw.DW_LNS_fixed_advance_pc:
        this.#offset += cursor.u16();
        return;
      default:
        for (let i = operands[opcode] as number; i > 0; i--) cursor.uleb();
    }
  }

  #extended(cursor: Cursor): void {
    const length = cursor.uleb();
    const end = cursor.at + length;
    switch (cursor.u8()) {
      case dw.DW_LNE_end_sequence:
        this.#endSequence();
        break;
      case dw.DW_LNE_set_address:
        this.#setAddress(cursor.address(length === 5 ? 4 : this.#header.addressSize));
        break;
      case dw.DW_LNE_define_file:
        this.#header.files.push(readOldFile(cursor, cursor.text()));
        break;
      default:
    }
    if (length > 0) cursor.skip(Math.max(0, end - cursor.at));
  }

  #setAddress(address: bigint): void {
    if (!this.#based) {
      this.#base = address;
      this.#based = true;
      this.#offset = 0;
    } else this.#offset = distance(this.#base, address) ?? this.#offset;
  }

  #emit(): void {
    this.#current.push({ offset: this.#offset, file: this.#file, line: this.#line, column: this.#column });
  }

  #endSequence(): void {
    const rows = this.#current;
    let sorted = true;
    for (let i = 1; i < rows.length && sorted; i++) sorted = (rows[i] as Row).offset >= (rows[i - 1] as Row).offset;
    // Addresses only increase (6.2.2); sort those of a damaged file, because look-ups use binary search.
    if (!sorted) rows.sort((a, b) => a.offset - b.offset);
    const from = this.#rows.length;
    for (const row of rows) this.#rows.push(row);
    const skipped = rows[0]?.offset ?? 0;
    if (this.#offset > skipped) {
      this.#sequences.push({ low: this.#base, size: this.#offset, from, to: this.#rows.length });
    }
    this.#current = [];
    this.#base = 0n;
    this.#based = false;
    this.#offset = 0;
    this.#file = 1;
    this.#line = 1;
    this.#column = 0;
  }

  table(): LineTable {
    const rows = this.#rows;
    return new LineTable(this.#header, this.#sequences, {
      offsets: Float64Array.from(rows, ({ offset }) => offset),
      files: Uint32Array.from(rows, ({ file }) => file),
      lines: Uint32Array.from(rows, ({ line }) => line),
      columns: Uint32Array.from(rows, ({ column }) => column),
    });
  }
}
