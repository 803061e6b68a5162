import { branchTarget, type Disassembler, type Instruction, instructionText } from '../arch/index.ts';
import { type Address, addOffset, hexAddress, lowWord } from '../base/index.ts';
import type { CodeLine, DocumentFinding, DocumentPlace } from '../documents/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import { type ElfSection, isProblem, STT_FUNC } from '../elf/index.ts';
import type { Image, ImageSymbols } from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { type PayloadFile, readPayload } from '../payload/index.ts';
import type { Release, XenArch } from '../xen/index.ts';
import { BEHIND, type CodeWindow, codeLines } from './code-window.ts';
import { FindingSources } from './finding-source.ts';
import { CodeReader } from './inspect-code.ts';
import { isCode, payloadSpot } from './payload-spot.ts';

/** Maximum number of findings of one payload that show code. */
const MAX_SHOWN = 64;

/** Maximum distance from a function's start to a place: decoding starts there, to find the instruction boundaries. */
const FARTHEST = 16 * 1024;

/** The places in code that findings are about. */
export interface FindingSpots {
  /** Whether there is any. */
  readonly found: boolean;
  /** Returns the findings, with the surrounding code and, if debug information has it, the source line. */
  withCode(disassembler: Disassembler | null): DocumentFinding[];
}

/** The hypervisor that findings are about. */
interface OfXen {
  readonly image: Image;
  readonly release: Release;
}

/** Finds the places in the payload's and the hypervisor's code that findings are about. Decodes nothing yet. */
export function findingSpots(
  findings: readonly DocumentFinding[],
  given: PayloadInput,
  xen: OfXen,
  inflate?: Inflate,
): FindingSpots {
  const file = findings.some(({ where }) => where.section !== undefined) ? readPayload(given.bytes) : undefined;
  const payload = file === undefined || isProblem(file) ? undefined : file;
  let reader: CodeReader | undefined;
  let shown = 0;
  const windows = findings.map(({ where }): CodeWindow | undefined => {
    if (shown >= MAX_SHOWN) return undefined;
    const read = (arch: XenArch, disassembler: Disassembler): CodeReader => {
      reader ??= new CodeReader(payload as PayloadFile, arch, given.file, disassembler);
      return reader;
    };
    const window = (payload && payloadWindow(payload, where, read)) ?? imageWindow(xen, where);
    if (window !== undefined) shown++;
    return window;
  });
  return {
    found: shown > 0,
    withCode: (disassembler) => {
      const sources = new FindingSources(payload, xen.image, inflate);
      return findings.map((finding, i) => {
        const window = windows[i];
        const code: CodeLine[] = window === undefined ? [] : codeLines(window, disassembler);
        const source = finding.source ?? (i < MAX_SHOWN ? sources.of(finding.where) : undefined);
        return { ...finding, ...(source !== undefined && { source }), ...(code.length > 0 && { code }) };
      });
    },
  };
}

function payloadWindow(
  payload: PayloadFile,
  where: DocumentPlace,
  read: (arch: XenArch, disassembler: Disassembler) => CodeReader,
): CodeWindow | undefined {
  const spot = payloadSpot(payload, where);
  const { arch } = payload;
  if (spot === undefined || arch === undefined) return undefined;
  const { section, offset, length } = spot;
  const data = section.data();
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= data.length) return undefined;
  const start = functionStart(payload, section.index, offset);
  const known = offset - start <= FARTHEST;
  const from = known ? start : offset - FARTHEST;
  const bytes = data.subarray(from, offset + BEHIND);
  return {
    bytes,
    at: offset - from,
    length,
    place: (at) => ({ offset: from + at }),
    decode: (disassembler) => {
      if (!known) return [];
      const pointer = {
        kind: 'section',
        section: section.index,
        offset: from,
        symbol: undefined,
        distance: 0,
      } as const;
      const rows = read(arch, disassembler).code(pointer, bytes.length) ?? [];
      return rows.map((row) => ({ offset: row.offset - from, size: row.bytes.length / 2, text: row.text }));
    },
  };
}

/** Returns the start of the function that contains a place: the last function symbol up to it, or the section's start. */
function functionStart({ elf: { symbols } }: PayloadFile, section: number, offset: number): number {
  let start = 0;
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.type(i) !== STT_FUNC || symbols.sectionIndex(i) !== section) continue;
    const value = Number(symbols.value(i));
    if (value <= offset && value > start) start = value;
  }
  return start;
}

function imageWindow({ image, release }: OfXen, { address: text, length }: DocumentPlace): CodeWindow | undefined {
  if (text === undefined) return undefined;
  const address = BigInt(text);
  if (!image.elf.sections.some((section) => isCode(section) && contains(section, address))) return undefined;
  const symbols = image.symbolsFor(release);
  const symbol = symbols.at(address);
  const known = symbol !== undefined && symbol.at <= FARTHEST;
  const at = known ? symbol.at : 2 * BEHIND;
  const start = addOffset(address, -at);
  const bytes = image.bytes(start, at + BEHIND);
  if (bytes.length <= at) return undefined;
  return {
    bytes,
    at,
    length,
    place: (offset) => ({ address: hexAddress(addOffset(start, offset)) }),
    decode: (disassembler) =>
      known
        ? disassembler.disassemble(image.arch.name, bytes, 0).map((instruction) => ({
            offset: instruction.offset,
            size: instruction.size,
            text: withTarget(instruction, (place) => placeName(image, symbols, addOffset(start, place))),
          }))
        : [],
  };
}

const contains = ({ addr, size }: ElfSection, address: Address): boolean =>
  address >= addr && address < addr + BigInt(size);

/** Returns the text of an instruction, with a name for the target of a direct branch. */
function withTarget(instruction: Instruction, name: (place: number) => string): string {
  const target = branchTarget(instruction);
  if (target === undefined || instruction.kind === 'bad') return instructionText(instruction);
  return instruction.textWith(new Map([[target, name(target.place)]]));
}

/** Returns the name of a place in the hypervisor, `do_domctl+0x12`, or its address. */
function placeName({ elf }: Image, symbols: ImageSymbols, place: Address): string {
  const address = elf.layout.pointerSize === 4 ? BigInt(lowWord(place)) : place;
  const symbol = symbols.at(address);
  if (symbol === undefined) return hexAddress(address);
  return symbol.at === 0 ? symbol.name : `${symbol.name}+0x${symbol.at.toString(16)}`;
}
