import type { Architecture, VirtualRegion } from '../arch/index.ts';
import { X86_64 } from '../arch/index.ts';
import { type Address, addOffset, cString, viewOf, XspliceError } from '../base/index.ts';
import { type ElfFile, readElf, SHF_ALLOC, SHT_NOBITS } from '../elf/index.ts';
import {
  type AddressRange,
  ALT_FLAG_NOT,
  ALT_INSTR,
  configEnabled,
  type Gunzip,
  type Release,
  type ReleaseMatch,
  readConfigData,
  releaseOfImage,
  type SymbolTableBytes,
  symbolsOrigin,
  X86_DEFAULT_NR_CPUS,
  type XenConfig,
  x86VmapXen,
  xenBuildIdCheck,
} from '../xen/index.ts';
import { checkLayout, checkVmapXen, nrCpus } from './image-layout.ts';
import { embeddedSymbols, type ImageSymbols, symtabSymbols } from './image-symbols.ts';
import { LINKER_SYMBOLS, type LinkerSymbolName } from './linker-symbol-names.ts';
import { findLinkerSymbols } from './linker-symbols.ts';
import type { TrapTables } from './trap-tables.ts';

/** A piece of the image with one permission, page aligned. */
export interface ImageRegion {
  readonly name: 'text' | 'rodata' | 'init' | 'rwdata';
  readonly start: Address;
  readonly end: Address;
}

/**
 * A `xen-syms` that describes itself: where its parts are, what it is called, which symbols and options it has. Reads nothing before it is
 * asked, but for the linker's symbols.
 */
export class Image {
  readonly arch: Architecture;
  readonly elf: ElfFile;
  readonly #gunzip: Gunzip | undefined;
  readonly #linker: ReadonlyMap<string, { readonly value: Address; readonly size: number }>;
  /** What the image did not say, and what was taken instead: for the user. */
  readonly assumed: string[] = [];
  #symbols: ImageSymbols | undefined;
  #config: XenConfig | null | undefined;
  #release: ReleaseMatch | undefined | null = null;
  #buildId: Uint8Array | null | undefined;
  #featureWords: number | undefined;

  constructor(elf: ElfFile, arch: Architecture, gunzip?: Gunzip) {
    this.elf = elf;
    this.arch = arch;
    this.#gunzip = gunzip;
    this.#linker = findLinkerSymbols(elf, LINKER_SYMBOLS);
  }

  /** Address of one of the linker's symbols. */
  linker(name: LinkerSymbolName): Address | undefined {
    return this.#linker.get(name)?.value;
  }

