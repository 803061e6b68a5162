import type { Architecture } from '../arch/index.ts';
import { type Address, cString, viewOf, XspliceError } from '../base/index.ts';
import type { ObservableTarget } from '../xen/index.ts';
import { STRING_CODE, STRING_CODE_READERS } from './returned-string.ts';

/** A target that runs code, and says what xen_extra_version returned. */
interface RunningTarget extends ObservableTarget {
  extraVersion(): Promise<string | null>;
}

/** Jumps that are followed: a stack of patches has one each. */
const JUMPS = 64;

/** Longest version that is read. Source: xen/include/public/version.h, xen_extraversion_t. */
const LONGEST = 16;

/** Bytes of a pointer that {@link Leads} may lead through: arm32 alone does so. */
const POINTER = 4;

/**
 * What xen_extra_version, at that address, returns now. A host that runs is asked; of one that does not run code, the code is read: jumps to code
 * that returns a string. `null` where it is anything else.
 */
export async function extraVersion(
  target: ObservableTarget,
  arch: Architecture['name'],
  address: Address,
): Promise<string | null> {
  if (typeof (target as Partial<RunningTarget>).extraVersion === 'function') {
    const text = await (target as RunningTarget).extraVersion();
    if (text === null) throw new XspliceError('EHOST', 'the host did not come back from a call of xen_extra_version');
    return text;
  }
  let at = address;
  for (let jump = 0; jump < JUMPS; jump++) {
    const bytes = await target.peek(at, STRING_CODE);
    const leads = bytes === null ? null : STRING_CODE_READERS[arch](bytes, at);
    if (leads === null) return null;
    if (!('jump' in leads)) {
      const string = 'returns' in leads ? leads.returns : await pointerAt(target, leads.returnsAt);
      const text = string === null ? null : await target.peek(string, LONGEST);
      return text === null ? null : cString(text, 0);
    }
    at = leads.jump;
  }
  return null;
}

async function pointerAt(target: ObservableTarget, address: Address): Promise<Address | null> {
  const bytes = await target.peek(address, POINTER);
  return bytes === null ? null : BigInt(viewOf(bytes).getUint32(0, true));
}
