/** What readers of relocatable objects ask an architecture: what the compiler and the assembler made of a reference. */
export interface ObjectForms {
  /** In code, is a relative value counted from the end of the instruction, not from the place of the field? */
  readonly fromInstructionEnd: boolean;
  /** Does the relocation of this type at byte `at` of `code` only say where control goes on? Any other use takes the address. */
  isBranch(type: number, code: Uint8Array, at: number): boolean;
  /** What a bug frame's field points to, from the start of the frame: an addend without the bits of the line. */
  bugFrameDisplacement(addend: number): number;
  /** The bytes of a bug frame that hold the line: from, and the first behind; `null` where addends hold it. */
  readonly bugFrameLine: readonly [number, number] | null;
}
