/** What readers of relocatable objects ask an architecture: what the compiler and the assembler made of a reference. */
export interface ObjectForms {
  /** The `R_…` types that are relative to where they stand. */
  readonly relative: ReadonlySet<number>;
  /** In code, is a relative value counted from the end of the instruction, not from the place of the field? */
  readonly fromInstructionEnd: boolean;
  /** Does the relocation of this type at byte `at` of `code` only say where control goes on? Any other use takes the address. */
  isBranch(type: number, code: Uint8Array, at: number): boolean;
  /** What a bug frame's field points to, from the start of the frame: an addend without the bits of the line. */
  bugFrameDisplacement(addend: number): number;
  /** The bytes of a bug frame that hold the line: from, and the first behind; `null` where addends hold it. */
  readonly bugFrameLine: readonly [number, number] | null;
  /**
   * An instruction, as the disassembler tells it, that only puts a constant somewhere: the constant, and the text without it. `null` for any other.
   */
  constantMoved(text: string): MovedConstant | null;
  /** A branch to a place that it names, as the disassembler tells it: where to, and the text without that; `null` for any other instruction. */
  directBranch(text: string): DirectBranch | null;
}

/** A branch whose target is in the instruction. */
export interface DirectBranch {
  /** Bytes from where the code was said to start; negative in front of it. */
  readonly target: number;
  /** The instruction without the target. */
  readonly rest: string;
}

/** A constant that an instruction loads. */
export interface MovedConstant {
  readonly value: number;
  /** The instruction without the constant. */
  readonly rest: string;
}

/** A whole number as disassemblers write it: `0x1f`, `-0x1f`, `31`. */
export const whole = (text: string): number => Number.parseInt(text, text.includes('0x') ? 16 : 10);

/** The same of an address, which disassemblers write with 64 bits: `0xfffffffffffffff0` is -16. */
export const signed = (text: string): number => Number(BigInt.asIntN(64, BigInt(text)));
