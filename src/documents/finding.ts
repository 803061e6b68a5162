import * as z from 'zod';
import type { Severity } from '../base/index.ts';
import { count, hexAddress, hexBytes, type Infer } from './parts.ts';

export const place = z
  .strictObject({
    file: z.string().exactOptional(),
    section: z.string().exactOptional(),
    offset: z
      .int()
      .describe('Bytes from the start of the section, or of the file if no section is given.')
      .exactOptional(),
    length: count
      .describe(
        'How many bytes are meant, from the offset or the address on. Without it, in code: the instruction there.',
      )
      .exactOptional(),
    symbol: z.string().exactOptional(),
    address: hexAddress.exactOptional(),
  })
  .meta({ id: 'Place', description: 'A place in a file or in the hypervisor. Unknown members are absent.' });
/** `Place` of base/ with the address as text. */
export type DocumentPlace = Infer<typeof place>;

export const sourceLine = z.strictObject({
  file: z.string().describe('As the compiler recorded it: mostly relative to the top of the source tree.'),
  line: z.int().positive().describe('Counted from 1.'),
  column: z.int().positive().describe('Counted from 1; absent if it is not known.').exactOptional(),
});
/** A line of source, as the debug information has it. */
export type SourceLine = Infer<typeof sourceLine>;

export const codeLine = z
  .strictObject({
    offset: count
      .describe(
        'Of an instruction in a payload: bytes from the start of its section. Each line has either this or an address.',
      )
      .exactOptional(),
    address: hexAddress.describe('Of an instruction in the hypervisor.').exactOptional(),
    bytes: hexBytes,
    text: z
      .string()
      .nullable()
      .describe(
        'Mnemonic and operands, "(bad)" for an invalid instruction; null for bytes that were not disassembled.',
      ),
    marked: z
      .strictObject({
        from: count.describe('The first byte of this line that the finding is about.'),
        to: count.describe('The byte after the last one.'),
      })
      .nullable()
      .describe('The bytes that the finding is about; null if it is not about this line.'),
  })
  .meta({ id: 'CodeLine', description: 'One instruction, or a few bytes that could not be disassembled.' });
/** One instruction around the place of a finding. */
export type CodeLine = Infer<typeof codeLine>;

export const finding = z
  .strictObject({
    rule: z.string().describe('Stable: filter on it.'),
    severity: z.enum(['error', 'warning', 'note'] satisfies Severity[]),
    message: z.string(),
    where: place,
    advice: z.string().describe('What to do about it.').exactOptional(),
    source: sourceLine
      .describe('The line of source that the place was compiled from, if that is known.')
      .exactOptional(),
    code: z.array(codeLine).describe('The instructions around the place, if it is in code.').exactOptional(),
  })
  .meta({ id: 'Finding', description: 'Something that is wrong, or worth knowing.' });
/** `Finding` of base/ with the address as text; `documentFinding` makes it. */
export type DocumentFinding = Infer<typeof finding>;

export const findings = z.array(finding);
