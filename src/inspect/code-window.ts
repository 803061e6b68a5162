import type { Disassembler } from '../arch/index.ts';
import { hex } from '../base/index.ts';
import type { CodeLine, HexAddress } from '../documents/index.ts';

/** One decoded instruction, counted from the start of a window. */
export interface WindowInstruction {
  readonly offset: number;
  readonly size: number;
  readonly text: string;
}

/** Code from where an instruction is known to begin, with a place in it. */
export interface CodeWindow {
  /** The code; it goes on behind the place for {@link BEHIND} bytes where there are so many. */
  readonly bytes: Uint8Array;
  /** The place, in bytes from the window's start. */
  readonly at: number;
  /** Bytes that are meant; the instruction at the place where it is not known. */
  readonly length: number | undefined;
  /** How a line of the document tells where it is, from bytes of the window's start. */
  readonly place: (offset: number) => { readonly offset: number } | { readonly address: HexAddress };
  /** Takes `bytes` apart. */
  readonly decode: (disassembler: Disassembler) => readonly WindowInstruction[];
}

/** Instructions that are shown before what is meant, and behind it. */
const AROUND = 3;

/** No instruction of any architecture is longer. Source: Intel SDM, volume 2A, section 2.3.11. */
const LONGEST = 15;

/** Most bytes that can be meant: a trampoline, a NOP run of a small function. */
const MOST_MEANT = 64;

/** Bytes behind a place that a window needs: what is meant, to the end of its instruction, and those that follow. */
export const BEHIND = MOST_MEANT + (AROUND + 1) * LONGEST;

/** Bytes of a line, where there is nothing to take them apart. */
const HEX_LINE = 8;

/** The lines around the place of a window: instructions, or only bytes where there is no disassembler. */
export function codeLines(window: CodeWindow, disassembler: Disassembler | null): CodeLine[] {
  const meant = window.length === 0 ? undefined : window.length;
  const length = Math.min(meant ?? 1, MOST_MEANT);
  const rows = disassembler === null ? [] : window.decode(disassembler);
  if (rows.length === 0) return byteLines(window, length);
  const holding = rows.findIndex(({ offset, size }) => offset + size > window.at);
  if (holding < 0) return byteLines(window, length);
  const first = rows[holding] as WindowInstruction;
  const end = meant === undefined ? first.offset + first.size : window.at + length;
  const after = rows.findIndex(({ offset }) => offset >= end);
  const shown = rows.slice(Math.max(holding - AROUND, 0), (after < 0 ? rows.length : after) + AROUND);
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
