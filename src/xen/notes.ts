import { latin1, viewOf } from '../base/index.ts';
import { NT_GNU_BUILD_ID } from '../elf/index.ts';
import type { Errno } from './errno.ts';

/** sizeof(Elf_Note): `namesz`, `descsz`, `type`. */
const NOTE_HEADER = 12;

export type BuildIdResult =
  | {
      readonly ok: true;
      /** The build-id, as far as it lies inside the section. */
      readonly id: Uint8Array;
      /** Its offset in the section, in bytes. */
      readonly offset: number;
      /**
       * Its length according to the note. Xen's bounds check omits the padding after the name, so up to three bytes may lie beyond
       * the section. Xen reads them; `id` lacks them.
       */
      readonly length: number;
    }
  | {
      readonly ok: false;
      /** Releases without `Release.buildIdErrno` return EINVAL for both. */
      readonly errno: Extract<Errno, 'EINVAL' | 'ENODATA'>;
    };

const refuse = (errno: 'EINVAL' | 'ENODATA'): BuildIdResult => ({ ok: false, errno });

/** Reads `length` bytes at `offset` of the memory with a note. May fault, as in the hypervisor. */
export type NoteReader = (offset: number, length: number) => Uint8Array;

/** Reads a note from bytes; anything beyond them is missing. */
const bytesReader =
  (section: Uint8Array): NoteReader =>
  (offset, length) =>
    section.subarray(offset, offset + length);

/**
 * Checks whether the first note is a GNU build-id. The section has `size` bytes, more than 12. An empty descriptor passes. Reads
 * only what the header claims, so a section may be larger than its memory.
 * Source: xen/common/version.c, xen_build_id_check, in its order.
 */
export function readXenBuildId(size: number, read: NoteReader): BuildIdResult {
  // Xen reads the type first, so missing memory faults here.
  const word = (at: number): number => viewOf(read(at, 4)).getUint32(0, true);
  if (word(8) !== NT_GNU_BUILD_ID) return refuse('ENODATA');
  const namesz = word(0);
  const descsz = word(4);
  if (namesz + descsz > 0xffff_ffff) return refuse('EINVAL');
  if (namesz < 4) return refuse('EINVAL');
  if (namesz + descsz > size - NOTE_HEADER) return refuse('EINVAL');
  // strncmp ignores everything after the NUL.
  if (latin1(read(NOTE_HEADER, 4)) !== 'GNU\0') return refuse('ENODATA');
  const offset = NOTE_HEADER + Math.ceil(namesz / 4) * 4;
  return { ok: true, id: read(offset, descsz).slice(), offset, length: descsz };
}

/** Does the same for bytes. */
export const xenBuildIdCheck = (section: Uint8Array): BuildIdResult =>
  readXenBuildId(section.length, bytesReader(section));

/**
 * Returns the build-id in a payload's `.note.gnu.build-id`, `.livepatch.depends` or `.livepatch.xen_depends`. Ignores everything
 * after the first note. Source: xen/common/livepatch.c, parse_buildid (86d09d16dd) and prepare_payload before it.
 */
export function readBuildId(size: number, read: NoteReader): BuildIdResult {
  if (size <= NOTE_HEADER) return refuse('EINVAL');
  const result = readXenBuildId(size, read);
  return result.ok && result.length === 0 ? refuse('EINVAL') : result;
}

/** Does the same for bytes. */
export const parseBuildId = (section: Uint8Array): BuildIdResult => readBuildId(section.length, bytesReader(section));

/** Makes a note section with this build-id, as `ld --build-id` does. */
export function encodeBuildIdNote(id: Uint8Array): Uint8Array {
  const note = new Uint8Array(NOTE_HEADER + 4 + Math.ceil(id.length / 4) * 4);
  const view = viewOf(note);
  view.setUint32(0, 4, true);
  view.setUint32(4, id.length, true);
  view.setUint32(8, NT_GNU_BUILD_ID, true);
  note.set([0x47, 0x4e, 0x55, 0], NOTE_HEADER);
  note.set(id, NOTE_HEADER + 4);
  return note;
}
