import type { Architecture } from '../arch/index.ts';
import { contentId, viewOf, XspliceError } from '../base/index.ts';
import { copyElf, type ElfCopy, isProblem, SHF_WRITE, type WriterSection } from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import { type PayloadFile, type PayloadFunction, readPayload } from '../payload/index.ts';
import {
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_XEN_DEPENDS,
  encodeBuildIdNote,
  encodeExpectation,
  livepatchFunc,
  type Release,
} from '../xen/index.ts';
import { PAYLOAD_LAYOUT_SECTION, payloadLayout } from './payload-layout.ts';
import { PAYLOAD_MACHINES } from './payload-machine.ts';
import { type XenFacts, xenFacts } from './xen-facts.ts';

export interface FitOptions {
  readonly image: Image;
  readonly release: Release;
  /** Build-id of the payload below. Default: the hypervisor's own. */
  readonly depends?: Uint8Array;
}

/**
 * Fits a payload that was built for no particular hypervisor to this one. Fills in the build-ids of `.livepatch.depends` and `.livepatch.xen_depends`, if
 * the sections exist; in `.livepatch.funcs` the sizes that are 0 and the data of enabled expectations that is all zero, in the release's layout; the trap
 * instruction of the bug frames; the table {@link PAYLOAD_LAYOUT_SECTION}; and a build-id of its own. Makes `.livepatch.funcs` writable if the release
 * keeps its state there, as that release's own test payloads do.
 *
 * Throws an XspliceError: EFILE for a file that is not such a payload, EIMAGE if the hypervisor lacks a function or a build-id.
 */
export function fitPayload(bytes: Uint8Array, { image, release, depends }: FitOptions): Uint8Array {
  const payload = readPayload(bytes);
  if (isProblem(payload)) throw new XspliceError('EFILE', `the payload cannot be fitted: ${payload.message}`);
  if (payload.arch !== image.arch.name) {
    const made = payload.arch === undefined ? 'is for no machine that has live patches' : `is for ${payload.arch}`;
    const hint = 'build it for this hypervisor';
    throw new XspliceError('EFILE', `the payload ${made}, and the hypervisor for ${image.arch.name}`, hint);
  }
  const { buildId } = image;
  if (buildId === null) throw new XspliceError('EIMAGE', 'the hypervisor has no build-id, so no payload fits it');
  const copy = copyElf(payload.elf);
  const sections = new Sections(payload, copy);
  sections.fill(ELF_LIVEPATCH_DEPENDS, () => encodeBuildIdNote(depends ?? buildId));
  sections.fill(ELF_LIVEPATCH_XEN_DEPENDS, () => encodeBuildIdNote(buildId));
  sections.fill(PAYLOAD_LAYOUT_SECTION, (data) => payloadLayout(release, image.arch, data));
  fitFunctions(payload, sections, release, xenFacts(image, release));
  if (release.bugTrap === 'udb') fitTraps(payload, sections, image.arch);
  // The build-id is a digest of the file without one.
  sections.fill(ELF_BUILD_ID_NOTE, () => encodeBuildIdNote(new Uint8Array(20)));
  const id = contentId(copy.writer.write());
  sections.fill(ELF_BUILD_ID_NOTE, () => encodeBuildIdNote(id));
  return copy.writer.write();
}

/** A copy of the file, and its sections by name or number. */
class Sections {
  readonly #payload: PayloadFile;
  readonly #copy: ElfCopy;

  constructor(payload: PayloadFile, copy: ElfCopy) {
    this.#payload = payload;
    this.#copy = copy;
  }

