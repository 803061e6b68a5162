import { ARM_BUG_FRAME } from '../../xen/index.ts';
import type { ObjectForms } from '../object-forms.ts';

/** Objects of Arm: `branches` and `relative` are the relocation types of the one or the other size. */
export const armObjects = (branches: readonly number[], relative: readonly number[]): ObjectForms => ({
  relative: new Set([...branches, ...relative]),
  fromInstructionEnd: false,
  isBranch: (type) => branches.includes(type),
  bugFrameDisplacement: (addend) => addend,
  bugFrameLine: [ARM_BUG_FRAME.at.line, ARM_BUG_FRAME.at.pad0],
});
