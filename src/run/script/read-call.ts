import type { CallArgument } from '../../xen/index.ts';
import type { ExpectedBuffer } from '../expectation.ts';
import type { ScriptPlace } from './node.ts';
import type { ScriptBudget } from './variables.ts';

/** A buffer as a scenario file spells it. */
type WrittenBuffer = { readonly hex: Uint8Array } | { readonly zero: number };

/** An argument as a scenario file spells it. */
type WrittenArgument = bigint | string | { readonly int: bigint } | { readonly string: string } | WrittenBuffer;

/** The 64 bits that a register holds for a number. */
const register = (value: bigint): bigint => BigInt.asUintN(64, value);

function bufferBytes(buffer: WrittenBuffer, place: ScriptPlace, budget: ScriptBudget): Uint8Array {
  budget.buffer('zero' in buffer ? buffer.zero : buffer.hex.length, place);
  return 'zero' in buffer ? new Uint8Array(buffer.zero) : buffer.hex;
}

/** Converts one argument of a call; its buffer counts against the budget. */
export function readArgument(written: WrittenArgument, place: ScriptPlace, budget: ScriptBudget): CallArgument {
  if (typeof written === 'bigint') return { kind: 'int', value: register(written) };
  if (typeof written === 'string') return { kind: 'string', text: written };
  if ('int' in written) return { kind: 'int', value: register(written.int) };
  if ('string' in written) return { kind: 'string', text: written.string };
  return { kind: 'buffer', bytes: bufferBytes(written, place, budget) };
}

/** Converts the expected content of one buffer. */
export function readExpectedBuffer(
  written: WrittenBuffer | { readonly string: string } | null,
  place: ScriptPlace,
  budget: ScriptBudget,
): ExpectedBuffer | null {
  if (written === null) return null;
  if ('string' in written) return { text: written.string };
  return { bytes: bufferBytes(written, place, budget) };
}
