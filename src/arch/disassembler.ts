import type { XenArch } from '../xen/index.ts';
import type { Instruction } from './instruction.ts';

/**
 * A port that decodes machine code. Every call names the architecture, so one disassembler serves payloads of several.
 */
export interface Disassembler {
  /**
   * Returns the instructions of `code`, in order; they cover every byte exactly once. The caller bounds the length. `code` must not change
   * while the instructions are in use: they decode their operands and texts on demand.
   *
   * @param origin start of the code, in bytes; targets of PC-relative operands count from the same zero
   */
  disassemble(arch: XenArch, code: Uint8Array, origin: number): readonly Instruction[];
  /**
   * Returns the size of the instruction that starts at each byte of `code`, 0 if none does: the same as {@link disassemble} finds, in a
   * fraction of the time.
   */
  sizes(arch: XenArch, code: Uint8Array): Uint8Array;
}