  /** Replaces the contents of a section, if it exists. */
  fill(name: string, make: (data: Uint8Array) => Uint8Array): void {
    const section = this.at(this.#payload.elf.section(name)?.index);
    if (section !== undefined) section.data = make(section.data);
  }

  at(index: number | undefined): WriterSection | undefined {
    return index === undefined ? undefined : this.#copy.sections.get(index);
  }

  /** Returns the sections with the relocations of a section. */
  relocationsOf(index: number): WriterSection[] {
    return this.#payload.elf.relocationsOf(index).flatMap(({ section }) => this.at(section.index) ?? []);
  }
}

function fitFunctions(payload: PayloadFile, sections: Sections, release: Release, xen: XenFacts): void {
  const { functions } = payload;
  const section = sections.at(payload.elf.section(ELF_LIVEPATCH_FUNC)?.index);
  if (functions === undefined || section === undefined) return;
  const { pointerSize } = xen.arch.elf;
  const layout = livepatchFunc(release.funcLayout, pointerSize);
  const data = new Uint8Array(functions.entries.length * layout.size);
  const view = viewOf(data);
  functions.entries.forEach((func, i) => {
    const base = i * layout.size;
    const old = new OldFunction(func, release, xen);
    const { name, newAddr, oldAddr } = livepatchFunc('v2', pointerSize).read(viewOf(section.data), func.offset);
    layout.write(view, base, {
      name,
      newAddr,
      oldAddr,
      newSize: func.newSize !== 0 ? func.newSize : func.newAddr.kind === 'null' ? old.nops() : sizeOf(payload, func),
      oldSize: func.oldSize !== 0 ? func.oldSize : old.size(),
      version: layout.version,
    });
    const { expectation } = func;
    if (layout.at.expect === undefined || expectation === undefined) return;
    const filled = expectation.enabled && expectation.data.every((byte) => byte === 0);
    const expected = filled ? old.bytes(expectation.len) : expectation.data;
    data.set(encodeExpectation({ ...expectation, data: expected }), base + layout.at.expect);
  });
  section.data = data;
  section.flags = release.stateInPayload ? section.flags | SHF_WRITE : section.flags & ~SHF_WRITE;
  for (const table of sections.relocationsOf(functions.section.index)) {
    table.relocations = (table.relocations ?? []).map((entry) => {
      const at = Number(entry.offset);
      const index = Math.floor(at / functions.entrySize);
      return { ...entry, offset: index * layout.size + (at % functions.entrySize) };
    });
  }
}

/** Returns the size of a replacement function in bytes, from its symbol; 0 without one. */
function sizeOf({ elf }: PayloadFile, { newAddr }: PayloadFunction): number {
  if (newAddr.kind !== 'section') return 0;
  for (let i = 1; i < elf.symbols.count; i++) {
    if (elf.symbols.sectionIndex(i) !== newAddr.section) continue;
    if (elf.symbols.value(i) === BigInt(newAddr.offset) && elf.symbols.size(i) > 0) return elf.symbols.size(i);
  }
  return 0;
}

/** Bytes of a function that are decoded to find the number that it returns. */
const RETURN_BYTES = 32;

/** The function of the hypervisor that an entry patches. */
class OldFunction {
  readonly #name: string;
  readonly #release: Release;
  readonly #xen: XenFacts;

  constructor({ name, oldAddr, index }: PayloadFunction, release: Release, xen: XenFacts) {
    const symbol = oldAddr.kind === 'undefined' ? oldAddr.symbol : name;
    if (symbol === undefined) throw new XspliceError('EFILE', `entry ${index} of .livepatch.funcs names no function`);
    this.#name = symbol;
    this.#release = release;
    this.#xen = xen;
  }

  size(): number {
    return this.#xen.size(this.#name);
  }

  bytes(length: number): Uint8Array {
    return this.#xen.bytes(this.#name, length);
  }

  /** Returns `new_size` for a NOP patch that overwrites only the instruction that loads the result, and leaves the return. */
  nops(): number {
    const bytes = this.bytes(RETURN_BYTES);
    const { arch } = this.#xen;
    const kept = arch.patchOffset(bytes, this.#release);
    if (arch.image.constantReturned(bytes) === undefined) {
      const hint = 'give new_size in the payload';
      throw new XspliceError('EIMAGE', `${this.#name} does not start with a number that it returns`, hint);
    }
    return kept + arch.image.constantSize;
  }
}

function fitTraps(payload: PayloadFile, sections: Sections, arch: Architecture): void {
  const { udb } = PAYLOAD_MACHINES[arch.name];
  if (udb === null) return;
  for (const { entries } of payload.bugFrames) {
    for (const { loc } of entries) {
      const section = loc.kind === 'section' ? sections.at(loc.section) : undefined;
      if (loc.kind !== 'section' || section === undefined) continue;
      const data = section.data.slice();
      if (udb.was.every((byte, i) => data[loc.offset + i] === byte)) data.set(udb.becomes, loc.offset);
      section.data = data;
    }
  }
}
