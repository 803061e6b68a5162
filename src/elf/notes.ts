import { latin1, viewOf } from '../base/index.ts';
import { NT_GNU_BUILD_ID, SHT_NOTE } from './constants.ts';
import type { ElfFile } from './file.ts';
import { Elf_Nhdr } from './layout.ts';

/** One note of a note section. */
export interface ElfNote {
  /** Bytes from the start of the section to the note's header. */
  readonly offset: number;
  /** The owner, without its closing NUL: `GNU`. */
  readonly name: string;
  readonly type: number;
  /** A window on the descriptor's bytes. */
  readonly desc: Uint8Array;
}

/**
 * The notes of a section's bytes, up to the first that does not fit. Name and descriptor are padded to `align` bytes: 4,
 * or 8 in sections of that alignment (`.note.gnu.property` of 64-bit files).
 *
 * Xen's own reader is stricter about the name and looser about the padding: see xen_build_id_check.
 */
export function readNotes(bytes: Uint8Array, align: number = 4): ElfNote[] {
  const view = viewOf(bytes);
  const padding = align === 8 ? 8 : 4;
  const padded = (size: number): number => Math.ceil(size / padding) * padding;
  const notes: ElfNote[] = [];
  for (let at = 0; at + Elf_Nhdr.size <= bytes.length; ) {
    const { namesz, descsz, type } = Elf_Nhdr.read(view, at);
    const nameAt = at + Elf_Nhdr.size;
    const descAt = at + padded(Elf_Nhdr.size + namesz);
    if (descAt + descsz > bytes.length) break;
    const name = latin1(bytes.subarray(nameAt, nameAt + namesz));
    notes.push({
      offset: at,
      name: name.endsWith('\0') ? name.slice(0, -1) : name,
      type,
      desc: bytes.subarray(descAt, descAt + descsz),
    });
    at = descAt + padded(descsz);
  }
  return notes;
}

/** The descriptor of the first GNU build-id note among some bytes, or `undefined`. */
export const buildIdOf = (bytes: Uint8Array): Uint8Array | undefined =>
  readNotes(bytes).find(({ name, type }) => name === 'GNU' && type === NT_GNU_BUILD_ID)?.desc;

/** The file's own build-id: the first one in any SHT_NOTE section called `.note.gnu.build-id`, or else in any other. */
export function findBuildId(file: ElfFile): Uint8Array | undefined {
  const named = file.section('.note.gnu.build-id');
  const found = named && buildIdOf(named.data());
  if (found !== undefined) return found;
  // A payload's dependencies are build-id notes, too, but not its own.
  for (const section of file.sections) {
    if (section.type !== SHT_NOTE || section.name.startsWith('.livepatch.')) continue;
    const id = buildIdOf(section.data());
    if (id !== undefined) return id;
  }
  return undefined;
}
