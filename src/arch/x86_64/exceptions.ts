import { type Address, pointerText } from '../../base/index.ts';
import type { ExceptionRow, FatalTrap } from '../execution.ts';

const fatal = (mnemonic: string): ExceptionRow => ({ mnemonic, handling: 'fatal' });

const INVALID_OPCODE = 6;

/** General protection. */
export const GENERAL_PROTECTION = 13;

/** By vector. Source: Intel SDM volume 3, table 6-1; xen/arch/x86/traps.c (do_trap, do_invalid_op, do_int3, do_debug, vector_name). */
export const X86_EXCEPTIONS: ReadonlyMap<number, ExceptionRow> = new Map([
  [0, fatal('#DE')],
  // Xen clears the debug registers and continues.
  [1, { mnemonic: '#DB', handling: 'ignored' }],
  [3, { mnemonic: '#BP', handling: 'breakpoint' }],
  [4, fatal('#OF')],
  [5, fatal('#BR')],
  [INVALID_OPCODE, { mnemonic: '#UD', handling: 'bug-frame' }],
  [7, fatal('#NM')],
  [10, fatal('#TS')],
  [11, fatal('#NP')],
  [12, fatal('#SS')],
  [GENERAL_PROTECTION, { ...fatal('#GP'), panicText: 'GENERAL PROTECTION FAULT' }],
  [16, fatal('#MF')],
  [17, fatal('#AC')],
  [19, fatal('#XM')],
]);

/** The text of fatal_trap() in do_trap, and of do_invalid_op's own panic. */
export function fatalTrap(vector: number, { interrupts }: { readonly interrupts: boolean }): FatalTrap {
  if (vector === INVALID_OPCODE) return { head: [], text: 'FATAL TRAP: vector = 6 (invalid opcode)' };
  const mnemonic = X86_EXCEPTIONS.get(vector)?.mnemonic ?? '???';
  return { head: [], text: `FATAL TRAP: vec ${vector}, ${mnemonic}[0000]${interrupts ? '' : ' IN INTERRUPT CONTEXT'}` };
}

/** The line that extable_fixup prints. */
export const fixupText = (mnemonic: string, from: string, to: Address): string =>
  `<G><1>Fixup ${mnemonic}[0000]: ${from} -> ${pointerText(to)}`;
