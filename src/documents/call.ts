import * as z from 'zod';
import { count, hexBytes, type Infer } from './parts.ts';

const callTime = z
  .enum(['before', 'applied', 'reverted'])
  .describe('Before any payload is applied, while one is, or after the last one was reverted.');
export type CallTime = z.infer<typeof callTime>;

const wideInteger = z
  .union([z.number(), z.string()])
  .describe('Unsigned, of 64 bits: hex digits with 0x if a double would round it.');
/** A whole number of 64 bits: hex digits with `0x` if a double would round it. */
export type WideInteger = z.infer<typeof wideInteger>;

export const call = z
  .strictObject({
    function: z.string(),
    when: callTime,
    returned: z.strictObject({
      int: wideInteger.nullable().describe('The result register; null if the call did not return.'),
      string: z.string().nullable().describe('The text that the result points to; null if it points to none.'),
    }),
    instructions: count.nullable().describe('How many were executed; null if the target cannot tell.'),
    entered: z
      .array(z.string())
      .nullable()
      .describe('Symbols that were entered, each listed once; null if the target cannot tell.'),
    coverage: z
      .array(
        z.strictObject({
          symbol: z.string().describe('A function of a payload: "name [PAYLOAD]".'),
          size: count.describe('Bytes of its instructions.'),
          covered: count.describe('Bytes of those that were executed.'),
        }),
      )
      .describe("How much of the payloads' functions was executed."),
    buffers: z.array(hexBytes).describe('The contents of the buffers afterwards, in the order of the arguments.'),
  })
  .meta({ id: 'Call', description: 'One call of a function.' });
/** One call of a function, in a document. */
export type ReportedCall = Infer<typeof call>;
