import { hex } from '../base/index.ts';
import type { CallResult } from '../xen/index.ts';
import type { CallTime, ReportedCall, WideInteger } from './call.ts';

/** Returns a number of 64 bits as documents have it. */
export const wideInteger = (value: bigint): WideInteger =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `0x${value.toString(16)}`;

/** Describes a call and its result. `string` is the text that the result points to. */
export const reportedCall = (
  name: string,
  when: CallTime,
  { result, instructions, entered, coverage, buffers }: CallResult,
  string: string | null,
): ReportedCall => ({
  function: name,
  when,
  returned: { int: result === null ? null : wideInteger(result), string },
  instructions,
  entered,
  coverage,
  buffers: buffers.map((bytes) => hex(bytes)),
});
