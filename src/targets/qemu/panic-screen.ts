import type { HostPanic } from '../../xen/index.ts';

/** The row above and below the message. Source: drivers/char/console.c, panic(). */
const STARS = /^\*{40}$/;
const PANIC = /^Panic on CPU \d+:$/;
/** First line of a CPU's state. Source: arch/x86/traps.c and arch/arm/traps.c, print_xen_info(). */
const BANNER = /^----\[ Xen-/;
/** A warning also has a banner, but is not fatal. */
const WARNING = /^Xen WARN at /;
const DOM0 = /^Hardware Dom0 /;

/** Lines above the banner that belong to the panic. */
const ABOVE_BANNER: readonly RegExp[] = [
  // arch/x86/traps.c, do_invalid_op(); cpu double fault; arch/arm/traps.c, do_bug_frame().
  /^(?:Xen BUG at |Assertion '|\*\*\* DOUBLE FAULT \*\*\*)/,
  // arch/arm/traps.c, do_unexpected_trap().
  /^CPU\d+: Unexpected Trap: /,
  // arch/arm/traps.c, do_trap_hyp_sync(), do_trap_stage2_abort and the like.
  /^(?:Data Abort Trap|Instruction Abort Trap|Hypervisor Trap)\. /,
  // arch/arm/mm.c, dump_hyp_walk() and dump_pt_walk().
  /^(?:Walking Hypervisor VA 0x|(?:0TH|1ST|2ND|3RD)\[0x|Failed TTBR0 maddr lookup)/,
];

const belongsAbove = (line: string): boolean => ABOVE_BANNER.some((pattern) => pattern.test(line));

/** How to find the page fault in a screen. */
interface FaultForm {
  /** Matches the message of such screens. */
  readonly message: RegExp;
  readonly errorCode: RegExp;
  /** Bits that describe the instruction and not the fault. */
  readonly instruction: number;
  readonly address: RegExp;
  /** Do only screens of this form have an address? */
  readonly addressed?: true;
}

/**
 * Bits 24 to 14 of a data abort's syndrome: register, direction and width of the access, where valid.
 * Source: Arm Architecture Reference Manual, ESR_EL2, ISS of a data abort.
 */
const ARM_INSTRUCTION = 0x01ff_c000;
/** IL, bit 25: a 32-bit instruction, as all of Xen's are. 32-bit processors set it only if the syndrome is valid. */
const ARM32_INSTRUCTION = ARM_INSTRUCTION | 0x0200_0000;

/** arch/arm/traps.c, show_registers(). */
const ESR_EL2 = /^ +ESR_EL2: ([0-9a-f]+)$/;
const FAR_EL2 = /^ +FAR_EL2: ([0-9a-f]+)$/;
const HDFAR = /^ +HDFAR: ([0-9a-f]+)$/;
const HIFAR = /^ +HIFAR: ([0-9a-f]+)$/;

const DATA_ABORT = /: Unexpected Trap: Data Abort$/;

/** The first match wins: x86 by its words, arm64 and arm32 by their registers. */
const FAULTS: readonly FaultForm[] = [
  // arch/x86/traps.c, fatal_trap() and do_page_fault().
  {
    message: /./,
    errorCode: /^\[error_code=([0-9a-f]+)\]$/,
    instruction: 0,
    address: /^Faulting linear address: ([0-9a-f]+)$/,
  },
  { message: DATA_ABORT, errorCode: ESR_EL2, instruction: ARM_INSTRUCTION, address: FAR_EL2, addressed: true },
  { message: DATA_ABORT, errorCode: ESR_EL2, instruction: ARM32_INSTRUCTION, address: HDFAR, addressed: true },
  { message: /: Unexpected Trap: Instruction Abort$/, errorCode: ESR_EL2, instruction: 0, address: FAR_EL2 },
  { message: /: Unexpected Trap: Prefetch Abort$/, errorCode: ESR_EL2, instruction: ARM32_INSTRUCTION, address: HIFAR },
];

/** Is this a line of the box that contains `errorCode` or `address`? */
const isFact = (line: string): boolean =>
  FAULTS.some(({ errorCode, address }) => errorCode.test(line) || address.test(line));

/** A panic, and the earlier lines that are not part of its screen. */
export interface ParsedPanic {
  readonly panic: HostPanic;
  readonly before: readonly string[];
}

/** Parses the last lines of a host. `otherwise` is the message if there is no screen. */
export function parsePanic(lines: readonly string[], otherwise: string): ParsedPanic {
  const title = lines.findIndex((line) => PANIC.test(line));
  if (title === -1) return withoutBox(lines, otherwise);
  const box = lines.slice(title + 1);
  const end = box.findIndex((line) => STARS.test(line));
  const inside = end === -1 ? box : box.slice(0, end);
  const start = screenStart(lines, title);
  const screen = lines.slice(start);
  const message = inside.filter((line) => !isFact(line)).join('\n');
  return { before: lines.slice(0, start), panic: { message, ...faultIn(screen, message), screen } };
}

/** Parses a dead dom0, a nested crash, or a reset: none has a box of asterisks. */
function withoutBox(lines: readonly string[], otherwise: string): ParsedPanic {
  const from = lines.findIndex((line) => DOM0.test(line) || belongsAbove(line) || BANNER.test(line));
  const start = from === -1 ? lines.length : from;
  const first = lines[start];
  const message = first === undefined || BANNER.test(first) ? otherwise : first;
  const screen = lines.slice(start);
  return { before: lines.slice(0, start), panic: { message, errorCode: null, address: null, screen } };
}

/** Returns the first line of the screen whose box has its title in line `title`. */
function screenStart(lines: readonly string[], title: number): number {
  let box = title;
  if (STARS.test(lines[box - 1] ?? '')) box--;
  if (lines[box - 1] === '') box--;
  for (let i = box; i >= 0; i--) {
    if (!BANNER.test(lines[i] ?? '')) continue;
    if (WARNING.test(lines[i - 1] ?? '')) break;
    let start = i;
    while (belongsAbove(lines[start - 1] ?? '')) start--;
    return start;
  }
  return box;
}

/** Returns the fault from the first form that matches. */
function faultIn(screen: readonly string[], message: string): Pick<HostPanic, 'errorCode' | 'address'> {
  for (const form of FAULTS) {
    if (!form.message.test(message)) continue;
    const code = digitsIn(screen, form.errorCode);
    if (code === undefined) continue;
    const address = digitsIn(screen, form.address);
    if (address === undefined && form.addressed) continue;
    return {
      errorCode: (Number.parseInt(code, 16) & ~form.instruction) >>> 0,
      address: address === undefined ? null : BigInt(`0x${address}`),
    };
  }
  return { errorCode: null, address: null };
}

function digitsIn(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const digits = pattern.exec(line)?.[1];
    if (digits !== undefined) return digits;
  }
  return undefined;
}
