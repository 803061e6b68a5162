import {
  ARCHITECTURES,
  type Architecture,
  architectureOf,
  type ImageFacts,
  type ImageRegion,
  LINKER_SYMBOLS,
  type LinkerSymbolName,
  type VirtualRegion,
} from '../arch/index.ts';
import { type Address, cString, viewOf, XspliceError } from '../base/index.ts';
import { type ElfFile, isProblem, readElf, SHF_ALLOC, SHT_NOBITS } from '../elf/index.ts';
import {
  type AddressRange,
  configEnabled,
  type Gunzip,
  type Release,
  type ReleaseMatch,
  readConfigData,
  releaseOfImage,
  type SymbolTableBytes,
  type XenConfig,
  xenBuildIdCheck,
} from '../xen/index.ts';
import { checkLayout, checkVmapXen, nrCpus } from './image-layout.ts';
import { embeddedSymbols, type ImageSymbols, symtabSymbols } from './image-symbols.ts';
import { findLinkerSymbols } from './linker-symbols.ts';
import type { TrapTables } from './region-tables.ts';

/**
 * A `xen-syms` file: its layout, version, symbols and configuration. Reads each on demand, except for the linker's symbols.
 */
export class Image {
  readonly arch: Architecture;
  readonly elf: ElfFile;
  readonly #gunzip: Gunzip | undefined;
  readonly #linker: ReadonlyMap<string, { readonly value: Address; readonly size: number }>;
  /** Facts that the image does not state, and what is assumed instead: for the user. */
  readonly assumed: string[] = [];
  #symbols: ImageSymbols | undefined;
  #config: XenConfig | null | undefined;
  #release: ReleaseMatch | undefined | null = null;
  #buildId: Uint8Array | null | undefined;
  #highestFeature: number | undefined;

  constructor(elf: ElfFile, arch: Architecture, gunzip?: Gunzip) {
    this.elf = elf;
    this.arch = arch;
    this.#gunzip = gunzip;
    this.#linker = findLinkerSymbols(elf, LINKER_SYMBOLS);
  }

  /** Returns the address of one of the linker's symbols. */
  linker(name: LinkerSymbolName): Address | undefined {
    return this.#linker.get(name)?.value;
  }

