import type { HostPanic } from '../../xen/index.ts';

/** The row above and below the message. Source: drivers/char/console.c, panic(). */
const STARS = /^\*{40}$/;
const PANIC = /^Panic on CPU \d+:$/;
/** First line of the state of a CPU. Source: arch/x86/traps.c, print_xen_info(). */
const BANNER = /^----\[ Xen-/;
/** What may stand above the banner and belongs to the panic. Source: arch/x86/traps.c, do_invalid_op(); cpu double fault. */
const ABOVE_BANNER = /^(?:Xen BUG at |Assertion '|\*\*\* DOUBLE FAULT \*\*\*)/;
/** A warning has a banner, too, and nobody dies of it. */
const WARNING = /^Xen WARN at /;
const ERROR_CODE = /^\[error_code=([0-9a-f]+)\]$/;
const ADDRESS = /^Faulting linear address: ([0-9a-f]+)$/;
const DOM0 = /^Hardware Dom0 /;

/** A panic, and the lines before it that are not part of its screen. */
export interface ParsedPanic {
  readonly panic: HostPanic;
  readonly before: readonly string[];
}

/** Reads the end of a host from the lines that it printed last; `otherwise` is the message where there is no screen. */
export function parsePanic(lines: readonly string[], otherwise: string): ParsedPanic {
  const title = lines.findIndex((line) => PANIC.test(line));
  if (title === -1) return withoutBox(lines, otherwise);
  const box = lines.slice(title + 1);
  const end = box.findIndex((line) => STARS.test(line));
  const inside = end === -1 ? box : box.slice(0, end);
  const start = screenStart(lines, title);
  return {
    before: lines.slice(0, start),
    panic: {
      message: inside.filter((line) => !ERROR_CODE.test(line) && !ADDRESS.test(line)).join('\n'),
      errorCode: numberIn(inside, ERROR_CODE),
      address: addressIn(inside),
      screen: lines.slice(start),
    },
  };
}

/** A dom0 that went down, a crash inside of the crash, or a reset: no box of asterisks. */
function withoutBox(lines: readonly string[], otherwise: string): ParsedPanic {
  const from = lines.findIndex((line) => DOM0.test(line) || ABOVE_BANNER.test(line) || BANNER.test(line));
  const start = from === -1 ? lines.length : from;
  const first = lines[start];
  const message = first === undefined || BANNER.test(first) ? otherwise : first;
  const screen = lines.slice(start);
  return { before: lines.slice(0, start), panic: { message, errorCode: null, address: null, screen } };
}

/** Where the screen begins whose box has its title in line `title`. */
function screenStart(lines: readonly string[], title: number): number {
  let box = title;
  if (STARS.test(lines[box - 1] ?? '')) box--;
  if (lines[box - 1] === '') box--;
  for (let i = box; i >= 0; i--) {
    if (!BANNER.test(lines[i] ?? '')) continue;
    const above = lines[i - 1] ?? '';
    if (WARNING.test(above)) break;
    return ABOVE_BANNER.test(above) ? i - 1 : i;
  }
  return box;
}

function numberIn(lines: readonly string[], pattern: RegExp): number | null {
  for (const line of lines) {
    const digits = pattern.exec(line)?.[1];
    if (digits !== undefined) return Number.parseInt(digits, 16);
  }
  return null;
}

function addressIn(lines: readonly string[]): bigint | null {
  for (const line of lines) {
    const digits = ADDRESS.exec(line)?.[1];
    if (digits !== undefined) return BigInt(`0x${digits}`);
  }
  return null;
}
