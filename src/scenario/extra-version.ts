import { type Address, addOffset, cString, viewOf, XspliceError } from '../base/index.ts';
import type { ObservableTarget } from '../xen/index.ts';

/** A target that runs code, and says what xen_extra_version returned. */
interface RunningTarget extends ObservableTarget {
  extraVersion(): Promise<string | null>;
}

/** Jumps that are followed: a stack of patches has one each. */
const JUMPS = 64;

/** Longest version that is read. Source: xen/include/public/version.h, xen_extraversion_t. */
const LONGEST = 16;

/**
 * What xen_extra_version, at that address, returns now. A host that runs is asked; of one that does not run code, the code is read: jumps to a
 * `lea string(%rip), %rax; ret`. `null` where it is anything else.
 */
export async function extraVersion(target: ObservableTarget, address: Address): Promise<string | null> {
  if (typeof (target as Partial<RunningTarget>).extraVersion === 'function') {
    const text = await (target as RunningTarget).extraVersion();
    if (text === null) throw new XspliceError('EHOST', 'the host did not come back from a call of xen_extra_version');
    return text;
  }
  let at = address;
  for (let jump = 0; jump < JUMPS; jump++) {
    const bytes = await target.peek(at, 12);
    if (bytes === null) return null;
    const view = viewOf(bytes);
    const skip = view.getUint32(0, false) === ENDBR64 ? 4 : 0;
    if (bytes[skip] === 0xe9 && skip + 5 <= bytes.length) {
      at = addOffset(at, skip + 5 + view.getInt32(skip + 1, true));
      continue;
    }
    if (bytes[skip] !== 0x48 || bytes[skip + 1] !== 0x8d || bytes[skip + 2] !== 0x05 || skip + 8 > bytes.length)
      return null;
    const text = await target.peek(addOffset(at, skip + 7 + view.getInt32(skip + 3, true)), LONGEST);
    return text === null ? null : cString(text, 0);
  }
  return null;
}

const ENDBR64 = 0xf30f_1efa;
