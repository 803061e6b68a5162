import { viewOf } from '../base/index.ts';
import type { Errno } from './errno.ts';

/** `n_type` of a build-id. Source: xen/include/xen/elfstructs.h. */
export const NT_GNU_BUILD_ID = 3;

/** sizeof(Elf_Note): `namesz`, `descsz`, `type`. */
const NOTE_HEADER = 12;

export type BuildIdResult =
  | {
      readonly ok: true;
      /** The build-id, as far as it lies within the section. */
      readonly id: Uint8Array;
      /** Where it starts, in bytes from the start of the section. */
      readonly offset: number;
      /**
       * Its length according to the note. Xen does not count the padding behind the name in its bounds check, so up to
       * three bytes may lie behind the section; Xen reads them, `id` lacks them.
       */
      readonly length: number;
    }
  | {
      readonly ok: false;
      /** Releases without `Release.buildIdErrno` make EINVAL of both. */
      readonly errno: Extract<Errno, 'EINVAL' | 'ENODATA'>;
    };

const refuse = (errno: 'EINVAL' | 'ENODATA'): BuildIdResult => ({ ok: false, errno });

/** `namesz` bytes from `at` on compare equal to "GNU" as strncmp has it: what follows the NUL does not count. */
function isGnu(section: Uint8Array, at: number): boolean {
  return section[at] === 0x47 && section[at + 1] === 0x4e && section[at + 2] === 0x55 && section[at + 3] === 0;
}

/**
 * Is the first note of this section a GNU build-id? The section has more than 12 bytes. An empty descriptor passes.
 * Source: xen/common/version.c, xen_build_id_check, in its order.
 */
export function xenBuildIdCheck(section: Uint8Array): BuildIdResult {
  const view = viewOf(section);
  const namesz = view.getUint32(0, true);
  const descsz = view.getUint32(4, true);
  if (view.getUint32(8, true) !== NT_GNU_BUILD_ID) return refuse('ENODATA');
  if (namesz + descsz > 0xffff_ffff) return refuse('EINVAL');
  if (namesz < 4) return refuse('EINVAL');
  if (namesz + descsz > section.length - NOTE_HEADER) return refuse('EINVAL');
  if (!isGnu(section, NOTE_HEADER)) return refuse('ENODATA');
  const offset = NOTE_HEADER + Math.ceil(namesz / 4) * 4;
  return { ok: true, id: section.slice(offset, offset + descsz), offset, length: descsz };
}

/**
 * The build-id in a payload's `.note.gnu.build-id`, `.livepatch.depends` or `.livepatch.xen_depends`. Whatever follows
 * the first note is ignored. Source: xen/common/livepatch.c, parse_buildid (86d09d16dd) and prepare_payload before it.
 */
export function parseBuildId(section: Uint8Array): BuildIdResult {
  if (section.length <= NOTE_HEADER) return refuse('EINVAL');
  const result = xenBuildIdCheck(section);
  return result.ok && result.length === 0 ? refuse('EINVAL') : result;
}

/** A note section with this build-id, as `ld --build-id` makes it. */
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
