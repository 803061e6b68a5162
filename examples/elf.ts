/**
 * The parts of ELF (little-endian) that the build script needs: functions with their sizes and bytes, and the build-id. The
 * build does not use the library that the examples test.
 */

/** A function of a linked or relocatable file. */
export interface ElfFunction {
  readonly name: string;
  /** The STT_FILE symbol before it, for static functions only. */
  readonly file: string | undefined;
  readonly bytes: Uint8Array;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: bigint;
  readonly link: number;
  readonly bytes: Uint8Array;
}

/** Offsets of fields by class: ELF header, section header, symbol. */
interface Layout {
  readonly word: 4 | 8;
  readonly header: { readonly shoff: number; readonly shnum: number; readonly shstrndx: number };
  readonly section: {
    readonly bytes: number;
    readonly address: number;
    readonly offset: number;
    readonly size: number;
    readonly link: number;
  };
  readonly symbol: {
    readonly bytes: number;
    readonly value: number;
    readonly size: number;
    readonly info: number;
    readonly shndx: number;
  };
}

const LAYOUTS: Readonly<Record<number, Layout>> = {
  1: {
    word: 4,
    header: { shoff: 0x20, shnum: 0x30, shstrndx: 0x32 },
    section: { bytes: 40, address: 12, offset: 16, size: 20, link: 24 },
    symbol: { bytes: 16, value: 4, size: 8, info: 12, shndx: 14 },
  },
  2: {
    word: 8,
    header: { shoff: 0x28, shnum: 0x3c, shstrndx: 0x3e },
    section: { bytes: 64, address: 16, offset: 24, size: 32, link: 40 },
    symbol: { bytes: 24, value: 8, size: 16, info: 4, shndx: 6 },
  },
};

const EI_CLASS = 4;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHN_LORESERVE = 0xff00;
const STT_FUNC = 2;
const STT_FILE = 4;
const STB_LOCAL = 0;
const ET_REL = 1;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function textAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString('latin1');
}

function layoutOf(elf: Uint8Array): Layout {
  const layout = LAYOUTS[elf[EI_CLASS] ?? 0];
  if (!layout) throw new Error(`no ELF class ${elf[EI_CLASS]}`);
  return layout;
}

const wordAt = (view: DataView, at: number, word: 4 | 8): bigint =>
  word === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));

function sectionsOf(elf: Uint8Array): Section[] {
  const { word, header, section } = layoutOf(elf);
  const view = viewOf(elf);
  const shoff = Number(wordAt(view, header.shoff, word));
  const headers = Array.from({ length: view.getUint16(header.shnum, true) }, (_, i) => {
    const at = shoff + i * section.bytes;
    const type = view.getUint32(at + 4, true);
    const offset = Number(wordAt(view, at + section.offset, word));
    const size = type === SHT_NOBITS ? 0 : Number(wordAt(view, at + section.size, word));
    return {
      nameAt: view.getUint32(at, true),
      type,
      address: wordAt(view, at + section.address, word),
      link: view.getUint32(at + section.link, true),
      bytes: elf.subarray(offset, offset + size),
    };
  });
  const names = headers[view.getUint16(header.shstrndx, true)]?.bytes ?? new Uint8Array(1);
  return headers.map(({ nameAt, ...rest }) => ({ name: textAt(names, nameAt), ...rest }));
}

/** Returns all functions with a size, in symbol order. */
export function functionsOf(elf: Uint8Array): ElfFunction[] {
  const sections = sectionsOf(elf);
  const symtab = sections.find((section) => section.type === SHT_SYMTAB);
  const strtab = symtab && sections[symtab.link];
  if (!symtab || !strtab) throw new Error('no symbol table');
  const relocatable = viewOf(elf).getUint16(0x10, true) === ET_REL;
  const { word, symbol } = layoutOf(elf);
  const view = viewOf(symtab.bytes);
  const functions: ElfFunction[] = [];
  let file: string | undefined;
  for (let at = symbol.bytes; at < symtab.bytes.length; at += symbol.bytes) {
    const name = textAt(strtab.bytes, view.getUint32(at, true));
    const info = view.getUint8(at + symbol.info);
    const index = view.getUint16(at + symbol.shndx, true);
    const size = Number(wordAt(view, at + symbol.size, word));
    if ((info & 15) === STT_FILE) file = name;
    if ((info & 15) !== STT_FUNC || size === 0 || index === 0 || index >= SHN_LORESERVE) continue;
    const section = sections[index];
    if (!section) throw new Error(`${name} is in section ${index}, which does not exist`);
    const offset = Number(wordAt(view, at + symbol.value, word) - (relocatable ? 0n : section.address));
    const local = info >> 4 === STB_LOCAL;
    functions.push({ name, file: local ? file : undefined, bytes: section.bytes.subarray(offset, offset + size) });
  }
  return functions;
}

/** Returns the descriptor of `.note.gnu.build-id`: 20 bytes of SHA-1. */
export function buildIdOf(elf: Uint8Array): Uint8Array {
  const note = sectionsOf(elf).find((section) => section.name === '.note.gnu.build-id');
  if (!note) throw new Error('no .note.gnu.build-id');
  return note.bytes.subarray(16, 16 + viewOf(note.bytes).getUint32(4, true));
}
