import { hex, latin1 } from '../base/index.ts';
import type { ElfFile, ElfSection } from '../elf/index.ts';
import {
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_XEN_DEPENDS,
  parseBuildId,
} from '../xen/index.ts';

/** A build-id in one of a payload's sections. */
export interface PayloadBuildId {
  readonly section: ElfSection;
  /** Lower-case hex digits; `undefined` if Xen's own reader finds no build-id in the section. */
  readonly id: string | undefined;
}

/** A payload's build-ids. A member is `undefined` if its section is missing. */
export interface PayloadIdentity {
  /** Its own build-id, `.note.gnu.build-id`. */
  readonly buildId: PayloadBuildId | undefined;
  /** The required top of the stack, an applied payload or the hypervisor: `.livepatch.depends`. */
  readonly depends: PayloadBuildId | undefined;
  /** The hypervisor it was built for: `.livepatch.xen_depends`. */
  readonly xenDepends: PayloadBuildId | undefined;
}

function readBuildId(file: ElfFile, name: string): PayloadBuildId | undefined {
  const section = file.section(name);
  if (section === undefined) return undefined;
  const result = parseBuildId(section.data());
  return { section, id: result.ok ? hex(result.id) : undefined };
}

/** Reads the three build-id notes as Xen would: the first note of each section. */
export const readIdentity = (file: ElfFile): PayloadIdentity => ({
  buildId: readBuildId(file, ELF_BUILD_ID_NOTE),
  depends: readBuildId(file, ELF_LIVEPATCH_DEPENDS),
  xenDepends: readBuildId(file, ELF_LIVEPATCH_XEN_DEPENDS),
});

/** The metadata of `.modinfo`. */
export interface PayloadMetadata {
  readonly section: ElfSection;
  /** The strings without their NULs; the toolstack prints one per line. */
  readonly strings: readonly string[];
  /** Whether the section ends with a NUL, as it must. */
  readonly terminated: boolean;
}

/** Reads `.modinfo`, if it exists. */
export function readMetadata(file: ElfFile): PayloadMetadata | undefined {
  const section = file.section(ELF_LIVEPATCH_MODINFO);
  if (section === undefined) return undefined;
  const data = section.data();
  const terminated = data.length !== 0 && data[data.length - 1] === 0;
  const text = latin1(terminated ? data.subarray(0, -1) : data);
  return { section, strings: data.length === 0 ? [] : text.split('\0'), terminated };
}
