import type { XenArch } from '../xen/index.ts';

/** One decoded instruction, or a piece of code that is none. */
export interface Instruction {
  /** Bytes from the start of the code that was given. */
  readonly offset: number;
  /** Bytes that it takes, at least 1. */
  readonly size: number;
  /** Mnemonic and operands: AT&T syntax on x86, as in Xen's own sources. `undefined` for bytes that are no instruction. */
  readonly text: string | undefined;
}

/**
 * A port: what turns machine code into text. The architecture is given by name with every call, so one disassembler
 * serves payloads of several.
 */
export interface Disassembler {
  /**
   * The instructions of `code`, in order; they cover every byte exactly once, whatever bytes these are. How much is
   * decoded is for the caller to bound.
   *
   * @param origin where the code starts, in bytes: targets of relative jumps are told as if `code` began there.
   */
  disassemble(arch: XenArch, code: Uint8Array, origin: number): readonly Instruction[];
  /**
   * The size of the instruction that starts at each byte of `code`, 0 where none does: what {@link disassemble} finds, without the texts, in
   * a fraction of the time.
   */
  sizes(arch: XenArch, code: Uint8Array): Uint8Array;
}
