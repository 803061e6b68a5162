/**
 * As much of ELF64 (little endian) as the build script needs: functions with their sizes and bytes, and the build-id.
 * The build does not use the library that the examples are meant to test.
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

function sectionsOf(elf: Uint8Array): Section[] {
  const view = viewOf(elf);
  const shoff = Number(view.getBigUint64(0x28, true));
  const headers = Array.from({ length: view.getUint16(0x3c, true) }, (_, i) => {
    const at = shoff + i * 64;
    const type = view.getUint32(at + 4, true);
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = type === SHT_NOBITS ? 0 : Number(view.getBigUint64(at + 32, true));
    return {
      nameAt: view.getUint32(at, true),
      type,
      address: view.getBigUint64(at + 16, true),
      link: view.getUint32(at + 40, true),
      bytes: elf.subarray(offset, offset + size),
    };
  });
  const names = headers[view.getUint16(0x3e, true)]?.bytes ?? new Uint8Array(1);
  return headers.map(({ nameAt, ...header }) => ({ name: textAt(names, nameAt), ...header }));
}

/** All functions with a size, in symbol order. */
export function functionsOf(elf: Uint8Array): ElfFunction[] {
  const sections = sectionsOf(elf);
  const symtab = sections.find((section) => section.type === SHT_SYMTAB);
  const strtab = symtab && sections[symtab.link];
  if (!symtab || !strtab) throw new Error('no symbol table');
  const relocatable = viewOf(elf).getUint16(0x10, true) === ET_REL;
  const view = viewOf(symtab.bytes);
  const functions: ElfFunction[] = [];
  let file: string | undefined;
  for (let at = 24; at < symtab.bytes.length; at += 24) {
    const name = textAt(strtab.bytes, view.getUint32(at, true));
    const info = view.getUint8(at + 4);
    const index = view.getUint16(at + 6, true);
    const size = Number(view.getBigUint64(at + 16, true));
    if ((info & 15) === STT_FILE) file = name;
    if ((info & 15) !== STT_FUNC || size === 0 || index === 0 || index >= SHN_LORESERVE) continue;
    const section = sections[index];
    if (!section) throw new Error(`${name} is in section ${index}, which does not exist`);
    const offset = Number(view.getBigUint64(at + 8, true) - (relocatable ? 0n : section.address));
    const local = info >> 4 === STB_LOCAL;
    functions.push({ name, file: local ? file : undefined, bytes: section.bytes.subarray(offset, offset + size) });
  }
  return functions;
}

/** The descriptor of `.note.gnu.build-id`: 20 bytes of SHA-1. */
export function buildIdOf(elf: Uint8Array): Uint8Array {
  const note = sectionsOf(elf).find((section) => section.name === '.note.gnu.build-id');
  if (!note) throw new Error('no .note.gnu.build-id');
  return note.bytes.subarray(16, 16 + viewOf(note.bytes).getUint32(4, true));
}
