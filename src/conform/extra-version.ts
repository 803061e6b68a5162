import type { Architecture } from '../arch/index.ts';
import { type Address, addOffset, cString, XspliceError } from '../base/index.ts';
import type { ObservableTarget, Release } from '../xen/index.ts';

/** A target that runs code, and says what xen_extra_version returned. */
interface RunningTarget extends ObservableTarget {
  extraVersion(): Promise<string | null>;
}

/** Jumps that are followed: a stack of patches has one each. */
const JUMPS = 64;

/** Longest version that is read. Source: xen/include/public/version.h, xen_extraversion_t. */
const LONGEST = 16;

/** Bytes that are read of a function: a landing pad and a jump, or the instructions that return an address. */
const CODE = 12;

/**
 * Returns what xen_extra_version, at that address, returns now. A host that runs is asked. Where no code is run, it is read: jumps to code that does
 * nothing but return a string. `null` where it does anything else.
 */
export async function extraVersion(
  target: ObservableTarget,
  { arch, release }: { readonly arch: Architecture; readonly release: Release },
  address: Address,
): Promise<string | null> {
  if (typeof (target as Partial<RunningTarget>).extraVersion === 'function') {
    const text = await (target as RunningTarget).extraVersion();
    if (text === null) throw new XspliceError('EHOST', 'the host did not come back from a call of xen_extra_version');
    return text;
  }
  let at = address;
  for (let jump = 0; jump < JUMPS; jump++) {
    const code = await target.peek(at, CODE);
    if (code === null) return null;
    const kept = arch.patchOffset(code, release);
    const to = arch.jumpTarget(code.subarray(kept), addOffset(at, kept));
    if (to === undefined) {
      const string = arch.image.addressReturned(code, at);
      const text = string === undefined ? null : await target.peek(string, LONGEST);
      return text === null ? null : cString(text, 0);
    }
    at = to;
  }
  return null;
}
