import type { Disassembler } from '../arch/index.ts';
import { hex } from '../base/index.ts';
import type { CodeLine, HexAddress } from '../documents/index.ts';

/** One decoded instruction; its offset is in bytes from the start of the window. */
export interface WindowInstruction {
  readonly offset: number;
  readonly size: number;
  readonly text: string;
}

/** Code that starts at an instruction, with a place in it. */
export interface CodeWindow {
  /** The code, up to {@link BEHIND} bytes past the place. */
  readonly bytes: Uint8Array;
  /** The place, in bytes from the window's start. */
  readonly at: number;
  /** Number of bytes to mark; `undefined` for the instruction at the place. */
  readonly length: number | undefined;
  /** Converts an offset in the window to the offset or address of a line in the document. */
  readonly place: (offset: number) => { readonly offset: number } | { readonly address: HexAddress };
  /** Decodes `bytes`. */
  readonly decode: (disassembler: Disassembler) => readonly WindowInstruction[];
}

/** Number of instructions to show before and after the marked ones. */
const AROUND = 3;

/** Size of the longest instruction of any architecture, in bytes. Source: Intel SDM, volume 2A, section 2.3.11. */
const LONGEST = 15;

/** Maximum number of marked bytes: a trampoline, or the NOPs of a small function. */
const MAX_MARKED = 64;

/** Bytes that a window needs after a place: the marked ones, the rest of their instruction, and those that follow. */
export const BEHIND = MAX_MARKED + (AROUND + 1) * LONGEST;

/** Bytes per line without a disassembler. */
const HEX_LINE = 8;

/** Returns the lines around the place of a window: instructions, or only bytes without a disassembler. */
export function codeLines(window: CodeWindow, disassembler: Disassembler | null): CodeLine[] {
  const marked = window.length === 0 ? undefined : window.length;
  const length = Math.min(marked ?? 1, MAX_MARKED);
  const rows = disassembler === null ? [] : window.decode(disassembler);
  if (rows.length === 0) return byteLines(window, length);
  const containing = rows.findIndex(({ offset, size }) => offset + size > window.at);
  if (containing < 0) return byteLines(window, length);
  const first = rows[containing] as WindowInstruction;
  const end = marked === undefined ? first.offset + first.size : window.at + length;
  const after = rows.findIndex(({ offset }) => offset >= end);
  const shown = rows.slice(Math.max(containing - AROUND, 0), (after < 0 ? rows.length : after) + AROUND);
  return shown.map(({ offset, size, text }) => line(window, offset, size, text, end));
}

function byteLines(window: CodeWindow, length: number): CodeLine[] {
  const end = window.at + length;
  const start = Math.max(window.at - 2 * HEX_LINE, 0);
  const stop = Math.min(end + 2 * HEX_LINE, window.bytes.length);
  const lines: CodeLine[] = [];
  for (let offset = start; offset < stop; offset += HEX_LINE) {
    lines.push(line(window, offset, Math.min(HEX_LINE, stop - offset), null, end));
  }
  return lines;
}

function line(window: CodeWindow, offset: number, size: number, text: string | null, end: number): CodeLine {
  const from = Math.max(window.at - offset, 0);
  const to = Math.min(end - offset, size);
  return {
    ...window.place(offset),
    bytes: hex(window.bytes.subarray(offset, offset + size)),
    text,
    marked: from < to ? { from, to } : null,
  };
}