  #require(name: LinkerSymbolName): Address {
    const value = this.linker(name);
    if (value === undefined) {
      throw new XspliceError(
        'EIMAGE',
        `the image has no symbol ${name}`,
        'give an unstripped xen-syms, as the Xen build leaves it beside xen.gz',
      );
    }
    return value;
  }

  /** The image's parts, in ascending order. The init part is gone once the host is up. */
  get regions(): readonly ImageRegion[] {
    const region = (name: ImageRegion['name'], start: LinkerSymbolName, end: LinkerSymbolName): ImageRegion => ({
      name,
      start: this.#require(start),
      end: this.#require(end),
    });
    return [
      region('text', '_start', '__2M_text_end'),
      region('rodata', '__2M_rodata_start', '__2M_rodata_end'),
      region('init', '__2M_init_start', '__2M_init_end'),
      region('rwdata', '__2M_rwdata_start', '__2M_rwdata_end'),
    ];
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

  /** The core's bug frames and exception table. Since 3434518d05 (4.19) each kind of frame has a start of its own. */
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

  /** The note's descriptor; `null` for an image linked without one. */
  get buildId(): Uint8Array | null {
    if (this.#buildId === undefined) this.#buildId = this.#readBuildId();
    return this.#buildId;
  }

  /** `file` bytes at a link address; fewer where the file has no more there. */
  bytes(address: Address, length: number): Uint8Array {
    // Symbols of a damaged image may stand in the wrong order.
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

  /** From one linker symbol up to another, or up to the section's end. */
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

  /** `.config` of the build; `null` where the image does not carry it, or where there is nothing to unpack it with. */
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

  /** Is an option on? Without a configuration, the answer is that of an ordinary release build: see {@link assumptions}. */
  configured(option: string): boolean {
    return this.config === null ? ASSUMED_ON.has(option) : configEnabled(this.config, option);
  }

  /** The row of the release table that the image's own version functions point to; `undefined` where they say nothing known. */
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

  /** As the host's console names itself: `4.17.7`. */
  get version(): string | undefined {
    const major = this.#constantReturned('xen_major_version');
    const minor = this.#constantReturned('xen_minor_version');
    return major === undefined || minor === undefined ? undefined : `${major}.${minor}${this.extraVersion ?? ''}`;
  }

  /** What xen_extra_version() returns: `lea text(%rip), %rax`, behind an ENDBR64 perhaps. */
  get extraVersion(): string | undefined {
    const code = this.#functionBody('xen_extra_version');
    if (code === undefined || code.bytes.length < 7) return undefined;
    const { bytes, address } = code;
    if (bytes[0] !== 0x48 || bytes[1] !== 0x8d || bytes[2] !== 0x05) return undefined;
    const text = addOffset(address, 7 + viewOf(bytes).getInt32(3, true));
    return cString(this.bytes(text, 64), 0);
  }

  /** What a function that is `mov $imm32, %eax; ret` returns. */
  #constantReturned(name: LinkerSymbolName): number | undefined {
    const code = this.#functionBody(name);
    if (code === undefined || code.bytes.length < 5 || code.bytes[0] !== 0xb8) return undefined;
    return viewOf(code.bytes).getUint32(1, true);
  }

  #functionBody(name: LinkerSymbolName): { bytes: Uint8Array; address: Address } | undefined {
    const start = this.linker(name);
    if (start === undefined) return undefined;
    const bytes = this.bytes(start, 16);
    const endbr = bytes[0] === 0xf3 && bytes[1] === 0x0f && bytes[2] === 0x1e && bytes[3] === 0xfa ? 4 : 0;
    return { bytes: bytes.subarray(endbr), address: addOffset(start, endbr) };
  }

  /** The table of symbols that the hypervisor itself uses, or `.symtab` in its place. */
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
    const offsets = this.#between('symbols_offsets');
    const number = this.#between('symbols_num_syms');
    // How the table is encoded is the image's own affair, whatever rules it is run under.
    const origin = symbolsOrigin(this.release?.release ?? release, this.arch.name);
    if (!names || !markers || !tokenTable || !tokenIndex || !offsets || !number || origin === undefined)
      return undefined;
    if (number.length < 4) return undefined;
    const count = viewOf(number).getUint32(0, true);
    const sorted = this.#between('symbols_sorted_offsets');
    return {
      count,
      names,
      markers: viewOf(markers),
      tokenTable,
      tokenIndex: viewOf(tokenIndex),
      addresses: { kind: 'offsets', view: viewOf(offsets), origin },
      ...(sorted !== undefined && sorted.length > 0 && { sorted: { view: viewOf(sorted), count } }),
    };
  }

  /** Words of the capability array (NCAPINTS) that the image's own alternatives reach into. */
  get featureWords(): number {
    if (this.#featureWords === undefined) {
      const table = viewOf(this.#between('__alt_instructions', '__alt_instructions_end') ?? new Uint8Array(0));
      let highest = -1;
      for (let at = ALT_INSTR.at.cpuid; at + 2 <= table.byteLength; at += ALT_INSTR.size) {
        const feature = table.getUint16(at, true) & ~ALT_FLAG_NOT;
        if (feature > highest) highest = feature;
      }
      this.#featureWords = (highest >> 5) + 1;
    }
    return this.#featureWords;
  }

  /** Bounds of VMAP_XEN, from which payloads take their memory. Throws EIMAGE where the release leaves it no room. */
  vmapXen(release: Release): AddressRange {
    const range = x86VmapXen(release, {
      end: this.#require('_end'),
      rwdataEnd: this.linker('__2M_rwdata_end'),
      nrCpus: nrCpus(this.config?.get('CONFIG_NR_CPUS')) ?? X86_DEFAULT_NR_CPUS,
      hypervGuest: this.configured('CONFIG_HYPERV_GUEST'),
    });
    return checkVmapXen(range, this.#require('__2M_rwdata_end'), release.version);
  }
}

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

/** Options of an image that does not say: as Xen's own defaults for a release build have them. */
const ASSUMED_ON = new Set(['CONFIG_LIVEPATCH', 'CONFIG_XEN_IBT', 'CONFIG_XEN_SHSTK']);

const EM_X86_64 = 62;

export interface OpenImageOptions {
  /** What messages call the image; `the image` unless given. */
  readonly file?: string;
  /** Unpacks the configuration that the image carries. Without it, it counts as absent. */
  readonly gunzip?: Gunzip;
}

/** Opens a `xen-syms`. Throws EIMAGE with what is wrong and what to give instead. */
export function openImage(bytes: Uint8Array, { file = 'the image', gunzip }: OpenImageOptions = {}): Image {
  const elf = readElf(bytes);
  if (elf.kind !== 'elf') {
    const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    throw new XspliceError(
      'EIMAGE',
      `${file}: ${gzip ? 'compressed, not an ELF file' : elf.message}`,
      'give xen-syms, the uncompressed ELF file with symbols that the Xen build leaves beside xen.gz',
    );
  }
  if (elf.machine !== EM_X86_64) {
    throw new XspliceError(
      'EIMAGE',
      `${file}: machine type ${elf.machine} is not supported`,
      'give an x86-64 xen-syms',
    );
  }
  const image = new Image(elf, X86_64, gunzip);
  // Asked for here so that a stripped or damaged file is refused at once.
  checkLayout(image.regions, image.core);
  return image;
}
