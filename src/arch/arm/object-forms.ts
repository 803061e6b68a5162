import { ARM_BUG_FRAME } from '../../xen/index.ts';
import { type ObjectForms, signed, whole } from '../object-forms.ts';

const BRANCH = /^(bl?(?:\.[a-z]+)? |[ct]bn?z .*, )#?(0x[0-9a-f]+)$/;
const MOVED = /^(mov[a-z]* .*, )#(-?(?:0x[0-9a-f]+|\d+))$/;

/** Objects of Arm: `branches` and `relative` are the relocation types of the one or the other size. */
export const armObjects = (branches: readonly number[], relative: readonly number[]): ObjectForms => ({
  relative: new Set([...branches, ...relative]),
  fromInstructionEnd: false,
  isBranch: (type) => branches.includes(type),
  bugFrameDisplacement: (addend) => addend,
  bugFrameLine: [ARM_BUG_FRAME.at.line, ARM_BUG_FRAME.at.pad0],
  constantMoved(text) {
    const found = MOVED.exec(text);
    return found === null ? null : { value: whole(found[2] as string), rest: found[1] as string };
  },
  directBranch(text) {
    const found = BRANCH.exec(text);
    return found === null ? null : { rest: found[1] as string, target: signed(found[2] as string) };
  },
});
