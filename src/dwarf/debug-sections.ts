import { toNumber, viewOf } from '../base/index.ts';
import { type ElfFile, type ElfSection, ET_REL, SHF_COMPRESSED } from '../elf/index.ts';
import type { CodePlaces } from './code-places.ts';
import type { Problems } from './problems.ts';
import { relocateDebugSection } from './relocate.ts';

/**
 * Decompresses a zlib stream (RFC 1950) to at most `maxSize` bytes; `undefined` if it is damaged or larger. A port, because this room has
 * no such library.
 */
export type Inflate = (data: Uint8Array, maxSize: number) => Uint8Array | undefined;

/** ch_type of a zlib stream (System V ABI, "Section Compression"). */
const ELFCOMPRESS_ZLIB = 1;

/** Maximum size of a decompressed section, and maximum ratio to its compressed size; deflate reaches 1032. */
const UNPACKED_MAX = 2 ** 30;
const RATIO_MAX = 1040;

const EMPTY = new Uint8Array(0);

/** The bytes of a file's debug sections, decompressed and relocated on first use. */
export class DebugSections {
  readonly file: ElfFile;
  readonly #places: CodePlaces;
  readonly #problems: Problems;
  readonly #inflate: Inflate | undefined;
  readonly #ready = new Map<string, Uint8Array>();

  constructor(file: ElfFile, places: CodePlaces, problems: Problems, inflate: Inflate | undefined) {
    this.file = file;
    this.#places = places;
    this.#problems = problems;
    this.#inflate = inflate;
  }

  /** Returns the bytes of a section such as `.debug_info`; none if it is missing or unreadable. */
  get(name: string): Uint8Array {
    let bytes = this.#ready.get(name);
    if (bytes === undefined) {
      bytes = this.#read(name);
      this.#ready.set(name, bytes);
    }
    return bytes;
  }

  #read(name: string): Uint8Array {
    const section = this.file.section(name);
    if (section === undefined) return EMPTY;
    if (this.file.sections.some((other) => other.index > section.index && other.name === name)) {
      this.#problems.add('There are several sections of this name; reading only the first', name);
    }
    if (!section.complete) this.#problems.add('The section is cut off', name);
    const bytes = (section.flags & SHF_COMPRESSED) === 0 ? section.data() : this.#unpack(section);
    if (this.file.header.e_type !== ET_REL || bytes.length === 0) return bytes;
    return relocateDebugSection(this.file, section, bytes, this.#places, this.#problems);
  }

  /** The header is Elf32_Chdr or Elf64_Chdr: ch_type, (ch_reserved,) ch_size, ch_addralign. */
  #unpack(section: ElfSection): Uint8Array {
    const data = section.data();
    const wide = this.file.layout.pointerSize === 8;
    const headerSize = wide ? 24 : 12;
    const refuse = (message: string): Uint8Array => {
      this.#problems.add(message, section.name);
      return EMPTY;
    };
    if (data.length < headerSize) return refuse('The header of the compressed section is cut off');
    const view = viewOf(data);
    const type = view.getUint32(0, true);
    const size = wide ? toNumber(view.getBigUint64(8, true)) : view.getUint32(4, true);
    if (type !== ELFCOMPRESS_ZLIB) return refuse(`Compression type ${type} is not supported; only zlib (1) is`);
    if (size === undefined || size > UNPACKED_MAX || size > data.length * RATIO_MAX) {
      return refuse(`The compressed section claims ${size ?? 'too many'} bytes, more than it can hold`);
    }
    if (this.#inflate === undefined) return refuse('The section is compressed, and there is no decompressor');
    const bytes = this.#inflate(data.subarray(headerSize), size);
    if (bytes === undefined || bytes.length !== size) return refuse('The compressed section cannot be decompressed');
    return bytes;
  }
}
