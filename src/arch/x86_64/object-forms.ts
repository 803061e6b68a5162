import type { ObjectForms } from '../object-forms.ts';

/** Source: System V ABI, AMD64 supplement, 4.4. */
const R_X86_64_PC32 = 2;
const R_X86_64_PLT32 = 4;

/** The object forms of gcc and gas on x86-64. */
export const X86_64_OBJECTS: ObjectForms = {
  fromInstructionEnd: true,
  isBranch(type, code, at) {
    if (type !== R_X86_64_PC32 && type !== R_X86_64_PLT32) return false;
    // CALL rel32, JMP rel32, Jcc rel32. Source: Intel SDM, volume 2, appendix A.
    const opcode = code[at - 1] ?? 0;
    return opcode === 0xe8 || opcode === 0xe9 || ((opcode & 0xf0) === 0x80 && code[at - 2] === 0x0f);
  },
  // asm/bug.h adds the line to the displacement in bits 24 and up.
  bugFrameDisplacement: (addend) => (addend << 8) >> 8,
  bugFrameLine: null,
};
