import { hex } from '../base/index.ts';
import type { CallCoverage, CallResult } from '../xen/index.ts';

/** A whole number of 64 bits: as hex digits with `0x` where a double would round it. */
export type WideInteger = number | string;

/** A number of 64 bits as documents have it. */
export const wideInteger = (value: bigint): WideInteger =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `0x${value.toString(16)}`;

/** Before any payload is applied, while one is, or once one was and none is any more. */
export type CallTime = 'before' | 'applied' | 'reverted';

/** One call of a function, in a document. */
export interface ReportedCall {
  readonly function: string;
  readonly when: CallTime;
  /** `int` is the result register, unsigned, null where the call never came back; `string` the text it points to, null where it points to none. */
  readonly returned: { readonly int: WideInteger | null; readonly string: string | null };
  /** Null where nobody can tell. */
  readonly instructions: number | null;
  /** Symbols that were entered, each once. Null where nobody can tell. */
  readonly entered: readonly string[] | null;
  /** How much of the payloads' functions was carried out, in bytes of their instructions. */
  readonly coverage: readonly CallCoverage[];
  /** What is in the buffers afterwards, in hex. */
  readonly buffers: readonly string[];
}

/** A call and what came of it, for a document. `string` is the text that the result points to. */
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
