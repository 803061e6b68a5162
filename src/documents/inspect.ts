import * as z from 'zod';
import { findings, place } from './finding.ts';
import { arch, buildId, count, hexBytes, type Infer, large } from './parts.ts';

const instruction = z.strictObject({
  offset: count.describe('Bytes from the start of the section.'),
  bytes: hexBytes.describe('As in the file, before relocation.'),
  text: z
    .string()
    .describe(
      'Mnemonic and operands, in AT&T syntax on x86. Relocated operands are shown as their symbols, targets of other relative jumps as offsets in the section, invalid instructions as "(bad)".',
    ),
  targets: z
    .array(place)
    .describe("Targets of the instruction's relocations, in the order of the bytes; absent if there are none.")
    .exactOptional(),
});
/** One instruction of a payload, or bytes of its code that are not one. */
export type InspectedInstruction = Infer<typeof instruction>;

const code = z
  .array(instruction)
  .nullable()
  .describe('Null unless disassembly was asked for, and if the payload has no such code.');

const expectation = z.strictObject({
  length: count.describe('How many bytes are compared.'),
  data: hexBytes,
  enabled: z.boolean(),
});
export type InspectedExpectation = Infer<typeof expectation>;

const inspectedFunction = z
  .strictObject({
    name: z.string(),
    kind: z
      .enum(['replace', 'nop'])
      .describe("nop: no replacement; the old function's first newSize bytes become NOPs."),
    oldCode: place
      .nullable()
      .describe('The old function, if the entry itself gives it; null if Xen looks up the name.'),
    oldSize: count,
    newCode: place.nullable().describe('The replacement, as far as the file tells; null for nop.'),
    newSize: count,
    version: count.describe("The entry's structure version."),
    expectation: expectation.nullable().describe('Null if this version has none, or if it is all zero.'),
    code,
  })
  .describe('An entry of .livepatch.funcs, before relocation and symbol look-up.');
/** One entry of `.livepatch.funcs`, before relocation and symbol look-up. */
export type InspectedFunction = Infer<typeof inspectedFunction>;

const hook = z.strictObject({
  kind: z.string().describe('The section name without ".livepatch.hooks.": load, preapply, …'),
  section: z.string(),
  target: place.describe('The function that is called, as far as the file tells.'),
  code,
});
export type InspectedHook = Infer<typeof hook>;

const page = z
  .enum(['text', 'rw', 'ro'])
  .describe('Executable, writable or read-only pages. Source: xen/common/livepatch.c, move_payload.');
export type PageKind = z.infer<typeof page>;

const section = z.strictObject({
  index: count,
  name: z.string(),
  type: z.string().describe('PROGBITS, NOBITS, RELA, …; 0x… for types without a name.'),
  flags: z.string().describe('Letters as readelf -S prints them: AX, WA.'),
  size: large,
  alignment: large,
  page: page.nullable().describe('The kind of pages that it is loaded into; null if it is not loaded.'),
  offset: large.nullable().describe("Bytes from the start of that kind's region; null if it is not loaded."),
});
export type InspectedSection = Infer<typeof section>;

const relocations = z.strictObject({
  section: z.string().describe('The section that is relocated.'),
  type: z.string().describe('R_X86_64_PLT32 and the like; the number for types without a name.'),
  count,
  applied: z.boolean().describe('Is the section loaded? If not, Xen skips its relocations.'),
  handled: z
    .boolean()
    .nullable()
    .describe("Does Xen's loader for this architecture know the type? Null for unknown architectures."),
});
/** Relocations of one type in one section. */
export type InspectedRelocations = Infer<typeof relocations>;

const table = z.strictObject({
  kind: z.enum(['alternatives', 'alternative calls', 'bug frames', 'exception table']),
  section: z.string(),
  entries: count,
  entrySize: count.describe('In bytes.'),
});
/** A table that the loader processes. */
export type InspectedTable = Infer<typeof table>;

const inspectedPayload = z.strictObject({
  file: z.string().describe('As the user named it.'),
  name: z.string().describe('The name that xen-livepatch load would give it.'),
  size: count.describe('Bytes in the file.'),
  arch: arch.nullable().describe('Null if Xen has no livepatches for the machine type, and for other files than ELF.'),
  buildId,
  depends: buildId.describe('Build-id of the payload or hypervisor that must be on top of the stack.'),
  xenDepends: buildId.describe('Build-id of the hypervisor.'),
  metadata: z.array(z.string()).describe('The entries of .modinfo: author=me.'),
  functions: z.array(inspectedFunction),
  hooks: z.array(hook),
  sections: z.array(section),
  relocations: z.array(relocations).describe('Counts by section and type.'),
  undefinedSymbols: z.array(z.string()).describe('Names that the hypervisor, or an earlier payload, must define.'),
  tables: z.array(table).describe('Tables that the loader processes.'),
  pages: z.strictObject({ text: count, rw: count, ro: count }).describe('Pages of each kind that the payload needs.'),
  reappliable: z
    .boolean()
    .describe('Would Xen apply it again after a revert? False if the payload has data that may have changed.'),
  findings,
});
export type InspectedPayload = Infer<typeof inspectedPayload>;

/** `xsplice inspect --json`. */
export const inspectSchema = z
  .strictObject({ format: z.literal('xsplice-inspect/1'), payloads: z.array(inspectedPayload) })
  .meta({ title: 'xsplice inspect', description: 'The contents of payloads, before they have addresses.' });
export type InspectReport = Infer<typeof inspectSchema>;
