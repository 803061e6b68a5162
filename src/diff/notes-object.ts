import { ensure, fromLatin1 } from '../base/index.ts';
import { type ElfFile, ElfWriter, SHF_ALLOC, SHT_PROGBITS } from '../elf/index.ts';
import {
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_XEN_DEPENDS,
  encodeBuildIdNote,
  type Release,
} from '../xen/index.ts';

/** Where a payload is from: what `.modinfo` tells whoever finds it on a host. */
export interface Provenance {
  /** The payload's name in the hypervisor. */
  readonly name: string;
  /** What it fixes: the titles of its patches, in their order. Untrusted: they are from mails. */
  readonly titles: readonly string[];
  /** Who made it: `xsplice 0.1.0`. */
  readonly tool: string;
  /** Hex digits of the build-id of the hypervisor that it was made from; `null` where that has none. */
  readonly base: string | null;
}

/** What the notes say. */
export interface PayloadNotes {
  /** Build-id of what has to be on top of the stack: the hypervisor, or another payload. Of any length but 0. */
  readonly depends: Uint8Array;
  /** Build-id of the hypervisor. */
  readonly xenDepends: Uint8Array;
  readonly provenance: Provenance;
}

/** Most titles that are told, and most characters of an entry: the hypervisor keeps them in memory and prints a line for each. */
const MOST = { titles: 16, characters: 200 } as const;

/** What neither the console nor a list of payloads shows as one line. */
const UNPRINTABLE = /[^\x20-\x7e]+/g;

/** The strings of `.modinfo`: `key=value`, each printable and of bounded length. */
export function modinfoEntries({ name, titles, tool, base }: Provenance): string[] {
  const entry = (key: string, value: string): string =>
    `${key}=${value.replace(UNPRINTABLE, '?').trim()}`.slice(0, MOST.characters);
  return [
    entry('name', name),
    ...titles.slice(0, MOST.titles).map((title) => entry('title', title)),
    ...(titles.length > MOST.titles ? [entry('title', `and ${titles.length - MOST.titles} more`)] : []),
    entry('tool', tool),
    ...(base === null ? [] : [entry('base', base)]),
  ];
}

/**
 * The object that makes a payload of those it is linked with: what it depends on, and where it is from, as far as the release reads these
 * sections. Its own build-id is the linker's work (`--build-id`).
 *
 * @param like one of the others: machine, class and flags are the same.
 */
export function notesObject(like: ElfFile, notes: PayloadNotes, release: Release): Uint8Array {
  const { header, layout } = like;
  const writer = new ElfWriter({
    machine: header.e_machine,
    class: layout.class,
    osabi: ensure(header.e_ident[7], 'e_ident has 16 bytes'),
    abiVersion: ensure(header.e_ident[8], 'e_ident has 16 bytes'),
    flags: header.e_flags,
  });
  // PROGBITS as livepatch-build-tools has it: linkers put notes of several files together by their type.
  const add = (name: string, data: Uint8Array, addralign: number): void => {
    writer.section(name, { type: SHT_PROGBITS, flags: SHF_ALLOC, data, addralign });
  };
  add(ELF_LIVEPATCH_DEPENDS, encodeBuildIdNote(notes.depends), 4);
  if (release.xenDepends !== 'none') add(ELF_LIVEPATCH_XEN_DEPENDS, encodeBuildIdNote(notes.xenDepends), 4);
  if (release.modinfo) {
    const strings = modinfoEntries(notes.provenance).map((entry) => `${entry}\0`);
    add(ELF_LIVEPATCH_MODINFO, fromLatin1(strings.join('')), 1);
  }
  return writer.write();
}
