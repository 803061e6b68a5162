import type { Finding } from '../base/index.ts';
import { type ElfFile, type ElfSection, ET_REL, isProblem, problem, readElf } from '../elf/index.ts';
import { ELF_LIVEPATCH_FUNC, type XenArch } from '../xen/index.ts';
import {
  type PayloadAltCall,
  type PayloadAlternative,
  type PayloadExEntry,
  readAltCalls,
  readAlternatives,
  readExTable,
} from './alternatives.ts';
import { type PayloadBugFrames, readBugFrames } from './bug-frames.ts';
import type { EntryTable } from './entry-table.ts';
import { type PayloadFunctions, readFunctions } from './functions.ts';
import { type PayloadHooks, readHooks } from './hooks.ts';
import { type PayloadIdentity, type PayloadMetadata, readIdentity, readMetadata } from './identity.ts';
import { type PayloadMachine, payloadMachine } from './machines.ts';
import { isWritableData, type Placement, placeSections } from './page-kinds.ts';
import { PointerReader } from './pointer.ts';
import {
  describeSections,
  type PayloadSection,
  type RelocationSummary,
  summariseRelocations,
  type UndefinedSymbol,
  undefinedSymbols,
} from './sections.ts';
import { SymbolLocator } from './symbol-locator.ts';

/** Facts that the file does not contain. */
export interface PayloadOptions {
  /** `Release.emptySectionsPlaced` of the release in question; true by default. */
  readonly emptySectionsPlaced?: boolean;
}

/**
 * The contents of a live patch file, before it has an address. Lenient: whether Xen accepts the payload is for the hypervisor room to say. Reads
 * each part on demand and once.
 */
export class PayloadFile {
  readonly elf: ElfFile;
  readonly #options: PayloadOptions;
  readonly #machine: PayloadMachine | undefined;
  readonly #locator: SymbolLocator;
  readonly #parts = new Map<string, unknown>();

  /** Use {@link readPayload}. */
  constructor(elf: ElfFile, options: PayloadOptions) {
    this.elf = elf;
    this.#options = options;
    this.#machine = payloadMachine(elf.machine);
    this.#locator = new SymbolLocator(elf);
  }

  /** `undefined` for a machine without live patches, whose alternatives and bug frames are not read. */
  get arch(): XenArch | undefined {
    return this.#machine?.arch;
  }

  /** `.livepatch.funcs`; `undefined` for a payload with hooks only. */
  get functions(): PayloadFunctions | undefined {
    return this.#once('functions', () => {
      const section = this.elf.section(ELF_LIVEPATCH_FUNC);
      return section && readFunctions(this.elf, this.#pointersOf(section));
    });
  }

  get hooks(): readonly PayloadHooks[] {
    return this.#once('hooks', () => readHooks(this.elf, this.#pointersOf));
  }

  get identity(): PayloadIdentity {
    return this.#once('identity', () => readIdentity(this.elf));
  }

  get metadata(): PayloadMetadata | undefined {
    return this.#once('metadata', () => readMetadata(this.elf));
  }

  /** The regions, and the place of every section in them. */
  get placement(): Placement {
    return this.#once('placement', () =>
      placeSections(
        this.elf.sections.map(({ header }) => header),
        {
          pointerSize: this.elf.layout.pointerSize,
          emptySectionsPlaced: this.#options.emptySectionsPlaced ?? true,
        },
      ),
    );
  }

  get sections(): readonly PayloadSection[] {
    return this.#once('sections', () => describeSections(this.elf, this.placement));
  }

  get relocations(): readonly RelocationSummary[] {
    return this.#once('relocations', () => summariseRelocations(this.elf));
  }

  get undefinedSymbols(): readonly UndefinedSymbol[] {
    return this.#once('undefinedSymbols', () => undefinedSymbols(this.elf));
  }

  get alternatives(): EntryTable<PayloadAlternative> | undefined {
    return this.#once('alternatives', () => {
      const machine = this.#machine;
      return machine && readAlternatives(this.elf, this.#pointersOf, machine.readAlternatives);
    });
  }

  get altCalls(): EntryTable<PayloadAltCall> | undefined {
    return this.#once('altCalls', () => readAltCalls(this.elf, this.#pointersOf));
  }

  get bugFrames(): readonly PayloadBugFrames[] {
    return this.#once('bugFrames', () => {
      const machine = this.#machine;
      if (machine === undefined) return [];
      return readBugFrames(this.elf, this.#pointersOf, machine.readBugFrames);
    });
  }

  get exTable(): EntryTable<PayloadExEntry> | undefined {
    return this.#once('exTable', () => readExTable(this.elf, this.#pointersOf));
  }

  /** Writable sections that are not empty, in file order: data that a revert does not restore. */
  get writableSections(): readonly ElfSection[] {
    return this.#once('writableSections', () =>
      this.elf.sections.filter(({ index, header }) => index !== 0 && isWritableData(header)),
    );
  }

  /**
   * Whether Xen applies the payload again after a revert: true without writable data, or if `.livepatch.funcs` is the only writable section.
   * Source: xen/common/livepatch.c, move_payload (safe_to_reapply).
   */
  get safeToReapply(): boolean {
    const [first, ...others] = this.writableSections;
    return first === undefined || (others.length === 0 && first.name === ELF_LIVEPATCH_FUNC);
  }

  readonly #pointersOf = (section: ElfSection): PointerReader => new PointerReader(this.elf, section, this.#locator);

  #once<T>(part: string, read: () => T): T {
    if (!this.#parts.has(part)) this.#parts.set(part, read());
    return this.#parts.get(part) as T;
  }
}

/**
 * Opens a payload. Refuses files that are not readable ELF, not relocatable (ET_REL), or without sections; the parts report everything else.
 */
export function readPayload(bytes: Uint8Array, options: PayloadOptions = {}): PayloadFile | Finding {
  const elf = readElf(bytes);
  if (isProblem(elf)) return elf;
  if (elf.header.e_type !== ET_REL) {
    return problem('Not a live patch: must be a relocatable object', {
      offset: elf.layout.ehdr.at['e_type'] as number,
    });
  }
  if (elf.sections.length === 0) {
    return problem('Not a live patch: no sections', { offset: elf.layout.ehdr.at['e_shoff'] as number });
  }
  return new PayloadFile(elf, options);
}
