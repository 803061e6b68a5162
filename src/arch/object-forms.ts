/** How the compiler and the assembler encode references in relocatable objects. */
export interface ObjectForms {
  /** Whether PC-relative values count from the end of the instruction instead of the field. */
  readonly fromInstructionEnd: boolean;
  /** Whether a relocation of this type at byte `at` of `code` belongs to a branch. Any other use takes the address. */
  isBranch(type: number, code: Uint8Array, at: number): boolean;
  /** Returns the target of a bug frame's field, in bytes from the start of the frame: the addend without the bits of the line. */
  bugFrameDisplacement(addend: number): number;
  /** Start and end offset of the line in a bug frame; `null` if the addends hold it. */
  readonly bugFrameLine: readonly [number, number] | null;
}
