import { hexAddress } from '../base/index.ts';
import type { ObservedValue } from '../documents/index.ts';
import { errnoName, type HostPanic } from '../xen/index.ts';

/** Returns the errno's name for a negated errno, and 0 or a count as it is. */
export const resultText = (rc: number | null): ObservedValue => (rc === null || rc >= 0 ? rc : (errnoName(rc) ?? rc));

/** Prefix of the line of {@link panicText} with the faulting address. */
export const ADDRESS_LINE = 'address=';

/** Returns a panic without registers and stack: its message, error code and faulting address, one per line. */
export function panicText(panic: HostPanic): string[] {
  const { message, errorCode, address } = panic;
  return [
    // Xen prints nothing before a reset: the rest of the message is our own.
    message.startsWith('reset') ? 'reset' : message,
    ...(errorCode === null ? [] : [`error_code=${errorCode.toString(16).padStart(4, '0')}`]),
    ...(address === null ? [] : [`${ADDRESS_LINE}${hexAddress(address)}`]),
  ];
}
