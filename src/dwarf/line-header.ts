import type { Budget } from './budget.ts';
import * as dw from './constants.ts';
import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import { blockLength, skipForm } from './forms.ts';

/** A file of a line table. */
export interface LineFile {
  readonly name: string;
  /** Index in {@link LineHeader.directories}. */
  readonly directory: number;
}

/** The header of a line program (DWARF 5, 6.2.4). */
export interface LineHeader {
  readonly version: number;
  readonly addressSize: 4 | 8;
  /** Size of the shortest instruction in bytes, the unit of address advances. */
  readonly minInstLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of operands of the standard opcodes, by opcode. */
  readonly operands: readonly number[];
  /** Row 0 is the compilation directory; before version 5, the table lacks it, and it is empty here. */
  readonly directories: readonly string[];
  /** By the program's file number; before version 5, these start at 1, and row 0 has no name. */
  readonly files: LineFile[];
  /** Start of the program in `.debug_line`. */
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the header at `offset` of `.debug_line`. Adds a problem and returns `undefined` if it is unreadable, or if the budget is spent.
 */
export function readLineHeader(
  context: Context,
  offset: number,
  unitAddressSize: 4 | 8,
  budget: Budget,
): LineHeader | undefined {
  const bytes = context.sections.get('.debug_line');
  const refuse = (message: string): undefined => void context.problems.add(message, '.debug_line', offset);
  const first = new Cursor(bytes, offset);
  const length = first.u32();
  if (length >= 0xffff_fff0) return refuse('64-bit DWARF is not supported');
  const end = first.at + length;
  if (first.overrun || end > bytes.length) return refuse('The line program is cut off');
  if (!budget.take(end - offset)) return refuse('Too many line programs overlap; skipped this one');
  const cursor = new Cursor(bytes, first.at, end);
  const version = cursor.u16();
  if (version < 2 || version > 5) return refuse(`Line programs of version ${version} are not supported`);
  const addressSize = version === 5 ? cursor.u8() : unitAddressSize;
  if (version === 5) cursor.skip(1);
  if (addressSize !== 4 && addressSize !== 8) return refuse(`Addresses of ${addressSize} bytes are not supported`);
  const headerLength = cursor.u32();
  const start = cursor.at + headerLength;
  const minInstLength = cursor.u8();
  const maxOps = version >= 4 ? cursor.u8() : 1;
  cursor.skip(1);
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  const operands = [0];
  for (let i = 1; i < opcodeBase; i++) operands.push(cursor.u8());
  if (cursor.overrun || start > end) return refuse('The header of the line program is cut off');
  if (lineRange === 0) return refuse('The line program has a line_range of 0');
  if (maxOps > 1) return refuse('Line programs for processors with long instruction words are not supported');
  const tables = version === 5 ? readTables(context, cursor) : readOldTables(cursor);
  if (tables === undefined || cursor.overrun) return refuse('The file table of the line program cannot be read');
  return { version, addressSize, minInstLength, lineBase, lineRange, opcodeBase, operands, ...tables, start, end };
}

type Tables = Pick<LineHeader, 'directories' | 'files'>;

/** Reads the tables of versions 2 to 4: two lists of texts, each terminated by an empty one. */
function readOldTables(cursor: Cursor): Tables {
  const directories = [''];
  while (!cursor.done) {
    const name = cursor.text();
    if (name === '') break;
    directories.push(name);
  }
  const files: LineFile[] = [];
  while (!cursor.done) {
    const name = cursor.text();
    if (name === '') break;
    files.push(readOldFile(cursor, name));
  }
  return { directories, files: [{ name: '', directory: 0 }, ...files] };
}

/** Reads what follows a file's name: directory, time, length. Also used for DW_LNE_define_file. */
export function readOldFile(cursor: Cursor, name: string): LineFile {
  const directory = cursor.uleb();
  cursor.uleb();
  cursor.uleb();
  return { name, directory };
}

/** Reads the tables of version 5, which describe the format of their rows. */
function readTables(context: Context, cursor: Cursor): Tables | undefined {
  const directories = readRows(context, cursor);
  const files = directories && readRows(context, cursor);
  return files && { directories: directories.map(({ name }) => name), files };
}

function readRows(context: Context, cursor: Cursor): LineFile[] | undefined {
  const columns: { content: number; form: number }[] = [];
  for (let count = cursor.u8(); count > 0; count--) columns.push({ content: cursor.uleb(), form: cursor.uleb() });
  const count = cursor.uleb();
  const rows: LineFile[] = [];
  for (let i = 0; i < count; i++) {
    const start = cursor.at;
    let name = '';
    let directory = 0;
    for (const { content, form } of columns) {
      if (content === dw.DW_LNCT_path) name = readPath(context, cursor, form) ?? '';
      else if (content === dw.DW_LNCT_directory_index) directory = readIndex(cursor, form) ?? 0;
      else if (!skipForm(cursor, form, 8)) return undefined;
    }
    // Rows without bytes could repeat forever.
    if (cursor.overrun || cursor.at === start) return undefined;
    rows.push({ name, directory });
  }
  return rows;
}

/** The forms of a path (DWARF 5, 6.2.4.1), except those of split DWARF. */
function readPath(context: Context, cursor: Cursor, form: number): string | undefined {
  if (form === dw.DW_FORM_string) return cursor.text();
  if (form === dw.DW_FORM_line_strp) return context.strings.text('.debug_line_str', cursor.u32());
  if (form === dw.DW_FORM_strp) return context.strings.text('.debug_str', cursor.u32());
  skipForm(cursor, form, 8);
  return undefined;
}

function readIndex(cursor: Cursor, form: number): number | undefined {
  if (form === dw.DW_FORM_data1) return cursor.u8();
  if (form === dw.DW_FORM_data2) return cursor.u16();
  if (form === dw.DW_FORM_udata) return cursor.uleb();
  if (form === dw.DW_FORM_block) cursor.skip(blockLength(cursor, form));
  else skipForm(cursor, form, 8);
  return undefined;
}