  #require(name: LinkerSymbolName): Address {
    const value = this.linker(name);
    if (value === undefined) {
      throw new XspliceError(
        'EIMAGE',
        `the image has no symbol ${name}`,
        'use an unstripped xen-syms, which the Xen build leaves beside xen.gz',
      );
    }
    return value;
  }

  /** Facts for the architecture's image rules. */
  get #facts(): ImageFacts {
    return {
      needed: (name) => this.#require(name),
      linker: (name) => this.linker(name),
      configured: (option) => this.configured(option),
      nrCpus: nrCpus(this.config?.get('CONFIG_NR_CPUS')),
    };
  }

  /** The image's parts in ascending order. The init part is freed by the end of the boot. */
  get regions(): readonly ImageRegion[] {
    return this.arch.image.regions(this.#facts);
  }

  /** The core's `struct virtual_region`. Source: xen/common/virtual_region.c. */
  get core(): VirtualRegion {
    return {
      name: 'xen',
      textStart: this.#require('_stext'),
      textEnd: this.#require('_etext'),
      rodataStart: this.#require('_srodata'),
      rodataEnd: this.#require('_erodata'),
    };
  }

  /** The core's bug frames and exception table. Since 3434518d05 (4.19) each kind of frame has its own start symbol. */
  get trapTables(): TrapTables {
    const range = (start: Address | undefined, end: Address | undefined): AddressRange | undefined =>
      start === undefined || end === undefined || end < start ? undefined : { start, end };
    const stops = BUG_FRAME_STOPS.map((name) => this.linker(name));
    const bugFrames = stops.map((stop, i) => {
      const before = i === 0 ? this.linker('__start_bug_frames') : stops[i - 1];
      return range(this.linker(BUG_FRAME_STARTS[i] as LinkerSymbolName) ?? before, stop);
    });
    const exTable = range(this.linker('__start___ex_table'), this.linker('__stop___ex_table')) ?? null;
    return { bugFrames, exTable };
  }

  /** The build-id note's descriptor; `null` for an image linked without one. */
  get buildId(): Uint8Array | null {
    if (this.#buildId === undefined) this.#buildId = this.#readBuildId();
    return this.#buildId;
  }

  /** Returns the file's bytes at a link address; fewer if the file has no more there. */
  bytes(address: Address, length: number): Uint8Array {
    // Symbols of a damaged image may be out of order.
    if (length <= 0) return new Uint8Array(0);
    for (const section of this.elf.sections) {
      if ((section.flags & SHF_ALLOC) === 0 || section.type === SHT_NOBITS) continue;
      const { addr } = section;
      if (address < addr || address >= addr + BigInt(section.size)) continue;
      const at = Number(address - addr);
      return section.data().subarray(at, at + length);
    }
    return new Uint8Array(0);
  }

  /** Returns the bytes from one linker symbol to another, or to the section's end. */
  #between(start: LinkerSymbolName, end?: LinkerSymbolName): Uint8Array | undefined {
    const from = this.linker(start);
    if (from === undefined) return undefined;
    const to = end === undefined ? undefined : this.linker(end);
    return this.bytes(from, to === undefined ? Number.MAX_SAFE_INTEGER : Number(to - from));
  }

  #readBuildId(): Uint8Array | null {
    const note = this.#between('__note_gnu_build_id_start', '__note_gnu_build_id_end');
    if (note === undefined || note.length <= 12) return null;
    const found = xenBuildIdCheck(note);
    return found.ok ? found.id : null;
  }

  /** `.config` of the build; `null` if the image does not contain it or nothing can unpack it. */
  get config(): XenConfig | null {
    if (this.#config === undefined) this.#config = this.#readConfig() ?? null;
    return this.#config;
  }

  #readConfig(): XenConfig | undefined {
    const size = this.#between('xen_config_data_size');
    const data = this.linker('xen_config_data');
    if (this.#gunzip === undefined || data === undefined || size === undefined || size.length < 4) return undefined;
    return readConfigData(this.bytes(data, viewOf(size).getUint32(0, true)), this.#gunzip);
  }

  /** Whether an option is set. Without a configuration, assumes an ordinary release build: see {@link assumed}. */
  configured(option: string): boolean {
    return this.config === null ? ASSUMED_ON.has(option) : configEnabled(this.config, option);
  }

  /** The row of the release table that the image's own version functions match; `undefined` if none does. */
  get release(): ReleaseMatch | undefined {
    if (this.#release === null) {
      const major = this.#constantReturned('xen_major_version');
      const minor = this.#constantReturned('xen_minor_version');
      const extra = this.extraVersion;
      this.#release =
        major === undefined || minor === undefined ? undefined : releaseOfImage(major, minor, extra ?? '');
    }
    return this.#release;
  }

  /** The version that the host's console prints: `4.17.7`. */
  get version(): string | undefined {
    const major = this.#constantReturned('xen_major_version');
    const minor = this.#constantReturned('xen_minor_version');
    return major === undefined || minor === undefined ? undefined : `${major}.${minor}${this.extraVersion ?? ''}`;
  }

  /** The string that xen_extra_version() returns; `undefined` if its code does more than return a string. */
  get extraVersion(): string | undefined {
    const start = this.linker('xen_extra_version');
    const text =
      start === undefined ? undefined : this.arch.image.addressReturned(this.bytes(start, FUNCTION_BYTES), start);
    return text === undefined ? undefined : cString(this.bytes(text, 64), 0);
  }

  /** Returns the constant that a function returns, if it does nothing else. */
  #constantReturned(name: LinkerSymbolName): number | undefined {
    const start = this.linker(name);
    return start === undefined ? undefined : this.arch.image.constantReturned(this.bytes(start, FUNCTION_BYTES));
  }

  /** Returns the hypervisor's own symbol table, or `.symtab` instead. */
  symbolsFor(release: Release): ImageSymbols {
    if (this.#symbols === undefined) {
      const embedded = this.#symbolTableBytes(release);
      this.#symbols = embedded === undefined ? symtabSymbols(this.elf) : embeddedSymbols(embedded);
    }
    return this.#symbols;
  }

  #symbolTableBytes(release: Release): SymbolTableBytes | undefined {
    const names = this.#between('symbols_names');
    const markers = this.#between('symbols_markers');
    const tokenTable = this.#between('symbols_token_table');
    const tokenIndex = this.#between('symbols_token_index');
    const number = this.#between('symbols_num_syms');
    // The image's own release determines the table's encoding, whatever rules are in force.
    const addresses = this.#symbolAddresses(this.release?.release ?? release);
    if (!names || !markers || !tokenTable || !tokenIndex || !number || addresses === undefined) return undefined;
    if (number.length < 4) return undefined;
    const count = viewOf(number).getUint32(0, true);
    const sorted = this.#between('symbols_sorted_offsets');
    return {
      count,
      names,
      markers: viewOf(markers),
      tokenTable,
      tokenIndex: viewOf(tokenIndex),
      addresses,
      ...(sorted !== undefined && sorted.length > 0 && { sorted: { view: viewOf(sorted), count } }),
    };
  }

  #symbolAddresses(release: Release): SymbolTableBytes['addresses'] | undefined {
    const origin = this.arch.image.symbolsOrigin(release);
    const found = this.#between(origin === 'pointers' ? 'symbols_addresses' : 'symbols_offsets');
    if (found === undefined) return undefined;
    const view = viewOf(found);
    return origin === 'pointers'
      ? { kind: 'pointers', view, pointerSize: this.arch.elf.pointerSize }
      : { kind: 'offsets', view, origin };
  }

  /** The highest feature in the image's own alternatives; -1 if there are none. */
  get highestFeature(): number {
    this.#highestFeature ??= this.arch.alternatives.highestFeature(
      viewOf(this.#between('__alt_instructions', '__alt_instructions_end') ?? new Uint8Array(0)),
    );
    return this.#highestFeature;
  }

  /** Returns the bounds of VMAP_XEN, where payloads get their memory. Throws EIMAGE if the release leaves no room. */
  vmapXen(release: Release): AddressRange {
    const { regions } = this;
    const imageEnd = (regions[regions.length - 1] as ImageRegion).end;
    return checkVmapXen(this.arch.image.vmapXen(this.#facts, release), imageEnd, release.version);
  }
}

/** Bytes of a function decoded for what it returns. */
const FUNCTION_BYTES = 32;

const BUG_FRAME_STARTS: readonly LinkerSymbolName[] = [
  '__start_bug_frames_0',
  '__start_bug_frames_1',
  '__start_bug_frames_2',
  '__start_bug_frames_3',
];
const BUG_FRAME_STOPS: readonly LinkerSymbolName[] = [
  '__stop_bug_frames_0',
  '__stop_bug_frames_1',
  '__stop_bug_frames_2',
  '__stop_bug_frames_3',
];

/** Options assumed to be set without a configuration: Xen's defaults for a release build. */
const ASSUMED_ON = new Set(['CONFIG_LIVEPATCH', 'CONFIG_XEN_IBT', 'CONFIG_XEN_SHSTK']);

export interface OpenImageOptions {
  /** The image's name in messages; `the image` by default. */
  readonly file?: string;
  /** Unpacks the image's configuration; without it, the configuration counts as absent. */
  readonly gunzip?: Gunzip;
}

/** Opens a `xen-syms`. Throws EIMAGE with the cause and the file to use instead. */
export function openImage(bytes: Uint8Array, { file = 'the image', gunzip }: OpenImageOptions = {}): Image {
  const elf = readElf(bytes);
  if (isProblem(elf)) {
    const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    throw new XspliceError(
      'EIMAGE',
      `${file}: ${gzip ? 'compressed, not an ELF file' : elf.message}`,
      'use xen-syms, the uncompressed ELF file with symbols that the Xen build leaves beside xen.gz',
    );
  }
  const arch = architectureOf(elf.machine);
  if (arch === undefined || elf.layout !== arch.elf) {
    throw new XspliceError(
      'EIMAGE',
      `${file}: machine type ${elf.machine} is not supported`,
      `use a xen-syms of one of ${ARCHITECTURES.map(({ image }) => image.title).join(', ')}`,
    );
  }
  const image = new Image(elf, arch, gunzip);
  // Read this now, so that a stripped or damaged file is refused at once.
  checkLayout(image.regions, image.core, arch.image.linkable);
  return image;
}
