import type { XenArch } from '../xen/index.ts';
import type { Instruction } from './instruction.ts';

/**
 * A port: decodes machine code. The architecture is given by name with every call, so one disassembler serves payloads of several.
 */
export interface Disassembler {
  /**
   * Returns the instructions of `code`, in order; they cover every byte exactly once, whatever bytes these are. How much is decoded is for
   * the caller to bound. `code` must not change while the instructions are used: their operands and texts are decoded on demand.
   *
   * @param origin where the code starts, in bytes: places that relative operands lead to are counted as if `code` began there.
   */
  disassemble(arch: XenArch, code: Uint8Array, origin: number): readonly Instruction[];
  /**
   * Returns the size of the instruction that starts at each byte of `code`, 0 where none does: what {@link disassemble} finds, in a fraction
   * of the time.
   */
  sizes(arch: XenArch, code: Uint8Array): Uint8Array;
}
