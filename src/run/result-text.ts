import { hexAddress } from '../base/index.ts';
import type { ObservedValue } from '../documents/index.ts';
import { errnoName, type HostPanic } from '../xen/index.ts';

/** A result as people name it: `EINVAL` for -22, and 0 or a count as it is. */
export const resultText = (rc: number | null): ObservedValue => (rc === null || rc >= 0 ? rc : (errnoName(rc) ?? rc));

/** How the line of {@link panicText} begins that has the faulting address. */
export const ADDRESS_LINE = 'address=';

/** What the panic says, apart from registers and stack. */
export function panicText(panic: HostPanic): string[] {
  const { message, errorCode, address } = panic;
  return [
    // A machine that resets says nothing: what follows the word is our own.
    message.startsWith('reset') ? 'reset' : message,
    ...(errorCode === null ? [] : [`error_code=${errorCode.toString(16).padStart(4, '0')}`]),
    ...(address === null ? [] : [`${ADDRESS_LINE}${hexAddress(address)}`]),
  ];
}
