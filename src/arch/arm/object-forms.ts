import { ARM_BUG_FRAME } from '../../xen/index.ts';
import type { ObjectForms } from '../object-forms.ts';

/** Makes the object forms of Arm; `branches` are the relocation types of branches. */
export const armObjects = (branches: readonly number[]): ObjectForms => ({
  fromInstructionEnd: false,
  isBranch: (type) => branches.includes(type),
  bugFrameDisplacement: (addend) => addend,
  bugFrameLine: [ARM_BUG_FRAME.at.line, ARM_BUG_FRAME.at.pad0],
});
