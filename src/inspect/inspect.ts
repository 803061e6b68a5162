import { architectureOf, type Disassembler } from '../arch/index.ts';
import { type Finding, finding, hex } from '../base/index.ts';
import type {
  InspectedFunction,
  InspectedPayload,
  InspectedRelocations,
  InspectedSection,
  InspectedTable,
  InspectReport,
} from '../documents/index.ts';
import { documentFinding } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { type EntryTable, type PayloadFile, type PayloadFunction, readPayload } from '../payload/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import { CodeReader } from './inspect-code.ts';
import { inspectFindings } from './inspect-findings.ts';
import { placeOf } from './inspect-place.ts';
import { shape } from './inspect-shape.ts';

function inspectFunction(
  payload: PayloadFile,
  entry: PayloadFunction,
  reader: CodeReader | undefined,
): InspectedFunction {
  const { expectation, newAddr, oldAddr } = entry;
  const hasExpectation = expectation !== undefined && (expectation.enabled || expectation.len !== 0);
  return {
    name: entry.name ?? '',
    kind: newAddr.kind === 'null' ? 'nop' : 'replace',
    oldCode: oldAddr.kind === 'null' ? null : placeOf(payload, oldAddr),
    oldSize: entry.oldSize,
    newCode: newAddr.kind === 'null' ? null : placeOf(payload, newAddr),
    newSize: entry.newSize,
    version: entry.version,
    expectation: hasExpectation
      ? {
          length: expectation.len,
          data: hex(expectation.data.subarray(0, expectation.len)),
          enabled: expectation.enabled,
        }
      : null,
    code: reader?.code(newAddr, entry.newSize) ?? null,
  };
}

const inspectSections = (payload: PayloadFile): InspectedSection[] =>
  payload.sections.map(({ index, name, type, flags, size, addralign, kind, offset }) => ({
    index,
    name,
    type,
    flags,
    size,
    alignment: addralign,
    page: kind === 'ignored' || kind === 'refused' ? null : kind,
    offset: offset ?? null,
  }));

function inspectRelocations(payload: PayloadFile): InspectedRelocations[] {
  const known = payload.arch === undefined ? undefined : architectureOf(payload.arch)?.relocations;
  return payload.relocations.flatMap(({ target, applied, types }) =>
    types.map(({ type, name, count }) => ({
      section: target,
      type: name,
      count,
      applied,
      handled: known?.has(type) ?? null,
    })),
  );
}

function inspectTables(payload: PayloadFile): InspectedTable[] {
  const row = (kind: InspectedTable['kind'], table: EntryTable<unknown> | undefined): InspectedTable[] =>
    table === undefined
      ? []
      : [{ kind, section: table.section.name, entries: table.entries.length, entrySize: table.entrySize }];
  return [
    ...row('alternatives', payload.alternatives),
    ...row('alternative calls', payload.altCalls),
    ...payload.bugFrames.flatMap((frames) => row('bug frames', frames)),
    ...row('exception table', payload.exTable),
  ];
}

/** Returns the number of pages of a region of `size` bytes. */
const pagesOf = (size: bigint): number => Number((size + BigInt(PAGE_SIZE) - 1n) / BigInt(PAGE_SIZE));

/** Returns the document of a file of which nothing can be read; callers add what they can read. */
const emptyDocument = ({ file, name, bytes }: PayloadInput): Omit<InspectedPayload, 'findings'> => ({
  file,
  name,
  size: bytes.length,
  arch: null,
  buildId: null,
  depends: null,
  xenDepends: null,
  metadata: [],
  functions: [],
  hooks: [],
  sections: [],
  relocations: [],
  undefinedSymbols: [],
  tables: [],
  pages: { text: 0, rw: 0, ro: 0 },
  reappliable: false,
});

const unreadable = (given: PayloadInput, { rule, message, where }: Omit<Finding, 'severity'>): InspectedPayload => ({
  ...emptyDocument(given),
  findings: [documentFinding(finding(rule, { message, where: { file: given.file, ...where } }))],
});

/** Returns the parts of the document that need only the section headers. */
function sectionParts(payload: PayloadFile): Pick<InspectedPayload, 'arch' | 'sections' | 'pages' | 'reappliable'> {
  const { textSize, rwSize, roSize } = payload.placement;
  return {
    arch: payload.arch ?? null,
    sections: inspectSections(payload),
    pages: { text: pagesOf(textSize), rw: pagesOf(rwSize), ro: pagesOf(roSize) },
    reappliable: payload.safeToReapply,
  };
}

export interface InspectOptions {
  /** Adds the code of functions and hooks. A port, because this room decodes no instructions. */
  readonly disassembler?: Disassembler;
}

/**
 * Returns the contents of one payload; any bytes give a document. {@link shape} bounds the work, and {@link CodeReader} that for code.
 */
export function inspectPayload(given: PayloadInput, { disassembler }: InspectOptions = {}): InspectedPayload {
  const payload = readPayload(given.bytes);
  if (isProblem(payload)) return unreadable(given, { ...payload, rule: 'payload-file' });
  const odd = shape(payload);
  if (odd?.parts === 'none') return unreadable(given, odd);
  if (odd?.parts === 'sections') return { ...unreadable(given, odd), ...sectionParts(payload) };
  const { identity, arch } = payload;
  const relocations = inspectRelocations(payload);
  const reader =
    disassembler === undefined || arch === undefined
      ? undefined
      : new CodeReader(payload, arch, given.file, disassembler);
  const functions = payload.functions?.entries.map((entry) => inspectFunction(payload, entry, reader)) ?? [];
  const hooks = payload.hooks.flatMap(({ kind, section, entries }) =>
    entries.map((target) => ({
      kind,
      section: section.name,
      target: placeOf(payload, target),
      code: reader?.functionCode(target) ?? null,
    })),
  );
  return {
    ...emptyDocument(given),
    ...sectionParts(payload),
    buildId: identity.buildId?.id ?? null,
    depends: identity.depends?.id ?? null,
    xenDepends: identity.xenDepends?.id ?? null,
    metadata: payload.metadata?.strings ?? [],
    functions,
    hooks,
    relocations,
    undefinedSymbols: payload.undefinedSymbols.map(({ name }) => name),
    tables: inspectTables(payload),
    findings: [...inspectFindings(payload, given.file, relocations), ...(reader?.findings ?? [])].map(documentFinding),
  };
}

/** Returns the document of `xsplice inspect`. */
export const inspectPayloads = (payloads: readonly PayloadInput[], options: InspectOptions = {}): InspectReport => ({
  format: 'xsplice-inspect/1',
  payloads: payloads.map((payload) => inspectPayload(payload, options)),
});
